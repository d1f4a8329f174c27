"""A patch and the stored profile -> the full profile to write, as Microsoft's own clients do it (RFC 7396)."""

from collections.abc import Mapping

from ..errors import InvalidProfile
from ..evidence import Evidence, FieldError
from ..support_profile import VALUE_NAMES, SupportProfile, check_members, refusal
from .stored_profile import StoredProfile


def merge(changes: Mapping[str, str], stored: StoredProfile) -> SupportProfile:
    """The stored profile with these values changed, checked as a whole.

    Args:
        changes: By wire name, each of them sound; what is absent stays as it is stored.
        stored: What Partner Center holds.

    Raises:
        InvalidProfile: What would be written is not a full profile, or not all of what is stored.
    """
    if stored.unknown:
        lost = tuple(
            FieldError(field=name, message="is stored by Partner Center, and writing would lose it")
            for name in stored.unknown
        )
        detail = "The stored profile has members that this function does not write: a change would lose them."
        raise InvalidProfile(detail, Evidence(fields=lost))
    missing = [name for name in VALUE_NAMES if name not in changes and name not in stored.values]
    if missing:
        fields = tuple(
            FieldError(field=name, message="is missing, and Partner Center has none stored yet") for name in missing
        )
        raise InvalidProfile(
            "Partner Center holds no full profile yet: send what errors names as well.", Evidence(fields=fields)
        )
    profile, faults = check_members({**stored.values, **changes})
    if profile is None:
        raise refusal(
            FieldError(field=fault.field, message=f"{fault.message}, as it is stored: send a value for it as well")
            for fault in faults
        )
    return profile
