"""Every failure: its code, its status, who must act, and whether a retry can help."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from errors_raised import RAISED, all_classes

from update_profile import errors
from update_profile.errors import (
    PartnerCenterFailed,
    PartnerCenterRefused,
    PartnerCenterRejected,
    PartnerCenterUnanswered,
    UpdateProfileError,
    UpstreamFault,
)

# What the contract fixes: code -> status, actor, retryable.
CONTRACT = {
    "malformed_body": (400, "caller", False),
    "body_too_large": (413, "caller", False),
    "unsupported_media_type": (415, "caller", False),
    "invalid_profile": (422, "caller", False),
    "invalid_header": (400, "caller", False),
    "invalid_parameter": (400, "caller", False),
    "missing_token": (401, "caller", False),
    "invalid_token": (401, "caller", False),
    "app_only_token": (403, "caller", False),
    "insufficient_scope": (403, "caller", False),
    "tenant_not_allowed": (403, "operator", False),
    "client_not_allowed": (403, "operator", False),
    "interaction_required": (401, "user", False),
    "consent_required": (403, "administrator", False),
    "access_blocked": (403, "administrator", False),
    "entra_throttled": (503, "nobody", True),
    "entra_unavailable": (503, "nobody", True),
    "entra_timeout": (504, "nobody", True),
    "entra_unexpected": (502, "nobody", True),
    "misconfigured": (500, "operator", False),
    "partner_center_unreachable": (502, "nobody", True),
    "partner_center_unexpected": (502, "operator", False),
    "partner_center_timeout": (504, "nobody", True),
    "unexpected": (500, "operator", False),
}
# These take their status from the upstream; it may decide the rest as well.
BY_STATUS = {
    "partner_center_mfa_required",
    "partner_center_rejected",
    "partner_center_throttled",
    "partner_center_failed",
}


def test_the_codes_are_those_of_the_contract() -> None:
    """Codes are unique, and no class with a code has subclasses."""
    codes = [kind.code for kind in RAISED]
    assert len(codes) == len(set(codes))
    assert set(codes) == set(CONTRACT) | BY_STATUS
    assert not [kind for kind in RAISED if kind.__subclasses__()]


@pytest.mark.parametrize("kind", [kind for kind in RAISED if kind.code in CONTRACT], ids=lambda kind: str(kind.code))
def test_a_class_fixes_status_actor_and_retryable(kind: type[UpdateProfileError]) -> None:
    """The class and its instances have the contract's values."""
    assert (kind.status, kind.actor, kind.retryable) == CONTRACT[kind.code]
    raised = kind("Why.")
    assert (raised.status, raised.actor, raised.retryable) == CONTRACT[kind.code]
    assert (raised.detail, str(raised), raised.fields, raised.upstream) == ("Why.", "Why.", (), None)


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: str(kind.code))
def test_a_title_is_one_sentence_of_its_own(kind: type[UpdateProfileError]) -> None:
    """The title is the same for every occurrence and differs from every other class's title."""
    title = kind("Why.").title
    assert title.endswith(".")
    assert "\n" not in title
    assert [other for other in RAISED if other("").title == title] == [kind]


def test_the_tree_is_drawn_with_every_class() -> None:
    """The module's docstring lists every class."""
    drawing = str(errors.__doc__)
    assert not [kind.__name__ for kind in all_classes() if kind.__name__ not in drawing]


@pytest.mark.parametrize("kind", [kind for kind in RAISED if issubclass(kind, PartnerCenterRefused)])
@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_an_answer_of_partner_center_keeps_its_status(kind: type[UpdateProfileError], status: int) -> None:
    """The status is set on the instance; the class is unchanged."""
    fixed = kind.status
    assert kind("Why.", upstream=UpstreamFault(status=status)).status == status
    assert kind.status == fixed


def test_an_occurrence_can_say_who_acts_and_whether_to_try_again() -> None:
    """None keeps the class's value, whereas False overrides it."""
    fault = UpstreamFault(status=501)
    assert PartnerCenterFailed("Why.", upstream=fault).retryable is True
    assert PartnerCenterFailed("Why.", upstream=fault, retryable=False).retryable is False
    assert PartnerCenterRejected("Why.", upstream=fault, actor="nobody", retryable=True).actor == "nobody"
    assert (PartnerCenterRejected.actor, PartnerCenterRejected.retryable) == ("operator", False)


def raised_reasons() -> Iterator[tuple[str, str]]:
    """Yield every class and the constant reason with which the package raises it."""
    for path in (Path(__file__).parents[2] / "update_profile").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for keyword in node.keywords:
                    if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
                        yield node.func.id, str(keyword.value.value)


def test_every_reason_that_is_raised_is_in_its_classs_list() -> None:
    """The list is closed: callers branch on it."""
    reasons = {kind.__name__: kind.reasons for kind in RAISED}
    found = [(name, reason) for name, reason in raised_reasons() if name in reasons]
    assert len(found) > 40
    assert not [(name, reason) for name, reason in found if reason not in reasons[name]]


def test_reasons_refine_a_code_and_are_slugs() -> None:
    """A code that has only one cause has no reasons."""
    for kind in RAISED:
        assert len(set(kind.reasons)) == len(kind.reasons)
        assert all(re.fullmatch(r"[a-z_]+", reason) for reason in kind.reasons)


def test_a_fault_of_ours_while_a_write_is_unanswered_is_of_unknown_outcome() -> None:
    """It is never called unexpected."""
    error = PartnerCenterUnanswered.interrupted()
    assert (error.code, error.outcome, error.retryable) == ("partner_center_timeout", "unknown", True)
