"""TCP connections. Of several addresses the first to connect wins (RFC 8305, "Happy Eyeballs")."""

import asyncio
import contextlib
import socket

from .resolver import Address, Resolver

NEXT_ADDRESS_SECONDS = 0.25  # RFC 8305, section 5: "Connection Attempt Delay"


class Network:
    """Opens TCP connections of this machine."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        """``resolver`` looks names up; None for the machine's own."""
        self._resolver = resolver or Resolver()

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a connected, non-blocking socket. Whoever cancels leaves no socket behind.

        Raises:
            OSError: The name is not known, or no address accepts the connection.
            ValueError: The host cannot be a name.
        """
        addresses = await self._resolver.addresses(host, port)
        if len(addresses) == 1:
            return await connect_to(addresses[0])
        return await self._race(host, port, addresses)

    async def _race(self, host: str, port: int, addresses: tuple[Address, ...]) -> socket.socket:
        """Try one address after another, a quarter of a second apart or at once after a failure."""
        attempts: dict[asyncio.Task[socket.socket], Address] = {}
        waiting, failure = list(addresses), OSError("there is no address")
        try:
            while waiting or attempts:
                if waiting:
                    address = waiting.pop(0)
                    attempts[asyncio.ensure_future(connect_to(address))] = address
                done, _ = await asyncio.wait(
                    attempts,
                    timeout=NEXT_ADDRESS_SECONDS if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for attempt in done:
                    address, error = attempts.pop(attempt), attempt.exception()
                    if error is None:
                        return attempt.result()
                    failure = error if isinstance(error, OSError) else failure
                    self._resolver.failed(host, port, address)
                if not done and waiting:  # slow: the next call begins with another one
                    self._resolver.failed(host, port, addresses[0])
            raise failure
        finally:
            for attempt in attempts:
                attempt.add_done_callback(_close_unused)
                attempt.cancel()


async def connect_to(address: Address) -> socket.socket:
    """Connect to one address."""
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address.sockaddr)
    except BaseException:  # a cancellation too
        connection.close()
        raise
    return connection


def _close_unused(attempt: "asyncio.Task[socket.socket]") -> None:
    with contextlib.suppress(asyncio.CancelledError, OSError):
        attempt.result().close()
