"""What became of a write without an answer: the profile is read back and compared.

Partner Center has no audit record of these writes, so reading is the only way to know. Reads may lag behind a write, so
there are two.
"""

import asyncio
from dataclasses import replace

from ..call import is_cancelled
from ..deadline import Deadline
from ..errors import PartnerCenterUnanswered, UpdateProfileError
from ..support_profile import SupportProfile
from .answer import ProfileResponse
from .retrying import Attempt
from .stored_profile import differing, read_stored

MAX_READS = 2
PAUSE_SECONDS = 1.0  # between the reads, if there is time


async def confirm(
    profile: SupportProfile, unknown: PartnerCenterUnanswered, read: Attempt[ProfileResponse], *, deadline: Deadline
) -> ProfileResponse:
    """Return the stored profile if it equals what was written.

    Args:
        profile: What was sent.
        unknown: The failure that left the outcome unknown.
        read: Reads the profile once, by a deadline.
        deadline: When all reads must be done.

    Raises:
        PartnerCenterUnanswered: The stored profile differs or cannot be read: the outcome remains unknown.
    """
    failure = unknown
    for number in range(1, MAX_READS + 1):
        remaining = deadline.remaining_seconds()
        try:
            if number > 1:
                await asyncio.sleep(min(PAUSE_SECONDS, remaining / 2))
            share = deadline.remaining_seconds() / (MAX_READS + 1 - number)
            answer = await read(deadline=deadline.within(share))
            changed = differing(profile, read_stored(answer))
        except (UpdateProfileError, asyncio.CancelledError):
            if is_cancelled():  # the worker is stopping: there is no time for another read
                break
            continue
        if not changed:
            return replace(answer, status=200, outcome="confirmed-by-read")
        failure = _differs(unknown, changed)
    raise failure


def _differs(unknown: PartnerCenterUnanswered, changed: tuple[str, ...]) -> PartnerCenterUnanswered:
    return PartnerCenterUnanswered(
        f"{unknown.detail} A read-back returned a different {' and '.join(changed)}. The read may be stale, the write"
        " may not have happened, or Partner Center may have normalised the value.",
        reason="differs",
        no_answer=unknown.no_answer,
        outcome="unknown",
    )
