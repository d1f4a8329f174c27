"""Retries of failures that can heal: how many, how far apart, and when not."""

import asyncio
from collections.abc import Callable

import pytest

from update_profile.deadline import Deadline
from update_profile.errors import (
    InvalidToken,
    PartnerCenterFailed,
    PartnerCenterRefused,
    PartnerCenterRejected,
    PartnerCenterThrottled,
    PartnerCenterUnanswered,
    PartnerCenterUnexpected,
    PartnerCenterUnreachable,
    UpdateProfileError,
    UpstreamFault,
)
from update_profile.partner_center.retrying import HEALING, MAX_ATTEMPTS, retried

UNREACHABLE = PartnerCenterUnreachable("nothing was sent")
TIMED_OUT = PartnerCenterUnanswered("no answer")


def answered(status: int, *, wait_seconds: int | None = None) -> PartnerCenterRefused:
    """Return a failure of Partner Center with this status."""
    kinds = {429: PartnerCenterThrottled, **dict.fromkeys(range(500, 600), PartnerCenterFailed)}
    kind: type[PartnerCenterRefused] = kinds.get(status, PartnerCenterRejected)
    return kind("why", upstream=UpstreamFault(status=status), retry_after_seconds=wait_seconds)


class Attempts:
    """Returns or raises these outcomes in turn and repeats the last one."""

    def __init__(self, *outcomes: UpdateProfileError | str) -> None:
        self.outcomes = list(outcomes)
        self.made = 0
        self.deadlines: list[Deadline] = []
        self.begun = asyncio.Event()

    async def __call__(self, *, deadline: Deadline) -> str:
        """Make one attempt."""
        self.deadlines.append(deadline)
        self.made += 1
        self.begun.set()
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, UpdateProfileError):
            raise outcome
        return outcome


async def result(
    attempts: Attempts,
    *,
    seconds: float = 60.0,
    token_left_seconds: Callable[[], float] = lambda: 3600.0,
    also: tuple[type[PartnerCenterUnanswered], ...] = (),
) -> str | UpdateProfileError:
    """Return the result, or the error that was raised."""
    try:
        return await retried(
            attempts, deadline=Deadline.after(seconds), token_left_seconds=token_left_seconds, also=also
        )
    except UpdateProfileError as error:
        return error


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record each wait instead of waiting."""
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    return waited


@pytest.mark.parametrize("failure", [UNREACHABLE, *(answered(status) for status in sorted(HEALING))], ids=str)
async def test_what_heals_is_tried_again_until_it_has_healed(waits: list[float], failure: UpdateProfileError) -> None:
    """The waits have jitter, and their upper limit doubles."""
    attempts = Attempts(failure, failure, "healed")
    assert await result(attempts) == "healed"
    assert attempts.made == 3
    assert len(waits) == 2
    assert 0 <= waits[0] <= 0.5
    assert 0 <= waits[1] <= 1.0


@pytest.mark.parametrize("failure", [UNREACHABLE, answered(503), answered(429, wait_seconds=1)])
async def test_what_does_not_heal_is_given_up_after_four_attempts(
    waits: list[float], failure: UpdateProfileError
) -> None:
    """The last failure is raised."""
    attempts = Attempts(failure)
    assert await result(attempts) is failure
    assert attempts.made == MAX_ATTEMPTS == 4
    assert len(waits) == 3


@pytest.mark.parametrize(
    "failure",
    [
        *(answered(status) for status in (400, 401, 403, 404, 405, 409, 412, 422, 501, 505, 599)),
        PartnerCenterUnexpected("odd", upstream=UpstreamFault(status=302)),
        TIMED_OUT,
        InvalidToken("expired"),
    ],
    ids=str,
)
async def test_what_cannot_heal_is_asked_once(waits: list[float], failure: UpdateProfileError) -> None:
    """A write without an answer is one of these failures."""
    attempts = Attempts(failure, "never")
    assert await result(attempts) is failure
    assert (attempts.made, waits) == (1, [])


async def test_a_read_without_an_answer_is_tried_again(waits: list[float]) -> None:
    """A read changes nothing, so repeating it is safe."""
    attempts = Attempts(TIMED_OUT, "read")
    assert await result(attempts, also=(PartnerCenterUnanswered,)) == "read"
    assert len(waits) == 1


async def test_the_wait_that_is_asked_for_is_kept_and_a_little_more(waits: list[float]) -> None:
    """The added jitter keeps clients with the same Retry-After from returning at once."""
    assert await result(Attempts(answered(429, wait_seconds=3), answered(503, wait_seconds=2), "ok")) == "ok"
    assert 3 <= waits[0] <= 3.5
    assert 2 <= waits[1] <= 3


@pytest.mark.parametrize("failure", [answered(429, wait_seconds=20), answered(503, wait_seconds=3600)])
async def test_a_wait_that_does_not_fit_is_told_at_once(waits: list[float], failure: PartnerCenterRefused) -> None:
    """The caller gets the wait as Retry-After."""
    attempts = Attempts(failure, "never")
    assert await result(attempts, seconds=20) is failure
    assert (attempts.made, waits) == (1, [])


async def test_no_attempt_is_begun_for_which_there_is_no_time(waits: list[float]) -> None:
    """An attempt needs at least a quarter of a second."""
    attempts = Attempts(UNREACHABLE, "never")
    assert await result(attempts, seconds=0.2) is UNREACHABLE
    assert (attempts.made, waits) == (1, [])


async def test_nothing_begins_after_the_callers_token_has_expired(waits: list[float]) -> None:
    """The first attempt is not made either."""
    attempts = Attempts("never")
    assert isinstance(await result(attempts, token_left_seconds=lambda: 0.0), InvalidToken)
    assert (attempts.made, waits) == (0, [])


async def test_a_wait_past_the_tokens_end_is_not_begun_where_partner_center_has_answered() -> None:
    """Partner Center's last answer is reported instead of the expiry."""
    failure = answered(503, wait_seconds=2)
    attempts = Attempts(failure, "never")
    assert await result(attempts, token_left_seconds=lambda: 1.5) is failure
    assert attempts.made == 1


