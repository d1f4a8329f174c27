"""What became of a write that got no answer: the profile is read back and compared.

Partner Center has no audit record of these writes, so that reading is the only way to know. Reads may lag behind a
write, so there are two looks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from ..deadline import Deadline
from ..errors import PartnerCenterTimeout, UpdateProfileError
from ..evidence import Evidence
from ..support_profile import SupportProfile
from .answer import UpstreamAnswer
from .retrying import is_cancelled
from .stored_profile import differing, read_stored

LOOKS = 2
PAUSE_SECONDS = 1.0  # between the looks, where the time allows

Read = Callable[[Deadline], Awaitable[UpstreamAnswer]]


async def confirm(
    profile: SupportProfile, unknown: PartnerCenterTimeout, read: Read, *, deadline: Deadline
) -> UpstreamAnswer:
    """The stored profile, where it equals what was written.

    Args:
        profile: What was sent.
        unknown: The failure that left the outcome unknown.
        read: Reads the profile once, by a deadline.
        deadline: When all of this must be done.

    Raises:
        PartnerCenterTimeout: It differs, or cannot be read: the outcome stays unknown.
    """
    failure = unknown
    for look in range(1, LOOKS + 1):
        remaining = deadline.remaining_seconds()
        try:
            if look > 1:
                await asyncio.sleep(min(PAUSE_SECONDS, remaining / 2))
            answer = await read(deadline.within(deadline.remaining_seconds() / (LOOKS + 1 - look)))
            changed = differing(profile, read_stored(answer))
        except (UpdateProfileError, asyncio.CancelledError):
            if is_cancelled():  # the worker is being stopped: there is no time for another look
                break
            continue
        if not changed:
            return replace(answer, status=200, confirmed_by_read=True)
        failure = _differs(unknown, changed)
    raise failure


def _differs(unknown: PartnerCenterTimeout, changed: tuple[str, ...]) -> PartnerCenterTimeout:
    detail = (
        f"{unknown.detail} Read back, the profile shows another {' and '.join(changed)} than was sent: the read may"
        " lag behind the write, the write may not have been done, or Partner Center keeps another form of it."
    )
    return PartnerCenterTimeout(detail, Evidence(outcome="unknown"))
