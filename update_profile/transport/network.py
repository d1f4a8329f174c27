"""The network below httpx, in which every wait ends by the deadline.

httpx has a time-out for each single wait, so a body that drips a byte a second never times out; and a wait that is
cancelled during the TLS handshake leaks its socket (httpcore 1.0.9). Here each wait gets what is left of the whole
time, and a connection that is not established is closed however it ended.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from ..deadline import Deadline

SocketOption = Any


class SendProgress:
    """How far one request got.

    Attributes:
        sent: Whether the request began to go out: from then on the other side may have acted on it.
    """

    def __init__(self, deadline: Deadline) -> None:
        """``deadline`` ends every wait."""
        self.deadline = deadline
        self.sent = False

    def remaining_seconds(self) -> float:
        """Return what is left for the next wait."""
        return self.deadline.remaining_seconds()


class DeadlineBackend(httpcore.AsyncNetworkBackend):
    """Opens connections whose waits end by the deadline of one request."""

    def __init__(self, network: httpcore.AsyncNetworkBackend, progress: SendProgress) -> None:
        """``network`` does the work."""
        self._network = network
        self._progress = progress

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
            host, port, self._progress.remaining_seconds(), local_address, socket_options
        )
        return _DeadlineStream(stream, self._progress)


class _DeadlineStream(httpcore.AsyncNetworkStream):
    """One connection. The request's bytes pass ``write``; those of the TLS handshake do not."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, progress: SendProgress) -> None:
        self._stream = stream
        self._progress = progress

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  as above
        return await self._stream.read(max_bytes, self._progress.remaining_seconds())

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  as above
        self._progress.sent = True
        await self._stream.write(buffer, self._progress.remaining_seconds())

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  as above
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, self._progress.remaining_seconds())
        except BaseException:  # a cancellation too: httpcore closes for errors alone
            await self._stream.aclose()
            raise
        return _DeadlineStream(stream, self._progress)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
