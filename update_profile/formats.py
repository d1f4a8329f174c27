"""How the text of one environment variable becomes a value, and what is wrong with it when it does not.

Every parser takes trimmed text and raises ValueError with a sentence that names no value.
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
    """A GUID, 8-4-4-4-12 hexadecimal digits, in lower case."""
    if not GUID.fullmatch(text):
        raise ValueError("is no GUID (8-4-4-4-12 hexadecimal digits)")
    return text.lower()


def guids(text: str) -> frozenset[str]:
    """Comma-separated GUIDs, at least one."""
    return frozenset(guid(part) for part in _parts(text))


def audiences(text: str) -> frozenset[str]:
    """Comma-separated ``aud`` values, at least one, in lower case."""
    return frozenset(part.lower() for part in _parts(text))


def scope(text: str) -> str:
    """One scope, without blanks."""
    if not SCOPE_TOKEN.fullmatch(text):
        raise ValueError("is not one scope (visible ASCII, no blanks, no quotes)")
    return text


def boolean(text: str) -> bool:
    """``true`` or ``false``, in any case."""
    if text.lower() not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text.lower() == "true"


def number(text: str, *, low: float, high: float) -> float:
    """A decimal number from ``low`` to ``high``; a fraction is allowed."""
    if not _DECIMAL.fullmatch(text) or not low <= float(text) <= high:
        raise ValueError(f"is no number from {low:g} to {high:g}")
    return float(text)


def whole_number(text: str, *, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``."""
    if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
        raise ValueError(f"is no whole number from {low} to {high}")
    return int(text)


def base_url(text: str) -> str:
    """``https://host[:port][/path]``, the host in lower case, without the default port or a ``/`` at the end."""
    parts = _split(text)
    if parts.scheme.lower() != "https":
        raise ValueError("must start with https://")
    host, address = parts.netloc.lower().removesuffix(":443"), parts.path.rstrip("/")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(address) or parts.query or parts.fragment:
        raise ValueError("is no plain address (https://host, with a path at most)")
    return f"https://{host}{address}"


def authority_host(text: str) -> str:
    """``https://host[:port]``, in lower case."""
    url = base_url(text)
    if urlsplit(url).path:
        raise ValueError("must be https://host without a path: the tenant is taken from the caller's token")
    return url


def identity_endpoint(text: str) -> str:
    """The platform's token endpoint, on the machine itself: plain http, too."""
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc.lower()) or parts.query:
        raise ValueError("is no plain address (http://host:port/path)")
    return text


def path(text: str) -> str:
    """An absolute path of plain segments, without a ``/`` at the end."""
    trimmed = text.rstrip("/")
    if not trimmed or not _PATH.fullmatch(trimmed):
        raise ValueError("is no plain path (such as /v1/profiles/supportprofile)")
    return trimmed


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("is empty")
    return parts


def _split(text: str) -> SplitResult:
    """The parts of an address whose host and port can be read. What urlsplit raises repeats the host: it stays here."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("has no valid host or port") from None
    return parts
