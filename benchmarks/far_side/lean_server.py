"""An HTTP/1.1 server over TLS that costs little, so that figures show the client and not the server.

It reads what the benchmarks' own clients send: a head, and a body with a Content-Length. Nothing else is served.
"""

import asyncio
import ssl
from collections.abc import Callable

from sandbox.http_request import Request
from sandbox.script import Answer
from sandbox.wire_faults import render

Respond = Callable[[Request, "Connection"], None]


class Connection(asyncio.Protocol):
    """One connection. `respond` gets each request and calls `send` or `send_bytes`, at once or later.

    Attributes:
        answered: The number of answers that were sent.
        last: The last answer's bytes. Empty before the first.
    """

    def __init__(self, respond: Respond, opened: Callable[[], None]) -> None:
        self._respond = respond
        self._opened = opened
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.answered = 0
        self.last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opened()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while request := self._next_request():
            self._respond(request, self)

    def send(self, answer: Answer) -> None:
        """Send an answer after its delay."""
        if answer.delay_seconds:
            asyncio.get_running_loop().call_later(answer.delay_seconds, self.send_bytes, render(answer))
        else:
            self.send_bytes(render(answer))

    def send_bytes(self, data: bytes) -> None:
        """Send these bytes as an answer, unless the connection is closed."""
        self.answered += 1
        self.last = data
        self.push(data)

    def push(self, data: bytes) -> None:
        """Send these bytes, unless the connection is closed."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def _next_request(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        if len(self._buffer) < end + 4 + length:
            return None
        body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
        return Request(method, target, headers, body, keep_alive=True)


class LeanServer:
    """A listener on a free port of 127.0.0.1.

    Attributes:
        port: The port. 0 until the server is started.
        connections: The number of connections so far.
    """

    def __init__(self, respond: Respond, context: ssl.SSLContext) -> None:
        self.port = 0
        self.connections = 0
        self._respond = respond
        self._context = context
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Start to listen."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._respond, self._count), "127.0.0.1", 0, ssl=self._context, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop to listen."""
        if self._server:
            self._server.close()

    def _count(self) -> None:
        self.connections += 1
