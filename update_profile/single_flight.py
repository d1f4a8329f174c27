"""One piece of work for each key, however many wait for it.

Who goes away, or runs out of time, ends the work for nobody else. Belongs to one event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .deadline import Deadline

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass
class _Flight(Generic[T]):
    task: "asyncio.Task[T]"
    waiters: int = 0


class SingleFlight(Generic[K, T]):
    """Work under way, by key."""

    def __init__(self, *, stop_when_abandoned: bool) -> None:
        """``stop_when_abandoned``: whether work that nobody waits for any more is cancelled, or brought to its end."""
        self._stop_when_abandoned = stop_when_abandoned
        self._flights: dict[K, _Flight[T]] = {}

    def under_way(self, key: K) -> bool:
        """Whether there is work for this key."""
        return key in self._flights

    def begin(self, key: K, make: Callable[[], Awaitable[T]]) -> None:
        """Begin the work, unless it is under way, without waiting for it."""
        if key not in self._flights:
            task = asyncio.ensure_future(_made(make))
            self._flights[key] = _Flight(task)
            task.add_done_callback(lambda done: self._landed(key, done))

    async def join(self, key: K, make: Callable[[], Awaitable[T]], *, deadline: Deadline) -> T:
        """Wait for the work for this key, which ``make`` begins if there is none yet.

        Raises:
            TimeoutError: The deadline passed first.
            Exception: What the work raised; RuntimeError for a SystemExit.
        """
        self.begin(key, make)
        flight = self._flights[key]
        flight.waiters += 1
        try:
            done, _ = await asyncio.wait({flight.task}, timeout=deadline.remaining_seconds())
        finally:
            flight.waiters -= 1
            if self._stop_when_abandoned and not flight.waiters and not flight.task.done():
                self._flights.pop(key, None)  # the next caller begins anew, without this one's fate
                flight.task.cancel()
        if not done:
            raise TimeoutError
        return flight.task.result()

    def _landed(self, key: K, task: "asyncio.Task[T]") -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # noted: it may be a failure that nobody waits for, of which asyncio would complain


async def _made(make: Callable[[], Awaitable[T]]) -> T:
    try:
        return await make()
    except (SystemExit, KeyboardInterrupt) as error:
        # Out of a task of its own either would end the event loop, and with it every call in flight.
        raise RuntimeError("the work was ended") from error
