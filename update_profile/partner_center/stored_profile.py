"""The profile that Partner Center stores: read leniently, compared with what was sent, and merged with changes.

Source: learn.microsoft.com/partner-center/developer/get-a-partner-support-profile. That unset members are absent, and
that names come in any case, is what Microsoft's own clients handle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import FieldError, InvalidProfile, PartnerCenterUnanswered
from ..support_profile import VALUE_NAMES, WIRE_NAMES, SupportProfile, canonical_name, check_members, refusal
from .answer import BODILESS, ProfileResponse


@dataclass(frozen=True, kw_only=True)
class StoredProfile:
    """What Partner Center stores.

    Attributes:
        values: By wire name (``Email``); an unset member is absent.
        unknown: The names of top-level members that the documented resource does not have.
    """

    values: Mapping[str, str] = field(repr=False)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The result of a dry run: what is stored, what would be written, and the answer that was read."""

    current: StoredProfile = field(repr=False)
    proposed: SupportProfile = field(repr=False)
    answer: ProfileResponse
    outcome: None = None


def read_stored(answer: ProfileResponse) -> StoredProfile:
    """Read the answer to a GET.

    A success shows a profile when it is a JSON object with at least one of the three values, or with documented members
    alone (``{}``: nothing is set), and when it is a 204.

    Raises:
        PartnerCenterUnanswered: It shows none, so what is stored is not known.
    """
    if answer.status == 204:
        return StoredProfile(values={})
    document = answer.document
    if document is None:
        raise _unreadable()
    members = {canonical_name(name): value for name, value in document.items()}
    unknown = tuple(name for name in members if name not in WIRE_NAMES)
    shown = members.keys() & set(VALUE_NAMES)
    # A value that is shown outweighs a member that some fault has as well ("title", "message"), but not a code.
    fault = answer.fault is not None and (answer.fault.code is not None or not shown)
    if answer.status in BODILESS or fault or (unknown and not shown):
        raise _unreadable()
    values = {name: _text(members[name]) for name in VALUE_NAMES if members.get(name) is not None}
    return StoredProfile(values=values, unknown=unknown)


def shown_values(answer: ProfileResponse) -> dict[str, str] | None:
    """Return the three values that the answer to a PUT shows; None when it does not show all of them as text."""
    members = {canonical_name(name): value for name, value in (answer.document or {}).items()}
    values = {name: members[name] for name in VALUE_NAMES if isinstance(members.get(name), str)}
    return values if len(values) == len(VALUE_NAMES) else None


def differing(profile: SupportProfile, stored: StoredProfile) -> tuple[str, ...]:
    """Return the wire names of the members that differ. A change of case alone counts."""
    return tuple(name for name, value in profile.named_values.items() if stored.values.get(name) != value)


def merge(changes: Mapping[str, str], stored: StoredProfile) -> SupportProfile:
    """Return the stored profile with these changes, checked as a whole (RFC 7396; Microsoft's clients do the same).

    Args:
        changes: Valid values by wire name; absent ones stay as they are stored.
        stored: What Partner Center stores.

    Raises:
        InvalidProfile: The result is not a full profile, or writing it would lose a stored member.
    """
    if stored.unknown:
        lost = "is stored by Partner Center, and writing would lose it"
        raise InvalidProfile(
            "The stored profile has members that this function does not write: a change would lose them.",
            fields=tuple(FieldError(field=name, message=lost) for name in stored.unknown),
        )
    missing = [name for name in VALUE_NAMES if name not in changes and name not in stored.values]
    if missing:
        raise InvalidProfile(
            "Partner Center has no complete profile yet; also send the fields listed in `errors`.",
            fields=tuple(FieldError(field=name, message="is missing, and none is stored yet") for name in missing),
        )
    profile, faults = check_members({**stored.values, **changes})
    if profile is None:
        raise refusal(
            FieldError(field=fault.field, message=f"{fault.message}, as stored by Partner Center: also send this field")
            for fault in faults
        )
    return profile


def _text(value: object) -> str:
    """Read numbers as text, as Microsoft's own clients do."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _unreadable()


def _unreadable() -> PartnerCenterUnanswered:
    return PartnerCenterUnanswered(
        "Partner Center's answer cannot be read as a profile, so what is stored is not known.", reason="unreadable"
    )
