"""Retries of what heals, inside the time that is left (docs/adr/0009-retry-loop.md)."""

import asyncio
import random
from typing import Protocol, TypeVar

from ..call import is_cancelled
from ..deadline import Deadline
from ..errors import (
    InvalidToken,
    PartnerCenterRefused,
    PartnerCenterUnreachable,
    PartnerCenterUnusable,
    UpdateProfileError,
)

MAX_ATTEMPTS = 4  # as many as Microsoft's own SDK makes
FIRST_WAIT_SECONDS = 0.5  # the longest wait before the second attempt; it doubles from there ("full jitter")
SHORTEST_ATTEMPT_SECONDS = 0.25  # an attempt with less time than this is not started
HEALING = frozenset({408, 429, 500, 502, 503, 504})  # never 400, 401, 403, 404, 409; 501 does not heal either
# Time kept back from each attempt for what follows one without an answer: another attempt, or reading back.
LONGEST_FOLLOW_UP_SECONDS = 5.0
FOLLOW_UP_SHARE = 0.4
T_co = TypeVar("T_co", covariant=True)


class Attempt(Protocol[T_co]):
    """Asks Partner Center once, by a deadline."""

    async def __call__(self, *, deadline: Deadline) -> T_co:
        """Return the answer, or raise UpdateProfileError."""


class SecondsLeft(Protocol):
    """How long something remains valid."""

    def __call__(self) -> float:
        """Return seconds; zero or less when it has expired."""


async def retried(
    attempt: Attempt[T_co],
    *,
    deadline: Deadline,
    token_left_seconds: SecondsLeft,
    also: tuple[type[PartnerCenterUnusable], ...] = (),
) -> T_co:
    """Make attempts until one succeeds, one fails for good, or no further one fits.

    Args:
        attempt: Asks Partner Center once.
        deadline: When all attempts must be done.
        token_left_seconds: How long the caller's own token remains valid. Nothing starts after that.
        also: Failures to retry in addition to a connection that was not established and the statuses in ``HEALING``.

    Raises:
        UpdateProfileError: The last answer of Partner Center; without one, the last failure. A requested wait that
            does not fit is reported at once.
        InvalidToken: The caller's token expired before Partner Center answered at all.
        asyncio.CancelledError: The call was cancelled before Partner Center answered at all.
    """
    refused: PartnerCenterRefused | None = None
    try:
        number = 1
        while True:
            if token_left_seconds() <= 0:
                raise InvalidToken("The bearer token has expired. Get a new one.", reason="expired")  # noqa: TRY301  one loop
            try:
                return await attempt(deadline=_with_follow_up(deadline))
            except UpdateProfileError as error:
                refused = error if isinstance(error, PartnerCenterRefused) else refused
                wait = _wait_seconds(error, number)
                fits = wait + SHORTEST_ATTEMPT_SECONDS <= deadline.remaining_seconds()
                expires_first = refused is not None and wait >= token_left_seconds()
                if number == MAX_ATTEMPTS or not fits or expires_first or not _heals(error, also) or is_cancelled():
                    raise
            await asyncio.sleep(max(0.0, min(wait, token_left_seconds())))
            number += 1
    except (asyncio.CancelledError, InvalidToken, PartnerCenterUnreachable):
        if refused is not None:  # the request was sent, so Partner Center's last answer is the truth about this call
            raise refused from None
        raise


def _with_follow_up(deadline: Deadline) -> Deadline:
    left = deadline.remaining_seconds()
    return Deadline.after(left - min(LONGEST_FOLLOW_UP_SECONDS, FOLLOW_UP_SHARE * left))


def _heals(error: UpdateProfileError, also: tuple[type[PartnerCenterUnusable], ...]) -> bool:
    if isinstance(error, PartnerCenterRefused):
        return error.upstream is not None and error.upstream.status in HEALING
    return isinstance(error, (PartnerCenterUnreachable, *also)) and error.reason != "unreadable"


def _wait_seconds(error: UpdateProfileError, number: int) -> float:
    """Return how long to wait after attempt ``number``: what the other side asks for, plus full jitter."""
    jitter = random.uniform(0, FIRST_WAIT_SECONDS * 2 ** (number - 1))  # noqa: S311  spreads load, guards nothing
    return (error.retry_after_seconds or 0) + jitter
