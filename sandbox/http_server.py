"""An HTTP/1.1 server over TLS at the level of sockets: it can say anything, late, in part or not at all."""

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
    """One listener on a free port of 127.0.0.1. All methods belong to the loop it was started on.

    Attributes:
        port: The port; 0 until it was started.
        idle_seconds: How long a connection may wait for its next request; None means for ever. Set at any time.
        hang_at_tls_hello: New connections are accepted, and their TLS handshake is never answered.
        reset_at_tls_hello: New connections are accepted, and reset in the place of a TLS handshake.
        connections: How many connections there have been.
    """

    def __init__(
        self,
        respond: Callable[[Request, int], Answer],
        *,
        context: ssl.SSLContext | None,
        unread: Callable[[], Answer | None] = lambda: None,
    ) -> None:
        """`respond` answers a request and the number of its connection; `unread` one that is not to be read.

        None as `context` means plain HTTP.
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
        """How many connections are open now."""
        return len(self._open)

    async def start(self, port: int = 0) -> None:
        """Listen. 0 means any free port."""
        # TLS is begun by hand below, as a listener that does it itself can neither hang nor reset before it.
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop every connection, in whatever state it is."""
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
            # A client that goes away, or does not trust the certificate, is its own affair.
            with contextlib.suppress(OSError):
                if await self._greet(reader, writer):
                    await self._converse(reader, writer, number)
            await _close(writer)
        except asyncio.CancelledError:  # by stop(), which waits for nobody
            pass
        finally:
            writer.transport.abort()

    async def _greet(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Make the TLS handshake. Returns False where there shall be none."""
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
    """Close in order, and give the client a second to do the same. No-op where the connection is broken already."""
    if writer.is_closing():
        return
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 1)
