"""What Partner Center's own codes mean: who must act, and what to do.

Sources: learn.microsoft.com/partner-center/developer/error-codes, deprecate-azure-active-directory-graph-token
(900420), and what partners report about codes that the page lacks (900308, 900309, 900329). A code counts only under
its status, because codes repeat across statuses. The refusal for missing MFA (900421) is in answer.py: its older forms
have no code.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..errors import Actor


class Meaning(NamedTuple):
    """What a refusal means. ``next_step`` is a sentence for the actor; "" when nothing is known."""

    actor: Actor
    next_step: str = ""
    retryable: bool = False


_ROLE = Meaning(
    actor="administrator",
    next_step="The user lacks a role in Partner Center: an administrator assigns one (such as Admin agent). It can"
    " take an hour to take effect.",
)
_INVALID = Meaning(actor="caller", next_step="Partner Center considers a value invalid: correct it.")
_NO_TOKEN = Meaning(
    actor="operator",
    next_step="Partner Center saw no usable token: PARTNER_CENTER_BASE_URL or PARTNER_CENTER_SCOPE may be wrong.",
)

KNOWN_CODES: Mapping[tuple[int, str], Meaning] = MappingProxyType(
    {
        (400, "2055"): Meaning(
            actor="caller", next_step="The profile was changed at the same time: read it again before writing."
        ),
        (400, "3000"): _INVALID,
        (400, "800002"): _INVALID,
        (401, "800001"): _NO_TOKEN,
        (401, "900420"): Meaning(
            actor="operator", next_step="The token is for another API: PARTNER_CENTER_SCOPE must name Partner Center."
        ),
        (403, "2032"): _ROLE,
        (403, "900150"): _ROLE,
        (403, "900308"): _ROLE,
        (403, "900309"): Meaning(
            actor="administrator", next_step="A Conditional Access policy of the tenant blocks this user."
        ),
        (403, "900329"): Meaning(
            actor="operator",
            next_step="Partner Center accepts no app-only token here: the exchange must return a user's token.",
        ),
        (404, "1000"): Meaning(actor="operator", next_step="Partner Center does not know this resource."),
        (404, "3000"): Meaning(
            actor="administrator", next_step="Partner Center has no partner organization for the user's tenant."
        ),
        (500, "800003"): Meaning(actor="nobody", next_step="This is a transient Partner Center error.", retryable=True),
    }
)

_BY_STATUS: Mapping[int, Meaning] = MappingProxyType(
    {
        **dict.fromkeys((400, 409, 412, 422), Meaning(actor="caller")),
        401: Meaning(actor="user"),
        403: Meaning(actor="administrator"),
        408: Meaning(actor="nobody", retryable=True),
        501: Meaning(actor="nobody"),
    }
)


def meaning_of(status: int, code: str | None) -> Meaning:
    """Return what a refusal means: by its code when that is known, else by its status alone."""
    otherwise = Meaning(actor="nobody", retryable=True) if status >= 500 else Meaning(actor="operator")
    return KNOWN_CODES.get((status, code or "")) or _BY_STATUS.get(status, otherwise)
