"""Name lookups that delay nobody who does not need them.

asyncio resolves names in its default executor, which has few threads: 40 hung lookups hold up a healthy name for
seconds. Here each name has one lookup at a time, in a daemon thread of its own, and its answer is shared.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

FRESH_SECONDS = 60.0
STALE_SECONDS = 3600.0  # how long an answer serves when a newer one fails or is slow; TLS still checks the name
LONGEST_REFRESH_SECONDS = 1.0


class Address(NamedTuple):
    """One address of a host, as ``socket.socket`` and ``connect`` take it."""

    family: int
    sockaddr: tuple[object, ...]


class _Known(NamedTuple):
    addresses: tuple[Address, ...]
    found_at: float  # on the monotonic clock


class Resolver:
    """Looks names up and remembers the answers. Hosts are few (they are settings), so nothing is dropped."""

    def __init__(self, lookup: Callable[[str, int], tuple[Address, ...]] | None = None) -> None:
        """``lookup`` blocks until it has the addresses or raises OSError; None for the machine's own."""
        self._lookup = lookup or system_lookup
        self._known: dict[tuple[str, int], _Known] = {}
        self._running: dict[tuple[str, int], asyncio.Future[tuple[Address, ...]]] = {}

    async def addresses(self, host: str, port: int) -> tuple[Address, ...]:
        """Return a host's addresses, the best first. Whoever waits may leave; the lookup goes on for others.

        Raises:
            OSError: The name is not known, or the lookup failed.
            ValueError: It cannot be a name.
        """
        name = (host, port)
        known = self._known.get(name)
        age_seconds = time.monotonic() - known.found_at if known else STALE_SECONDS
        if known and age_seconds < FRESH_SECONDS:
            return known.addresses
        running = self._running.get(name) or self._start(name)
        if known is None or age_seconds >= STALE_SECONDS:
            return await asyncio.shield(running)
        with contextlib.suppress(OSError, ValueError):  # TimeoutError is an OSError
            async with asyncio.timeout(LONGEST_REFRESH_SECONDS):
                return await asyncio.shield(running)
        return self._known[name].addresses

    def failed(self, host: str, port: int, address: Address) -> None:
        """Put an address last, so that the next connection begins with another one."""
        known = self._known.get((host, port))
        if known and known.addresses[0] == address:
            self._known[host, port] = known._replace(addresses=(*known.addresses[1:], address))

    def _start(self, name: tuple[str, int]) -> "asyncio.Future[tuple[Address, ...]]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Address, ...]] = loop.create_future()
        self._running[name] = future

        def look_up() -> None:
            try:
                found: tuple[Address, ...] | Exception = self._lookup(*name)
            except Exception as error:  # noqa: BLE001  it is raised where the answer is awaited
                found = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._ended, name, future, found)

        try:
            threading.Thread(target=look_up, name=f"lookup of {name[0]}", daemon=True).start()
        except RuntimeError as error:  # the process may start no more threads now
            self._ended(name, future, OSError(str(error)))
        return future

    def _ended(
        self,
        name: tuple[str, int],
        future: "asyncio.Future[tuple[Address, ...]]",
        found: "tuple[Address, ...] | Exception",
    ) -> None:
        del self._running[name]
        if isinstance(found, Exception):
            future.set_exception(found)
            future.exception()  # everybody who waited may have left
            return
        self._known[name] = _Known(found, time.monotonic())
        future.set_result(found)


def system_lookup(host: str, port: int) -> tuple[Address, ...]:
    """Ask the operating system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(Address(family, sockaddr) for family, _, _, _, sockaddr in found)
