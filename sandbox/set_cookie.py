"""The host's cookie rewriting: it parses a function's `Set-Cookie` and writes it again in ASP.NET's format."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.cookies import Morsel
from urllib.parse import quote


def set_cookie(  # noqa: PLR0913 - a cookie has that many attributes
    name: str,
    value: str,
    *,
    domain: str = "",
    path: str = "",
    expires: datetime | None = None,
    max_age_seconds: float | None = None,
    secure: bool = False,
    http_only: bool = False,
    same_site: str = "",
) -> str:
    """Return the header value with its parts in ASP.NET's order. An empty text or None omits a part.

    `expires` is UTC. https://github.com/dotnet/aspnetcore/blob/main/src/Http/Headers/src/SetCookieHeaderValue.cs
    """
    # Text is escaped as Uri.EscapeDataString does.
    parts = [f"{quote(name, safe='')}={quote(value, safe='')}"]
    if expires is not None:
        parts.append(f"expires={format_datetime(expires.replace(tzinfo=UTC), usegmt=True)}")
    if max_age_seconds is not None:
        parts.append(f"max-age={int(max_age_seconds)}")
    texts = {"domain": domain, "path": path, "secure": secure, "samesite": same_site, "httponly": http_only}
    for key, item in texts.items():
        if item:
            parts.append(key if item is True else f"{key}={item}")
    return "; ".join(parts)


def set_cookie_from_morsel(morsel: "Morsel[str]") -> str:
    """Return the header value for the standard library's parsed cookie. Raises ValueError for an invalid date."""
    return set_cookie(
        morsel.key,
        morsel.value,
        domain=morsel["domain"],
        path=morsel["path"],
        expires=parsedate_to_datetime(morsel["expires"]) if morsel["expires"] else None,
        max_age_seconds=float(morsel["max-age"]) if morsel["max-age"] else None,
        secure=bool(morsel["secure"]),
        http_only=bool(morsel["httponly"]),
        same_site=morsel["samesite"].lower(),
    )
