"""How the host changes a function's answer: it adds its own headers and rejects what HTTP does not allow."""

import dataclasses
import secrets
from collections.abc import Sequence

from .host_settings import HostSettings
from .worker import HttpAnswer

Headers = tuple[tuple[str, str], ...]

SERVER_ERROR = HttpAnswer(500)
NOT_FOUND = HttpAnswer(404)
# Kestrel's StatusCanHaveBody.
BODILESS_STATUSES = {204, 205, 304}


def finish(answer: HttpAnswer, settings: HostSettings, *, scheme: str) -> HttpAnswer:
    """Return the answer that the caller receives. `scheme` is the scheme that the caller used."""
    answer = _sendable(answer)
    headers = _try_add(answer.headers, settings.custom_headers)
    if scheme == "https" and settings.hsts_max_age_seconds is not None:
        headers = _try_add(headers, [("Strict-Transport-Security", f"max-age={settings.hsts_max_age_seconds}")])
    return dataclasses.replace(answer, headers=headers)


def _sendable(answer: HttpAnswer) -> HttpAnswer:
    """Return the part of the function's answer that the web server can send.

    A header value outside ASCII or an invalid status becomes an empty 500. If the status allows no body, the body is
    dropped and the connection ends after the answer.
    """
    if not 200 <= answer.status <= 999 or not all(value.isascii() for _, value in answer.headers):
        return SERVER_ERROR
    answer = dataclasses.replace(answer, headers=_one_of_each(answer.headers))
    if answer.status in BODILESS_STATUSES and answer.body:
        return dataclasses.replace(answer, body=b"", closes=True)
    return answer


def _one_of_each(headers: Headers) -> Headers:
    """Keep one header, at random, of those whose names differ only in case. Only Set-Cookie may repeat."""
    by_name: dict[str, list[tuple[str, str]]] = {}
    for name, value in headers:
        by_name.setdefault(name.lower(), []).append((name, value))
    cookies = by_name.pop("set-cookie", [])
    return (*(secrets.choice(pairs) for pairs in by_name.values()), *cookies)


def _try_add(headers: Headers, more: Sequence[tuple[str, str]]) -> Headers:
    """Add the headers that are missing. A function's own header takes precedence (CustomHttpHeadersMiddleware.cs)."""
    present = {name.lower() for name, _ in headers}
    return (*headers, *((name, value) for name, value in more if name.lower() not in present))
