"""One piece of work for each key, however many callers wait for it.

A caller that goes away or runs out of time ends the work for nobody else. A caller that joined work which failed for a
reason of the starter's own, such as its short deadline, takes part in one further try.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from .deadline import Deadline

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
SHORTEST_TRY_SECONDS = 0.1  # a further try with less time than this is not started


class _Flight(Generic[T]):
    __slots__ = ("task", "waiters")

    def __init__(self, task: "asyncio.Task[T]") -> None:
        self.task = task
        self.waiters = 0


class SingleFlight(Generic[K, T]):
    """Work in progress, by key."""

    def __init__(self, *, stop_when_abandoned: bool, worth_another_try: Callable[[BaseException], bool]) -> None:
        """Set what happens to work that is abandoned or fails.

        Args:
            stop_when_abandoned: Cancel work that nobody waits for any more, instead of finishing it.
            worth_another_try: Whether a failure says nothing about a caller that joined: it was the starter's deadline,
                or a connection's failure, and not an answer of the other side.
        """
        self._stop_when_abandoned = stop_when_abandoned
        self._worth_another_try = worth_another_try
        self._flights: dict[K, _Flight[T]] = {}

    def in_progress(self, key: K) -> bool:
        """Return whether there is work for this key."""
        return key in self._flights

    def begin(self, key: K, make: Callable[[], Awaitable[T]]) -> None:
        """Start the work unless it is in progress, without waiting for it."""
        if key not in self._flights:
            task = asyncio.ensure_future(_run(make))
            self._flights[key] = _Flight(task)
            task.add_done_callback(lambda done: self._on_done(key, done))

    async def join(self, key: K, make: Callable[[], Awaitable[T]], *, deadline: Deadline) -> T:
        """Wait for the work for this key; ``make`` starts it if there is none.

        Raises:
            TimeoutError: The deadline passed first.
            Exception: What the work raised; RuntimeError in place of a SystemExit.
        """
        joined = self.in_progress(key)
        try:
            return await self._wait(key, make, deadline)
        except Exception as error:
            if not joined or isinstance(error, TimeoutError) or not self._worth_another_try(error):
                raise
            if deadline.remaining_seconds() < SHORTEST_TRY_SECONDS:
                raise
        return await self._wait(key, make, deadline)

    async def _wait(self, key: K, make: Callable[[], Awaitable[T]], deadline: Deadline) -> T:
        self.begin(key, make)
        flight = self._flights[key]
        flight.waiters += 1
        try:
            done, _ = await asyncio.wait({flight.task}, timeout=deadline.remaining_seconds())
        finally:
            flight.waiters -= 1
            if self._stop_when_abandoned and not flight.waiters and not flight.task.done():
                self._flights.pop(key, None)  # the next caller starts afresh and is not cancelled with this one
                flight.task.cancel()
        if not done:
            raise TimeoutError
        return flight.task.result()

    def _on_done(self, key: K, task: "asyncio.Task[T]") -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # marks it as retrieved: nobody may be waiting, and asyncio would complain


async def _run(make: Callable[[], Awaitable[T]]) -> T:
    try:
        return await make()
    except (SystemExit, KeyboardInterrupt) as error:
        # Raised out of a task, either would stop the event loop and every call on it.
        raise RuntimeError("the work was ended") from error
