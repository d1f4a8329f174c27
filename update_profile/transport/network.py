"""The network below httpx, in which every wait ends by the deadline. Imports httpcore, which httpx stands on.

httpx knows a time-out for each single wait, so a body that drips a byte a second never times out; and a wait that is
cancelled from outside while TLS is set up leaks its socket (httpcore 1.0.9). Here each wait gets what is left of the
whole, and a connection that does not come about is closed however it ended.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from ..deadline import Deadline

SocketOption = Any


class Wire:
    """What happened below one request.

    Attributes:
        sent: Whether the request began to go out: from then on the other side may have acted on it.
    """

    def __init__(self, deadline: Deadline) -> None:
        """``deadline`` ends every wait."""
        self.deadline = deadline
        self.sent = False

    def remaining_seconds(self) -> float:
        """What is left for the next wait."""
        return self.deadline.remaining_seconds()


class DeadlineNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections whose waits end by the deadline of one request."""

    def __init__(self, network: httpcore.AsyncNetworkBackend, wire: Wire) -> None:
        """``network`` does the work."""
        self._network = network
        self._wire = wire

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature; the deadline counts, not this
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Open a TCP connection."""
        stream = await self._network.connect_tcp(
            host, port, self._wire.remaining_seconds(), local_address, socket_options
        )
        return _DeadlineStream(stream, self._wire)


class _DeadlineStream(httpcore.AsyncNetworkStream):
    """One connection. The request's bytes pass ``write``; those of the TLS handshake do not."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, wire: Wire) -> None:
        self._stream = stream
        self._wire = wire

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  as above
        return await self._stream.read(max_bytes, self._wire.remaining_seconds())

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  as above
        self._wire.sent = True
        await self._stream.write(buffer, self._wire.remaining_seconds())

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  as above
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, self._wire.remaining_seconds())
        except BaseException:  # a cancellation too: httpcore closes for errors alone
            await self._stream.aclose()
            raise
        return _DeadlineStream(stream, self._wire)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
