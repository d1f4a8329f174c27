"""Sends httpx requests over connections that serve one user each.

Requests go straight to a transport, not through an ``httpx.AsyncClient``: what the client adds (redirects, cookies,
``.netrc``, proxies and CA bundles from the environment) must not happen here, and it raises on a bad Location even when
it follows none.
"""

import re
import ssl
import zlib
from collections.abc import AsyncIterator
from functools import lru_cache

import certifi
import h11
import httpx

from .. import __version__
from ..deadline import Deadline
from ..errors import FieldError, Misconfigured
from .connection import Connection, Cut, Received, TooLate
from .lanes import Lanes, Origin
from .messages import ENDED, MAX_ANSWER_BYTES, CallerKey, HttpAnswer, HttpRequest, Progress, TransportError
from .network import Network

HEADERS = {
    "User-Agent": f"update-profile/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_QUOTATION = re.compile(r":|\s(?:b['\"]|bytearray\()")
_NO_ANSWER = (Cut, TooLate, h11.ProtocolError, OSError, ValueError, httpx.InvalidURL)  # InvalidURL is not a ValueError
_PORTS = {"https": 443, "http": 80}


def create_ssl_context(cert_file: str | None) -> ssl.SSLContext:
    """Build the one SSL context of the process, for Entra ID and Partner Center alike.

    Args:
        cert_file: Path of a PEM bundle; None for certifi's.

    Raises:
        Misconfigured: The bundle cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=cert_file or certifi.where())
    except OSError as error:  # ssl.SSLError is one
        message = f"cannot be read as a CA bundle ({type(error).__name__})"
        raise Misconfigured.of([FieldError(field="SSL_CERT_FILE", message=message)]) from error


class HttpClient:
    """Sends requests and reads whole answers."""

    def __init__(self, ssl_context: ssl.SSLContext, network: Network | None = None) -> None:
        """``network`` opens TCP connections; None for the machine's own."""
        self._lanes = Lanes(ssl_context, network or Network())
        self._transport = LaneTransport(self._lanes)

    def prepare(self, url: str, caller: CallerKey, *, deadline: Deadline) -> None:
        """Begin to open a connection to this URL's host, which the caller's next request there uses."""
        if origin := _origin_or_none(url):
            self._lanes.prepare(origin, caller, deadline)

    def connect_ahead(self, url: str, deadline: Deadline) -> None:
        """Begin to open a connection to this URL's host before this call's caller is known."""
        if origin := _origin_or_none(url):
            self._lanes.connect_ahead(origin, deadline)

    async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
        """Send one request and read the whole answer.

        Once the status line and headers are parsed, the call has an answer; a later failure only loses the body
        (``body`` is None).

        Raises:
            TransportError: No readable answer came; it says whether anything was sent.
            asyncio.CancelledError, SystemExit: The call was ended before anything was sent.
        """
        progress = Progress(deadline)
        try:
            url = _url(request.url)
            sent = httpx.Request(
                request.method,
                url,
                headers=_headers(request, url),
                stream=httpx.ByteStream(request.body or b""),
                extensions={"request": request, "progress": progress},
            )
            response = await self._transport.handle_async_request(sent)
        except _NO_ANSWER as error:
            timed_out = isinstance(error, TooLate | TimeoutError)
            raise TransportError(_reason(error), sent=progress.sent, timed_out=timed_out) from error
        except ENDED as error:
            if not progress.sent:
                raise
            raise TransportError(type(error).__name__, sent=True, timed_out=False) from error
        raw: bytes | None = response.extensions["body"]
        return HttpAnswer(
            status=response.status_code,
            reason=response.extensions["reason_phrase"].decode("utf-8", "replace"),
            headers=tuple((name.lower(), value) for name, value in response.headers.multi_items()),
            body=_unpack(raw, response.headers.get("content-encoding", "")),
            reused=response.extensions["reused"],
        )


class LaneTransport(httpx.AsyncBaseTransport):
    """An httpx transport over `Lanes`. The request's extension ``request`` says whose connection may carry it.

    The answer is read whole before it is returned: its extension ``body`` is None when it was cut or is too large, and
    ``reused`` says whether the connection had carried another request before.
    """

    def __init__(self, lanes: Lanes) -> None:
        """``lanes`` has the connections."""
        self._lanes = lanes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer. Raises as `Lanes.take` and `Connection.exchange` do."""
        asked: HttpRequest = request.extensions["request"]
        progress: Progress = request.extensions["progress"]
        if not progress.deadline.remaining_seconds():
            raise TooLate
        origin = _origin(request.url)
        if asked.caller is not None:
            connection = await self._lanes.take(origin, asked.caller, asked.request_id, progress.deadline)
        elif asked.chained:
            connection = await self._lanes.take_chained(origin, progress.deadline)
        else:
            connection = await self._lanes.open(origin, progress.deadline)
        reused = connection.requests > 0
        connection.carried.add(asked.request_id.lower())
        received = await connection.exchange(
            request.method, request.url.raw_path, request.headers.raw, asked.body, progress=progress
        )
        self._keep_or_close(origin, asked, received, connection)
        return httpx.Response(
            received.status,
            headers=received.headers,
            stream=_Body(received),
            extensions={
                "reason_phrase": received.reason,
                "body": bytes(received.body) if received.whole else None,
                "reused": reused,
            },
        )

    def _keep_or_close(self, origin: Origin, asked: HttpRequest, received: Received, connection: Connection) -> None:
        if not (received.whole and connection.is_idle):
            connection.close()
        elif asked.chained and received.status < 500:  # a second try takes another connection
            self._lanes.keep_chained(origin, connection)
        elif asked.caller is not None and 200 <= received.status < 300 and _echoes(received, asked.request_id):
            self._lanes.keep(origin, asked.caller, connection)
        else:
            connection.close()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, for whoever reads the response as httpx does."""

    def __init__(self, received: Received) -> None:
        self._received = received

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield bytes(self._received.body)


@lru_cache(maxsize=64)
def _url(url: str) -> httpx.URL:
    """Parse a URL once: there are few, and it takes as long as the rest of a request."""
    return httpx.URL(url)


def _headers(request: HttpRequest, url: httpx.URL) -> dict[str, str]:
    """Return every header of a request. ``httpx.Request`` adds none to those of a request with a stream."""
    length = {} if request.body is None else {"Content-Length": str(len(request.body))}
    return {"Host": url.netloc.decode("ascii"), **HEADERS, **request.headers, **length}


def _origin_or_none(url: str) -> Origin | None:
    """Return where a URL leads; None for one that cannot be one, which the request itself reports."""
    try:
        return _origin(_url(url))
    except (ValueError, httpx.InvalidURL):
        return None


def _origin(url: httpx.URL) -> Origin:
    port = url.port or _PORTS.get(url.scheme)
    if port is None or not url.host:
        raise ValueError("neither https nor http")
    return Origin(url.scheme, url.raw_host.decode("ascii"), port)


def _echoes(received: Received, request_id: str) -> bool:
    """Return whether the answer names this very request (learn.microsoft.com/partner-center/developer/headers)."""
    named = [value for name, value in received.headers if name == b"ms-requestid"]
    return [value.decode("latin-1").strip().lower() for value in named] == [request_id.lower()]


def _unpack(raw: bytes | None, coding: str) -> bytes | None:
    """Undo a content coding, which we do not ask for but some servers apply. The result is bounded in size."""
    if raw is None or coding.strip().lower() in ("", "identity"):
        return raw
    unpacker = zlib.decompressobj(wbits=47)  # gzip or deflate, by its header
    try:
        body = unpacker.decompress(raw, MAX_ANSWER_BYTES + 1)
    except zlib.error:
        return None
    return body if unpacker.eof and len(body) <= MAX_ANSWER_BYTES else None  # without its end it was cut


def _reason(error: Exception) -> str:
    """Return why, in words for the log. What a protocol error quotes is left out: it may repeat what was sent."""
    name, text = type(error).__name__, str(error)
    if isinstance(error, ValueError) and not isinstance(error, OSError):  # about a character of the request
        return name
    if isinstance(error, h11.LocalProtocolError):
        return name
    if isinstance(error, h11.ProtocolError):
        text = _QUOTATION.split(text)[0]
    return f"{name}: {text}" if text else name
