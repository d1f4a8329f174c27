"""What a call asks for, told once for all methods: read, write, change, and each write as a dry run.

A dry run (``validate_only``, google.aip.dev/163) makes the same checks and the same read, and does not write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .callers_profile import CallersProfile
from .partner_center.answer import UpstreamAnswer
from .partner_center.merge import merge
from .partner_center.stored_profile import StoredProfile, read_stored
from .support_profile import SupportProfile

Changes = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a call asks for.

    Attributes:
        change: The full profile to write, or the values to change, by wire name; None to read.
        validate_only: Whether nothing is to be written.
    """

    change: SupportProfile | Changes | None = field(repr=False)
    validate_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a dry run came to: what is stored, what would be written, and the answer that was read."""

    current: StoredProfile = field(repr=False)
    proposed: SupportProfile = field(repr=False)
    answer: UpstreamAnswer


async def perform(operation: Operation, profile: CallersProfile) -> UpstreamAnswer | Preview:
    """Carry an operation out on the caller's profile.

    Raises:
        InvalidProfile: The changes and what is stored make no full profile.
        UpdateProfileError: What reading and writing raise.
    """
    if operation.change is None:
        return await profile.read()
    if isinstance(operation.change, SupportProfile) and not operation.validate_only:
        return await profile.write(operation.change)
    answer = await profile.read()
    current = read_stored(answer)
    proposed = _proposed(operation.change, current)
    if operation.validate_only:
        return Preview(current=current, proposed=proposed, answer=answer)
    return await profile.write(proposed)


def _proposed(change: SupportProfile | Changes, current: StoredProfile) -> SupportProfile:
    return change if isinstance(change, SupportProfile) else merge(change, current)
