"""One HTTP/1.1 connection on asyncio, framed by h11 (RFC 9112)."""

import asyncio
import socket
import ssl
from typing import cast

import h11

from .messages import MAX_ANSWER_BYTES, Progress

MAX_HEAD_BYTES = 102_400
MAX_REQUESTS = 1000  # of one connection, so that what it remembers is bounded
Headers = list[tuple[bytes, bytes]]


class Cut(Exception):
    """The connection ended, or what came is not HTTP."""


class TooLate(Exception):
    """The deadline passed."""

    def __str__(self) -> str:
        return "the deadline passed"


class Received:
    """An answer as it came.

    Attributes:
        body: As it was sent, so far.
        whole: Whether the body came to its end.
    """

    __slots__ = ("body", "headers", "reason", "status", "whole")

    def __init__(self, event: h11.Response) -> None:
        self.status = event.status_code
        self.headers: Headers = list(event.headers)
        self.reason = bytes(event.reason)
        self.body = bytearray()
        self.whole = False


class Connection(asyncio.Protocol):
    """Carries one request at a time. Whatever ends an exchange early closes the connection.

    Attributes:
        carried: The ids of the requests so far.
        requests: The number of requests so far.
    """

    __slots__ = ("_answer", "_h11", "_socket", "_transport", "_usable", "_waiter", "carried", "requests")

    def __init__(self, raw: socket.socket) -> None:
        """``raw`` is the socket below, for a look at what the event loop has not read yet."""
        self.carried: set[str] = set()
        self.requests = 0
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._socket = raw
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Received] | None = None
        self._answer: Received | None = None
        self._usable = True

    @classmethod
    async def over(cls, raw: socket.socket, *, tls: ssl.SSLContext | None, host: str, seconds: float) -> "Connection":
        """Return a connection over a connected socket; with ``tls`` after the handshake, which has that many seconds.

        Raises:
            OSError: The handshake failed; ``ssl.SSLError`` is one.
        """
        loop = asyncio.get_running_loop()
        connection = cls(raw)
        try:
            plain, _ = await loop.create_connection(lambda: connection, sock=raw)
            if tls is not None:
                secured = await loop.start_tls(
                    plain, connection, tls, server_hostname=host, ssl_handshake_timeout=max(seconds, 0.001)
                )
                connection._transport = secured or plain  # None: it was closed in the meantime, so it cannot send
        except BaseException:
            connection.close()  # the socket itself: TLS would wait half a minute for the other side to agree
            raise
        return connection

    @property
    def is_idle(self) -> bool:
        """Whether it can carry another request: both sides are done, and no byte came that nobody asked for."""
        return (
            self._usable
            and self._waiter is None
            and self.requests < MAX_REQUESTS
            and self._h11.our_state is h11.IDLE
            and self._h11.their_state is h11.IDLE
            and not (self.requests and self._has_more_to_read())
        )

    def close(self) -> None:
        """Close it at once."""
        self._usable = False
        if self._transport is not None:
            self._transport.abort()

    async def exchange(
        self, method: str, target: bytes, headers: Headers, body: bytes | None, *, progress: Progress
    ) -> Received:
        """Send a request and return its answer. Afterwards the connection is idle or closed.

        Once the head of the answer is read there is an answer; a later failure only leaves it not ``whole``.

        Raises:
            Cut: There is no answer that can be read.
            TooLate: There is none by the deadline.
            h11.LocalProtocolError: The request cannot be sent, and was not.
        """
        loop = asyncio.get_running_loop()
        self._answer, self._waiter = None, loop.create_future()
        self.requests += 1
        timer = loop.call_at(progress.deadline.at, self._fail, TooLate())
        try:
            data = self._framed(method, target, headers, body)
            if self._usable and self._transport is not None and not self._transport.is_closing():
                progress.sent = True
                self._transport.write(data)
            else:
                self._settle(Cut("closed"))
            return await self._waiter
        except asyncio.CancelledError:
            self.close()
            if self._answer is None:
                raise
            return self._answer
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiter = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # of a TCP connection it can write

    def data_received(self, data: bytes) -> None:
        """Read on. Bytes that nobody asked for end the connection."""
        if self._waiter is None or self._waiter.done():
            self.close()
            return
        self._read(data)

    def eof_received(self) -> None:
        """The other side sends no more: the end of a body without a length, or of the connection."""
        if self._waiter is not None and not self._waiter.done():
            self._read(b"")
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._fail(Cut(type(exc).__name__ if exc else "closed"))

    def _framed(self, method: str, target: bytes, headers: Headers, body: bytes | None) -> bytes:
        data = self._h11.send(h11.Request(method=method, target=target, headers=headers)) or b""
        data += (self._h11.send(h11.Data(data=body)) or b"") if body else b""
        return data + (self._h11.send(h11.EndOfMessage()) or b"")

    def _read(self, data: bytes) -> None:
        try:
            self._h11.receive_data(data)
            while self._advance(self._h11.next_event()):
                pass
        except h11.RemoteProtocolError as error:
            self._fail(error)

    def _advance(self, event: object) -> bool:
        """Take one event; return whether more may follow at once."""
        if isinstance(event, h11.Response):
            self._answer = Received(event)
        elif isinstance(event, h11.Data) and self._answer is not None:
            self._answer.body += event.data
            if len(self._answer.body) > MAX_ANSWER_BYTES:
                self._fail(Cut("too large"))
                return False
        elif isinstance(event, h11.EndOfMessage):
            self._finish(cast("Received", self._answer))
        return isinstance(event, h11.Response | h11.InformationalResponse | h11.Data)

    def _finish(self, answer: Received) -> None:
        answer.whole = True
        done = self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        if done and not self._h11.trailing_data[0]:
            self._h11.start_next_cycle()
        else:
            self.close()
        self._settle(Cut("closed"))

    def _fail(self, error: Exception) -> None:
        self.close()
        self._settle(error)

    def _settle(self, error: Exception) -> None:
        """Give whoever waits the answer, or this error if there is none."""
        if self._waiter is None or self._waiter.done():
            return
        if self._answer is None:
            self._waiter.set_exception(error)
        else:
            self._waiter.set_result(self._answer)

    def _has_more_to_read(self) -> bool:
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except OSError as error:
            return not isinstance(error, BlockingIOError)
        return True
