"""The profile as Partner Center holds it: read leniently, as members may be missing, and compared with what was sent.

Source: learn.microsoft.com/partner-center/developer/get-a-partner-support-profile; that unset members are left out,
and that names come in any case, is what Microsoft's own clients met.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import PartnerCenterTimeout
from ..support_profile import VALUE_NAMES, WIRE_NAMES, SupportProfile, canonical_name
from .answer import UpstreamAnswer


@dataclass(frozen=True, kw_only=True)
class StoredProfile:
    """What Partner Center holds.

    Attributes:
        values: By wire name (``Email``); an unset member is absent.
        unknown: The names of top-level members that the documented resource does not have.
    """

    values: Mapping[str, str] = field(repr=False)
    unknown: tuple[str, ...] = ()


def read_stored(answer: UpstreamAnswer) -> StoredProfile:
    """Read the answer to a GET. An empty body, or ``null``, is a profile that has nothing set.

    Raises:
        PartnerCenterTimeout: It cannot be read as a profile, so what is stored is not known.
    """
    if not answer.readable or answer.fault is not None:
        raise _unreadable()
    document = json.loads(answer.body or b"{}")  # "{}" and a JSON object are all that a readable answer bears
    members = {canonical_name(name): value for name, value in document.items()}
    values = {name: _text(members[name]) for name in VALUE_NAMES if members.get(name) is not None}
    return StoredProfile(values=values, unknown=tuple(name for name in members if name not in WIRE_NAMES))


def differing(profile: SupportProfile, stored: StoredProfile) -> tuple[str, ...]:
    """The wire names of the members that Partner Center holds otherwise; a change of case alone counts."""
    return tuple(name for name, value in profile.named_values.items() if stored.values.get(name) != value)


def _text(value: object) -> str:
    """Numbers are read as text, as Microsoft's own clients do."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _unreadable()


def _unreadable() -> PartnerCenterTimeout:
    return PartnerCenterTimeout("Partner Center's answer cannot be read as a profile: what is stored is not known.")
