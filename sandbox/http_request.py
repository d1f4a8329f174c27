"""Reads HTTP/1.1 requests from a stream, with h11's rules."""

from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass

import h11

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """One complete request.

    Attributes:
        target: Path and query as received.
        headers: Names and values as received, in order.
        keep_alive: Whether the client keeps the connection open.
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    keep_alive: bool

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """The first value of the header `name`, in any case. None if the header is absent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class RequestReader:
    """The requests of one connection, one after the other."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._left_over = b""

    async def wait(self) -> bool:
        """Wait for the first bytes of a request. Returns False if the client closes the connection instead."""
        if not self._left_over:
            self._left_over = await self._reader.read(65536)
        return bool(self._left_over)

    async def read(self) -> Request | None:
        """Read one request. Returns None if the client disconnects in the middle of it.

        Raises:
            h11.RemoteProtocolError: The bytes are not an HTTP/1.1 request.
        """
        # One h11 connection per request: h11 does not see the answers, so one connection could not be reused.
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        connection.receive_data(self._left_over)
        head = await self._event(connection)
        body = bytearray()
        while isinstance(event := await self._event(connection), h11.Data):
            body += event.data
        if not isinstance(head, h11.Request) or not isinstance(event, h11.EndOfMessage):
            return None
        self._left_over = connection.trailing_data[0]
        return _request(head, bytes(body))

    async def _event(self, connection: h11.Connection) -> h11.Event | None:
        while (event := connection.next_event()) is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                self._writer.write(CONTINUE)
                connection.send(h11.InformationalResponse(status_code=100, headers=[]))
            data = await self._reader.read(65536)
            if not data:
                return None
            connection.receive_data(data)
        return event if isinstance(event, h11.Request | h11.Data | h11.EndOfMessage) else None


def _request(head: h11.Request, body: bytes) -> Request:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items()]
    options = ",".join(value for name, value in headers if name.lower() == "connection").lower()
    return Request(
        method=head.method.decode("ascii"),
        target=head.target.decode("latin-1"),
        headers=headers,
        body=body,
        keep_alive=head.http_version == b"1.1" and "close" not in options,
    )
