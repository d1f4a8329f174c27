"""One SSL context, and a connection per call. The only module that imports httpx.

Why a connection per call: docs/adr/0004-connection-per-call.md. Requests go straight to a transport, not through an
``httpx.AsyncClient``: what the client adds (redirects, cookies, ``.netrc``, proxies and CA bundles of the environment)
is what must not happen here, and it raises on a bad Location even where it follows none.
"""

import asyncio
import logging
import re
import ssl
import zlib
from collections.abc import AsyncIterator

import certifi
import httpcore
import httpx

from .. import __version__
from ..deadline import Deadline
from ..errors import Misconfigured
from ..evidence import Evidence, FieldError
from .messages import MAX_ANSWER_BYTES, HttpAnswer, HttpRequest, TransportError
from .network import DeadlineNetwork, Wire

USER_AGENT = f"update-profile/{__version__}"
for _traced in ("httpcore.connection", "httpcore.http11"):  # at DEBUG they quote headers and lines as they came
    logging.getLogger(_traced).disabled = True
_QUOTATION = re.compile(r":|\s(?:b['\"]|bytearray\()")
Network = httpcore.AsyncNetworkBackend
_CUT = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
_ENDED = (asyncio.CancelledError, SystemExit, KeyboardInterrupt)
_NO_ANSWER = (*_CUT, OSError, ValueError, httpx.InvalidURL)  # InvalidURL is no ValueError


def create_ssl_context(cert_file: str | None) -> ssl.SSLContext:
    """The trust of the whole process, for Entra ID and Partner Center alike.

    Args:
        cert_file: Path of a PEM bundle; None for certifi's.

    Raises:
        Misconfigured: The bundle cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=cert_file or certifi.where())
    except OSError as error:  # ssl.SSLError is one
        fault = FieldError(field="SSL_CERT_FILE", message=f"cannot be read as a CA bundle ({type(error).__name__})")
        raise Misconfigured("Wrong or missing settings: SSL_CERT_FILE.", Evidence(fields=(fault,))) from error


class HttpClient:
    """Sends requests, each over a connection of its own."""

    def __init__(self, ssl_context: ssl.SSLContext, network: Network | None = None) -> None:
        """``network`` opens TCP connections; None for the machine's own."""
        self._ssl_context = ssl_context
        self._network = network or httpcore.AnyIOBackend()

    async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
        """Send one request and read its answer whole.

        Once status and headers can be read there is an answer; what then befalls the body only costs the body.

        Raises:
            TransportError: No answer came that can be read; it says whether anything was sent.
            asyncio.CancelledError, SystemExit: The caller was ended before anything was sent.
        """
        wire = Wire(deadline)
        try:
            return await self._exchange(request, wire)
        except _NO_ANSWER as error:
            timed_out = isinstance(error, httpcore.TimeoutException)
            raise TransportError(_reason(error), sent=wire.sent, timed_out=timed_out) from error
        except _ENDED as error:
            if not wire.sent:
                raise
            raise TransportError(type(error).__name__, sent=True, timed_out=False) from error

    async def _exchange(self, request: HttpRequest, wire: Wire) -> HttpAnswer:
        async with _ConnectionPerCall(self._ssl_context, DeadlineNetwork(self._network, wire)) as transport:
            response = await transport.handle_async_request(_httpx_request(request))
            raw = await _read_raw(response.aiter_raw())
        reason = bytes(response.extensions.get("reason_phrase", b"")).decode("utf-8", "replace")
        headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        return HttpAnswer(
            status=response.status_code,
            reason=reason,
            headers=headers,
            body=_unpack(raw, response.headers.get("content-encoding", "")),
        )


class _ConnectionPerCall(httpx.AsyncBaseTransport):
    """Carries one request over a connection that no other request ever sees."""

    def __init__(self, ssl_context: ssl.SSLContext, network: Network) -> None:
        self._ssl_context = ssl_context
        self._network = network
        self._connection: httpcore.AsyncHTTPConnection | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        self._connection = httpcore.AsyncHTTPConnection(
            url.origin, ssl_context=self._ssl_context, network_backend=self._network
        )
        answer = await self._connection.handle_async_request(
            httpcore.Request(method=request.method, url=url, headers=request.headers.raw, content=request.stream)
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


def _httpx_request(request: HttpRequest) -> httpx.Request:
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
    return httpx.Request(request.method, request.url, headers=headers | dict(request.headers), content=request.body)


async def _read_raw(parts: AsyncIterator[bytes]) -> bytes | None:
    """The body as it was sent; None when it is cut or too large."""
    body = bytearray()
    try:
        async for part in parts:
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                return None
    except (*_CUT, *_ENDED):
        return None  # status and headers are known: that is the answer, whatever became of its body
    return bytes(body)


def _unpack(raw: bytes | None, coding: str) -> bytes | None:
    """The body without its content coding, which nobody asked for but some servers apply; bounded in size."""
    if raw is None or coding.strip().lower() in ("", "identity"):
        return raw
    unpacker = zlib.decompressobj(wbits=47)  # gzip or deflate, by its header
    try:
        body = unpacker.decompress(raw, MAX_ANSWER_BYTES + 1)
    except zlib.error:
        return None
    return body if unpacker.eof and len(body) <= MAX_ANSWER_BYTES else None  # without its end it was cut


def _reason(error: Exception) -> str:
    """Why, in words for the log. The innermost error of a TLS failure says what is wrong with the certificate.

    What a protocol error quotes of bytes that cannot be read is left out, as they may repeat what was sent.
    """
    if isinstance(error, ValueError):  # about a character of the request
        return type(error).__name__
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    text = _QUOTATION.split(str(cause))[0] if isinstance(error, httpcore.ProtocolError) else str(cause)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
