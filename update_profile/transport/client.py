"""One SSL context, and a connection for each call.

docs/adr/0004-connection-per-call.md gives the reasons for a connection per call. Requests go straight to a connection,
not through an ``httpx.AsyncClient``: what the client adds (redirects, cookies, ``.netrc``, proxies and CA bundles from
the environment) must not happen here, and it raises on a bad Location even when it follows none.
"""

import logging
import re
import ssl
import zlib
from collections.abc import AsyncIterable

import certifi
import httpcore
import httpx

from .. import __version__
from ..deadline import Deadline
from ..errors import FieldError, Misconfigured
from .messages import ENDED, MAX_ANSWER_BYTES, HttpAnswer, HttpRequest, TransportError
from .network import DeadlineBackend, SendProgress

USER_AGENT = f"update-profile/{__version__}"
for _name in ("httpcore.connection", "httpcore.http11"):  # at DEBUG they quote headers and lines as they came
    logging.getLogger(_name).disabled = True
_QUOTATION = re.compile(r":|\s(?:b['\"]|bytearray\()")
Network = httpcore.AsyncNetworkBackend
_CUT = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
_NO_ANSWER = (*_CUT, OSError, ValueError, httpx.InvalidURL)  # InvalidURL is not a ValueError


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
    """Sends requests, each over a connection of its own."""

    def __init__(self, ssl_context: ssl.SSLContext, network: Network | None = None) -> None:
        """``network`` opens TCP connections; None for the machine's own."""
        self._ssl_context = ssl_context
        self._network = network or httpcore.AnyIOBackend()

    async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
        """Send one request and read the whole answer.

        Once the status line and headers are parsed, the call has an answer; a later failure only loses the body
        (``body`` is None).

        Raises:
            TransportError: No readable answer came; it says whether anything was sent.
            asyncio.CancelledError, SystemExit: The call was ended before anything was sent.
        """
        progress = SendProgress(deadline)
        try:
            return await self._exchange(request, progress)
        except _NO_ANSWER as error:
            timed_out = isinstance(error, httpcore.TimeoutException)
            raise TransportError(_reason(error), sent=progress.sent, timed_out=timed_out) from error
        except ENDED as error:
            if not progress.sent:
                raise
            raise TransportError(type(error).__name__, sent=True, timed_out=False) from error

    async def _exchange(self, request: HttpRequest, progress: SendProgress) -> HttpAnswer:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
        encoded = httpx.Request(
            request.method, request.url, headers=headers | dict(request.headers), content=request.body
        )
        url = httpcore.URL(
            scheme=encoded.url.raw_scheme, host=encoded.url.raw_host, port=encoded.url.port, target=encoded.url.raw_path
        )
        backend = DeadlineBackend(self._network, progress)
        async with httpcore.AsyncHTTPConnection(
            url.origin, ssl_context=self._ssl_context, network_backend=backend
        ) as connection:
            answer = await connection.handle_async_request(
                httpcore.Request(method=request.method, url=url, headers=encoded.headers.raw, content=encoded.stream)
            )
            raw = await _read_raw(answer.aiter_stream())
            await answer.aclose()
        received = httpx.Headers(answer.headers)
        return HttpAnswer(
            status=answer.status,
            reason=bytes(answer.extensions.get("reason_phrase", b"")).decode("utf-8", "replace"),
            headers=tuple((name.lower(), value) for name, value in received.multi_items()),
            body=_unpack(raw, received.get("content-encoding", "")),
        )


async def _read_raw(parts: AsyncIterable[bytes]) -> bytes | None:
    """Read the body as it was sent; None when it is cut or too large."""
    body = bytearray()
    try:
        async for part in parts:
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                return None
    except (*_CUT, *ENDED):
        return None  # status and headers are known: they are the answer, whatever happens to the body
    return bytes(body)


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
    """Return why, in words for the log. The innermost error of a TLS failure names the certificate's fault.

    What a protocol error quotes of unreadable bytes is left out, because it may repeat what was sent.
    """
    if isinstance(error, ValueError):  # about a character of the request
        return type(error).__name__
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    text = _QUOTATION.split(str(cause))[0] if isinstance(error, httpcore.ProtocolError) else str(cause)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
