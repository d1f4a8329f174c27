"""Which answers a page of another origin may read (CORS): metadata always, tokens only as a single-page application.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, "Redirect URIs for single-page apps".
"""

from dataclasses import replace

from ..journal import Entry
from ..script import Answer
from .directory import Directory

PUBLIC = ("discovery", "keys", "instance")
TOKENS = ("code", "refresh")


def with_leave(directory: Directory, entry: Entry, answer: Answer) -> Answer:
    """Add the headers that let a page read this answer, where it may."""
    origin = entry.header("Origin")
    if origin is None:
        return answer
    if entry.endpoint in PUBLIC:
        return _add(answer, ("Access-Control-Allow-Origin", "*"))
    if entry.endpoint not in TOKENS:
        return answer
    application = directory.applications.find(entry.form.get("client_id"))
    if application is None or application.platform != "spa" or not application.has_origin(origin):
        return answer
    return _add(answer, ("Access-Control-Allow-Origin", origin), ("Vary", "Origin"))


def preflight(directory: Directory, entry: Entry) -> Answer:
    """Answer a browser's question whether a page may send more than a plain form. Only a known page may."""
    origin = entry.header("Origin") or ""
    pages = (one for one in directory.applications if one.platform == "spa")
    if not any(page.has_origin(origin) for page in pages):
        return Answer(status=200)
    return _add(
        Answer(status=200),
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
        ("Access-Control-Allow-Headers", entry.header("Access-Control-Request-Headers") or "content-type"),
        ("Access-Control-Max-Age", "600"),
        ("Vary", "Origin"),
    )


def _add(answer: Answer, *headers: tuple[str, str]) -> Answer:
    return replace(answer, headers=(*answer.headers, *headers))
