"""The formats of ids, numbers, addresses and lists, and what is wrong with a text that does not have them.

Every parser takes trimmed text and raises ValueError with a message that quotes no value.
"""

import re
from urllib.parse import SplitResult, urlsplit

GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)  # RFC 6749, section 3.3
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_HOST = re.compile(r"[a-z0-9._-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)


def guid(text: str) -> str:
    """Parse a GUID, 8-4-4-4-12 hexadecimal digits; return it in lower case."""
    if not GUID.fullmatch(text):
        raise ValueError("is not a GUID (8-4-4-4-12 hexadecimal digits)")
    return text.lower()


def guids(text: str) -> frozenset[str]:
    """Parse comma-separated GUIDs, at least one."""
    return frozenset(guid(part) for part in _parts(text))


def audiences(text: str) -> frozenset[str]:
    """Parse comma-separated ``aud`` values, at least one; return them in lower case."""
    return frozenset(part.lower() for part in _parts(text))


def scope(text: str) -> str:
    """Parse one scope."""
    if not SCOPE_TOKEN.fullmatch(text):
        raise ValueError("is not one scope (visible ASCII characters, no spaces, no quotes)")
    return text


def boolean(text: str) -> bool:
    """Parse ``true`` or ``false``, in any case."""
    if text.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def number(text: str, *, low: float, high: float) -> float:
    """Parse a decimal number from ``low`` to ``high``; fractions are allowed."""
    if not _DECIMAL.fullmatch(text) or not low <= float(text) <= high:
        raise ValueError(f"must be a number from {low:g} to {high:g}")
    return float(text)


def whole_number(text: str, *, low: int, high: int) -> int:
    """Parse a whole number from ``low`` to ``high``."""
    if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
        raise ValueError(f"must be a whole number from {low} to {high}")
    return int(text)


def base_url(text: str) -> str:
    """Parse ``https://host[:port][/path]``; the host comes back in lower case, without port 443 or a trailing ``/``."""
    parts = _split(text)
    if parts.scheme.lower() != "https":
        raise ValueError("must start with https://")
    host, address = parts.netloc.lower().removesuffix(":443"), parts.path.rstrip("/")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(address) or parts.query or parts.fragment:
        raise ValueError("must be a plain address (https://host, optionally with a path)")
    return f"https://{host}{address}"


def authority_host(text: str) -> str:
    """Parse ``https://host[:port]``; it comes back in lower case."""
    url = base_url(text)
    if urlsplit(url).path:
        raise ValueError("must be https://host without a path: the tenant comes from the caller's token")
    return url


def identity_endpoint(text: str) -> str:
    """Parse the address of the platform's token endpoint. It is on this machine, so plain http is fine."""
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc.lower()) or parts.query:
        raise ValueError("must be a plain address (http://host:port/path)")
    return text


def path(text: str) -> str:
    """Parse an absolute path of plain segments; it comes back without a trailing ``/``."""
    trimmed = text.rstrip("/")
    if not trimmed or not _PATH.fullmatch(trimmed):
        raise ValueError("must be a plain path (such as /v1/profiles/supportprofile)")
    return trimmed


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("is empty")
    return parts


def _split(text: str) -> SplitResult:
    """Split an address whose host and port can be read. urlsplit's own errors quote the host, so they stay here."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("has no valid host or port") from None
    return parts
