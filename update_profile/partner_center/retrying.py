"""Trying again what heals, inside the time that is left. The only module that imports tenacity.

What is tried again, how often and how long is waited: docs/adr/0007-trying-again.md.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import tenacity

from ..deadline import Deadline
from ..errors import (
    InvalidToken,
    PartnerCenterAnswered,
    PartnerCenterSilent,
    PartnerCenterUnreachable,
    UpdateProfileError,
)

MAX_ATTEMPTS = 4  # as many as Microsoft's own SDK makes
FIRST_WAIT_SECONDS = 0.5  # the most before the second attempt; it doubles from there ("full jitter")
SHORTEST_ATTEMPT_SECONDS = 0.25  # an attempt with less time than this is not begun
HEALING = frozenset({408, 429, 500, 502, 503, 504})  # never 400, 401, 403, 404, 409; 501 does not heal either
T = TypeVar("T")


async def retried(
    attempt: Callable[[], Awaitable[T]],
    *,
    deadline: Deadline,
    token_left_seconds: Callable[[], float],
    also: tuple[type[PartnerCenterSilent], ...] = (),
) -> T:
    """Make the attempt until it succeeds, fails for good, or no further one fits.

    Args:
        attempt: Asks Partner Center once.
        deadline: When all of this must be done.
        token_left_seconds: How long the caller's own token is still valid; nothing begins after that.
        also: Failures that heal beside the connection that did not come about and the statuses of ``HEALING``.

    Raises:
        UpdateProfileError: The failure of the last attempt that was sent, else of the last one. Where the wait that was
            asked for does not fit, at once.
        InvalidToken: The caller's token expired before Partner Center had answered at all.
        asyncio.CancelledError: Cancelled before any attempt had failed.
    """
    trying = _Trying(attempt, deadline, token_left_seconds, (PartnerCenterUnreachable, *also))
    retrying = tenacity.AsyncRetrying(
        sleep=trying.sleep,
        retry=tenacity.retry_if_exception(trying.may_heal),
        wait=_wait_seconds,
        stop=trying.fits_no_more,
        reraise=True,
    )
    try:
        return await retrying(trying.begin)
    except (asyncio.CancelledError, InvalidToken, PartnerCenterUnreachable):
        if trying.answered is not None:  # what Partner Center said last is the truth about this call: it was sent
            raise trying.answered from None
        raise


@dataclass
class _Trying(Generic[T]):
    """One ``retried``. ``answered``: the last failure that was an answer of Partner Center's; None without one."""

    attempt: Callable[[], Awaitable[T]]
    deadline: Deadline
    token_left_seconds: Callable[[], float]
    heals: tuple[type[UpdateProfileError], ...]
    answered: PartnerCenterAnswered | None = None

    async def begin(self) -> T:
        if self.token_left_seconds() <= 0:
            raise InvalidToken("The bearer token has expired. Get a new one.")
        try:
            return await self.attempt()
        except PartnerCenterAnswered as error:
            self.answered = error
            raise

    def may_heal(self, error: BaseException) -> bool:
        return (isinstance(error, self.heals) or _status(error) in HEALING) and not is_cancelled()

    def fits_no_more(self, state: tenacity.RetryCallState) -> bool:
        wait = state.upcoming_sleep
        return (
            state.attempt_number >= MAX_ATTEMPTS
            or wait + SHORTEST_ATTEMPT_SECONDS > self.deadline.remaining_seconds()
            or (self.answered is not None and wait >= self.token_left_seconds())
        )

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, min(seconds, self.token_left_seconds())))


def is_cancelled() -> bool:
    """Whether the call was cancelled, though what it waited for ended otherwise: nothing further is begun."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _status(error: BaseException) -> int | None:
    """The status of an answer of Partner Center's; None for any other failure."""
    answered = isinstance(error, PartnerCenterAnswered) and error.evidence.upstream
    return answered.status if answered else None


def _wait_seconds(state: tenacity.RetryCallState) -> float:
    """How long to wait before the next attempt: what was asked for and a little more, else full jitter."""
    longest = FIRST_WAIT_SECONDS * 2 ** (state.attempt_number - 1)
    jitter = random.uniform(0, longest)  # noqa: S311  spreads load, guards nothing
    error = state.outcome.exception() if state.outcome else None
    asked = error.evidence.retry_after_seconds if isinstance(error, UpdateProfileError) else None
    return (asked or 0) + jitter
