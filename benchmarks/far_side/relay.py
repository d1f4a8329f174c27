"""A TCP relay that makes a server far away: everything takes half a round trip in each direction.

The kernel accepts a connection to the relay at once. A far server's takes one round trip, so the relay holds back what
the client sends first until that time is over.
"""

import asyncio
from collections import deque


class Direction(asyncio.Protocol):
    """What one side sends. It arrives at the other side `seconds` later, in order, the end of the stream included."""

    def __init__(self, seconds: float, handshake_seconds: float) -> None:
        self.to: Direction | None = None
        self.transport: asyncio.Transport | None = None
        self._seconds = seconds
        self._not_before = asyncio.get_running_loop().time() + handshake_seconds
        self._waiting: deque[bytes | None] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Pass the data on later."""
        self._later(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the end on later."""
        self._later(None)

    def _later(self, data: bytes | None) -> None:
        self._waiting.append(data)
        loop = asyncio.get_running_loop()
        loop.call_at(max(loop.time(), self._not_before) + self._seconds, self._pass_on)

    def _pass_on(self) -> None:
        # Timers of one moment may fire in any order. The queue keeps the order of the data.
        data = self._waiting.popleft()
        if self.to is None or self.to.transport is None or self.to.transport.is_closing():
            return
        if data is None:
            self.to.transport.close()
        else:
            self.to.transport.write(data)


class Relay:
    """A listener on a free port of 127.0.0.1 that relays to `target_port`, `round_trip_seconds` away."""

    def __init__(self, target_port: int, *, round_trip_seconds: float) -> None:
        self.port = 0
        self._target_port = target_port
        self._round_trip_seconds = round_trip_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Start to listen."""
        self._server = await asyncio.get_running_loop().create_server(self._accepted, "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop to listen."""
        if self._server:
            self._server.close()

    def _accepted(self) -> Direction:
        out = Direction(self._round_trip_seconds / 2, handshake_seconds=self._round_trip_seconds)
        task = asyncio.get_running_loop().create_task(self._connect(out))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return out

    async def _connect(self, out: Direction) -> None:
        back = Direction(self._round_trip_seconds / 2, handshake_seconds=0)
        out.to, back.to = back, out
        try:
            await asyncio.get_running_loop().create_connection(lambda: back, "127.0.0.1", self._target_port)
        except OSError:
            if out.transport:
                out.transport.abort()
