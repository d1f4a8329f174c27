"""One piece of work per key, however many callers wait for it."""

import asyncio

import pytest

from update_profile.deadline import Deadline
from update_profile.single_flight import SingleFlight


class Work:
    """Counts its runs; ``gate`` holds it back while unset."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.begun = 0
        self.cancelled = 0
        self.gate = asyncio.Event()

    async def __call__(self) -> int:
        """Return the number of this run, or raise the failure."""
        self.begun += 1
        number = self.begun
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return number


def soon(seconds: float = 10) -> Deadline:
    """Return a deadline this many seconds from now."""
    return Deadline.after(seconds)


def flights_of(*, stop: bool) -> SingleFlight[str, int]:
    """Return work in progress; a ConnectionError is worth another try."""
    return SingleFlight(
        stop_when_abandoned=stop, worth_another_try=lambda error: isinstance(error, ConnectionError | RuntimeError)
    )


async def ticks() -> None:
    """Let other tasks run."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("stop", [True, False])
async def test_all_who_wait_share_one_piece_of_work(stop: bool) -> None:
    """When it ends, the next call starts new work; another key has work of its own."""
    flights, work, other = flights_of(stop=stop), Work(), Work()
    waiting = [asyncio.create_task(flights.join("a", work, deadline=soon())) for _ in range(50)]
    apart = asyncio.create_task(flights.join("b", other, deadline=soon()))
    await ticks()
    assert (flights.in_progress("a"), flights.in_progress("b"), flights.in_progress("c")) == (True, True, False)
    work.gate.set()
    other.gate.set()
    assert await asyncio.gather(*waiting) == [1] * 50
    assert await apart == 1
    assert (work.begun, other.begun) == (1, 1)
    await ticks()
    assert not flights.in_progress("a")
    assert await flights.join("a", work, deadline=soon()) == 2


async def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    """Every waiter gets the error, and the next call starts new work."""
    flights, work = flights_of(stop=True), Work(ValueError("why"))
    waiting = [asyncio.create_task(flights.join("a", work, deadline=soon())) for _ in range(3)]
    await ticks()
    work.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["why"] * 3
    work.failure = None
    assert await flights.join("a", work, deadline=soon()) == 2


@pytest.mark.parametrize("stop", [True, False])
async def test_who_goes_away_ends_it_for_nobody_else(stop: bool) -> None:
    """A caller may leave by cancellation or by its deadline, even the one that started the work."""
    flights, work = flights_of(stop=stop), Work()
    first = asyncio.create_task(flights.join("a", work, deadline=soon()))
    patient = asyncio.create_task(flights.join("a", work, deadline=soon()))
    await ticks()
    with pytest.raises(TimeoutError):
        await flights.join("a", work, deadline=soon(0.01))
    first.cancel()
    await ticks()
    assert first.cancelled()
    work.gate.set()
    assert await patient == 1


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
async def test_work_that_asks_for_the_end_of_the_process_is_a_failure_like_any_other(error: BaseException) -> None:
    """The event loop keeps running, and the next call starts new work."""
    flights = flights_of(stop=True)

    async def ends() -> int:
        raise error

    for _ in range(2):
        with pytest.raises(RuntimeError, match="ended") as caught:
            await flights.join("a", ends, deadline=soon())
        assert caught.value.__cause__ is error


@pytest.mark.parametrize("how", ["cancelled", "late"])
async def test_work_that_nobody_waits_for_is_stopped_where_it_shall_be(how: str) -> None:
    """The next call starts new work at once."""
    flights, work = flights_of(stop=True), Work()
    only = asyncio.create_task(flights.join("a", work, deadline=soon(10 if how == "cancelled" else 0.01)))
    await ticks()
    if how == "cancelled":
        only.cancel()
    await asyncio.wait({only})
    assert not flights.in_progress("a")
    again = asyncio.create_task(flights.join("a", work, deadline=soon()))
    await ticks()
    assert (work.begun, work.cancelled) == (2, 1)
    work.gate.set()
    assert await again == 2
    await ticks()
    assert not flights.in_progress("a")


async def test_work_that_nobody_waits_for_goes_on_where_it_shall() -> None:
    """The next call joins the same work."""
    flights, work = flights_of(stop=False), Work()
    only = asyncio.create_task(flights.join("a", work, deadline=soon()))
    await ticks()
    only.cancel()
    await asyncio.wait({only})
    assert flights.in_progress("a")
    work.gate.set()
    assert await flights.join("a", work, deadline=soon()) == 1


@pytest.mark.parametrize("failure", [None, ValueError("nobody's")])
async def test_work_can_be_begun_without_waiting(failure: Exception | None) -> None:
    """It starts only once, and nobody has to wait for its failure."""
    flights, work = flights_of(stop=False), Work(failure)
    flights.begin("a", work)
    flights.begin("a", work)
    await ticks()
    work.gate.set()
    await ticks()
    assert (work.begun, flights.in_progress("a")) == (1, False)


async def both(flights: SingleFlight[str, int], work: Work, *, seconds: float = 10) -> list[object]:
    """Start the work with one call and join it with another; return both outcomes."""
    first = asyncio.create_task(flights.join("a", work, deadline=soon()))
    second = asyncio.create_task(flights.join("a", work, deadline=soon(seconds)))
    await ticks()
    work.gate.set()
    return list(await asyncio.gather(first, second, return_exceptions=True))


async def test_who_joined_takes_part_in_one_further_try_after_a_failure_of_the_starters_own() -> None:
    """The starter gets the failure; the second try serves the one that joined."""

    class Once(Work):
        async def __call__(self) -> int:
            try:
                return await super().__call__()
            finally:
                self.failure = None

    work = Once(ConnectionError("cut"))
    first, second = await both(flights_of(stop=True), work)
    assert isinstance(first, ConnectionError)
    assert (second, work.begun) == (2, 2)


async def test_a_second_failure_is_final_for_who_joined() -> None:
    """There is no third try."""
    work = Work(ConnectionError("cut"))
    outcomes = await both(flights_of(stop=True), work)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError]
    assert work.begun == 2


async def test_what_the_other_side_answered_is_everybodys_answer() -> None:
    """200 calls on one refused token make one request."""
    work = Work(ValueError("refused"))
    outcomes = await both(flights_of(stop=True), work)
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError]
    assert work.begun == 1


async def test_without_time_left_there_is_no_further_try() -> None:
    """The one that joined gets the failure of the work that it joined."""
    work = Work(ConnectionError("cut"))
    outcomes = await both(flights_of(stop=True), work, seconds=0.05)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError]
    assert work.begun == 1
