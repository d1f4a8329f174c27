"""How the host changes a request before a function gets it: the web server's limits, headers, query and address."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from .worker import HttpAnswer

RawHeaders = Sequence[tuple[bytes, bytes]]

# Kestrel's defaults, which the host keeps.
# https://learn.microsoft.com/aspnet/core/fundamentals/servers/kestrel/options
MAX_REQUEST_LINE_BYTES = 8_192
MAX_HEADERS_BYTES = 32_768
MAX_HEADERS = 100
# The host's own limit (DefaultMaxRequestBodySize). FUNCTIONS_REQUEST_BODY_SIZE_LIMIT changes it.
MAX_BODY_BYTES = 104_857_600


@dataclass(frozen=True)
class Request:
    """A request as it was read. `target` is the raw path and query, `authority` this server's host and port."""

    method: str
    target: str
    headers: RawHeaders
    scheme: str
    authority: str

    @property
    def path(self) -> str:
        """The raw path."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The raw query, without its question mark."""
        return self.target.partition("?")[2]


def refusal(request: Request) -> HttpAnswer | None:
    """Return the web server's own answer if it refuses the request, else None.

    The web server answers before the host's middleware runs, so the answer has none of host.json's customHeaders.
    """
    line = f"{request.method} {request.target} HTTP/1.1\r\n"
    if len(line.encode()) > MAX_REQUEST_LINE_BYTES:
        return HttpAnswer(414, closes=True)
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in request.headers)
    if len(request.headers) > MAX_HEADERS or size > MAX_HEADERS_BYTES:
        return HttpAnswer(431, closes=True)
    if not all(_readable(part) for header in request.headers for part in header):
        return HttpAnswer(400, closes=True)
    return None


def _readable(part: bytes) -> bool:
    """Whether Kestrel accepts these bytes in a header: valid UTF-8 without NUL."""
    try:
        return "\0" not in part.decode()
    except UnicodeDecodeError:
        return False


def join_headers(headers: RawHeaders) -> dict[str, str]:
    """Return each header once, in lower case. A comma joins repeated values. Raises UnicodeDecodeError."""
    return _joined((name.decode().lower(), value.decode()) for name, value in headers)


def join_query(query: str) -> dict[str, str]:
    """Return the query by name. Names are case-insensitive, the first spelling is kept, empty values are dropped."""
    spelling: dict[str, str] = {}
    pairs = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        pairs.append((spelling.setdefault(name.lower(), name), unquote_plus(value)))
    return {name: value for name, value in _joined(pairs).items() if value}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return one value per name, in order. An empty value adds no comma, as in StringValues.ToString.

    https://github.com/dotnet/runtime/blob/main/src/libraries/Microsoft.Extensions.Primitives/src/StringValues.cs
    """
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).extend([value] if value else [])
    return {name: ",".join(items) for name, items in values.items()}


def seen_origin(request: Request, headers: Mapping[str, str]) -> tuple[str, str]:
    """Return scheme and authority as the function's `req.url` shows them.

    On Flex Consumption, the platform's front end sends them in headers, and the host trusts these headers.
    """
    if os.environ.get("WEBSITE_SKU") != "FlexConsumption":
        return request.scheme, request.authority
    scheme = headers.get("x-forwarded-proto", request.scheme)
    return scheme, headers.get("disguised-host", request.authority)


def body_limit_bytes() -> int:
    """Return the size of the largest body that the host accepts."""
    return int(os.environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT") or MAX_BODY_BYTES)


def declared_length_bytes(headers: Mapping[str, str]) -> int:
    """Return the Content-Length, or 0 without one. A chunked body has none and never reaches a function."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0
