"""An HTTP/1.1 server over TLS at socket level. It can send any answer: delayed, incomplete or none at all."""

import asyncio
import contextlib
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable

import h11

from .http_request import Request, RequestReader
from .script import Answer
from .wire_faults import reset, send

BAD_REQUEST = Answer(status=400, close=True)


class HttpServer:
    """One listener on a port of 127.0.0.1. Call its methods only on the loop that it was started on.

    Attributes:
        port: The port. 0 until the server is started.
        idle_seconds: How long a connection may wait for its next request. None means no limit. Can be set at any time.
        hang_at_tls_hello: If true, new connections are accepted, but their TLS handshake is never answered.
        reset_at_tls_hello: If true, new connections are accepted and then reset instead of a TLS handshake.
        connections: The number of connections so far.
    """

    def __init__(
        self,
        respond: Callable[[Request, int], Answer],
        *,
        context: ssl.SSLContext | None,
        unread: Callable[[], Answer | None] = lambda: None,
    ) -> None:
        """Create the server.

        Args:
            respond: Returns the answer to a request. Its second argument is the number of the connection.
            context: The TLS context. None means plain HTTP.
            unread: Returns an answer if the next request is to be reset before it is read, else None.
        """
        self.port = 0
        self.idle_seconds: float | None = None
        self.hang_at_tls_hello = False
        self.reset_at_tls_hello = False
        self.connections = 0
        self._respond = respond
        self._unread = unread
        self._context = context
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def open_connections(self) -> int:
        """The number of open connections."""
        return len(self._open)

    async def start(self, port: int = 0) -> None:
        """Start to listen. Port 0 means any free port."""
        # _greet starts TLS explicitly, because a TLS listener can neither hang nor reset before the handshake.
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop every connection, whatever its state."""
        if self._server:
            self._server.close()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer, self.connections))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter, number: int) -> None:
        try:
            # A client that disconnects or does not trust the certificate is not an error of the server.
            with contextlib.suppress(OSError):
                if await self._greet(reader, writer):
                    await self._converse(reader, writer, number)
            await _close(writer)
        except asyncio.CancelledError:  # raised by stop(), which does not wait for clients
            pass
        finally:
            writer.transport.abort()

    async def _greet(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Perform the TLS handshake. Returns False if a switch replaces it by a fault."""
        if self.reset_at_tls_hello:
            reset(writer)
            return False
        if self.hang_at_tls_hello:
            while await reader.read(65536):
                pass
            return False
        if self._context:
            await writer.start_tls(self._context)
        return True

    async def _converse(self, reader: StreamReader, writer: StreamWriter, number: int) -> None:
        requests = RequestReader(reader, writer)
        while await self._next_request_begins(requests):
            if self._unread():
                reset(writer)
                return
            try:
                request = await requests.read()
            except h11.RemoteProtocolError:
                await send(BAD_REQUEST, reader, writer)
                return
            if request is None:
                return
            goes_on = await send(self._respond(request, number), reader, writer)
            if not (goes_on and request.keep_alive):
                return

    async def _next_request_begins(self, requests: RequestReader) -> bool:
        try:
            return await asyncio.wait_for(requests.wait(), self.idle_seconds)
        except TimeoutError:
            return False


async def _close(writer: StreamWriter) -> None:
    """Close the connection and give the client one second to do the same. No-op if the connection is closing."""
    if writer.is_closing():
        return
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 1)