async def test_where_nothing_was_sent_the_token_has_expired() -> None:
    """The wait is no longer than the token's remaining lifetime."""
    left = iter([1.0, 0.05, 0.0])
    attempts = Attempts(UNREACHABLE, "never")
    assert isinstance(await result(attempts, token_left_seconds=lambda: next(left)), InvalidToken)
    assert attempts.made == 1


async def test_a_token_that_expires_in_the_wait_leaves_the_last_answer(waits: list[float]) -> None:
    """The clock may jump during the wait."""
    failure = answered(503)
    left = iter([10.0, 10.0, 10.0, -1.0])
    attempts = Attempts(failure, "never")
    assert await result(attempts, token_left_seconds=lambda: next(left)) is failure
    assert (attempts.made, len(waits)) == (1, 1)


@pytest.mark.parametrize(("failure", "left"), [(answered(429, wait_seconds=5), "why"), (UNREACHABLE, None)])
async def test_a_cancelled_wait_leaves_what_partner_center_said(failure: UpdateProfileError, left: str | None) -> None:
    """Without an answer from Partner Center, the cancellation propagates."""
    attempts = Attempts(failure)
    task = asyncio.create_task(result(attempts))
    await attempts.begun.wait()
    task.cancel()
    await asyncio.wait({task})
    if left is None:
        assert task.cancelled()
    else:
        assert task.result() is failure


async def test_a_cancelled_call_begins_nothing_more() -> None:
    """The failure of its request is retryable, but the cancellation prevents a retry."""

    class Swallowing(Attempts):
        async def __call__(self, *, deadline: Deadline) -> str:
            await super().__call__(deadline=deadline)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise TIMED_OUT from None
            return "never"

    attempts = Swallowing("never")
    task = asyncio.create_task(result(attempts, also=(PartnerCenterUnanswered,)))
    await attempts.begun.wait()
    task.cancel()
    assert await task is TIMED_OUT
    assert attempts.made == 1


async def test_what_was_answered_is_not_called_unreachable(waits: list[float]) -> None:
    """The earlier answer is reported, because it shows that a request was sent."""
    failure = answered(503)
    attempts = Attempts(failure, UNREACHABLE)
    assert await result(attempts) is failure
    assert attempts.made == MAX_ATTEMPTS
    assert await result(Attempts(failure, UNREACHABLE, "healed")) == "healed"


async def test_a_token_that_expires_behind_an_answer_and_a_refused_connection_leaves_the_answer(
    waits: list[float],
) -> None:
    """The answer is reported, because it shows that a request was sent."""
    failure = answered(503)
    left = iter([10.0] * 6 + [-1.0] * 9)
    attempts = Attempts(failure, UNREACHABLE, "never")
    assert await result(attempts, token_left_seconds=lambda: next(left)) is failure
    assert attempts.made == 2
