"""``GET /api/approve``: the page on which a person approves a proposed profile, signed in as themselves.

It is for senders that have no user's token. A link carries the proposal in its fragment, which a browser sends to no
server. The page signs the person in, shows by a dry run what would change, and posts the profile to this function with
the person's own token (docs/adr/0014-approval-page-sign-in.md). The files are in ``page/``.
"""

from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

from .response import Reply
from .settings import Settings

FOLDER = Path(__file__).with_name("page")
PAGE = "approve.html"
TEXTS = "strings."  # of strings.<language>.js
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
NOT_FOUND = Reply(status=404, headers={}, body=b"")
FAILED = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The approval page is out of order</title>
<h1>The approval page is out of order</h1>
<p>Opening this page changed nothing. {sentence}</p>
<p>Reference for support: {reference}</p>
</html>
"""
SENTENCES = {
    503: "A setting of the function is wrong. Tell whoever runs it: the address /api/health names the setting.",
    500: "The function failed. Open the link again later. If it fails again, tell whoever runs it.",
}


def read(file: str, settings: Settings) -> Reply:
    """Return the page ("") or a file that it loads. 404 for any other name, or where the page has no client id."""
    client_id = settings.approval_client_id
    if client_id is None:
        return NOT_FOUND
    headers = _page_headers(f"'self' {settings.authority_host}")
    if file == PAGE or (file and file not in _files()):
        return Reply(status=404, headers=headers, body=b"")
    headers["Content-Type"] = MEDIA_TYPES[Path(file or PAGE).suffix]
    body = _files()[file] if file else _page(client_id, settings)
    return Reply(status=200, headers=headers, body=body)


def failed(problem: Reply, *, accept: str, correlation_id: str) -> Reply:
    """Return a failure with the headers of the page: as a plain sentence for a browser, else as the problem it is.

    Args:
        problem: The failure; its status is a key of SENTENCES.
        accept: The request's Accept header, "" when absent. A browser that opens a page names ``text/html``.
        correlation_id: What the log knows the call by.
    """
    headers = {**problem.headers, **_page_headers("'none'")}
    if "text/html" not in accept.lower():
        return Reply(status=problem.status, headers=headers, body=problem.body)
    page = FAILED.format(sentence=SENTENCES[problem.status], reference=escape(correlation_id))
    headers["Content-Type"] = MEDIA_TYPES[".html"]
    return Reply(status=problem.status, headers=headers, body=page.encode("utf-8"))


@cache
def _files() -> Mapping[str, bytes]:
    """Return every file of the page by its name. They are read once per process, by the first request for any."""
    found = sorted(path for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES)
    return {path.name: path.read_bytes() for path in found}


def _page(client_id: str, settings: Settings) -> bytes:
    """Return the page with the public facts that a sign-in needs. None of them is a secret."""
    languages = [name.split(".")[1] for name in _files() if name.startswith(TEXTS)]
    values = {
        "{client_id}": client_id,
        "{authority}": f"{settings.authority_host}/{_tenant(settings)}",
        "{scope}": f"{settings.client_id}/{settings.required_scope}",
        "{languages}": " ".join(languages),
    }
    page = _files()[PAGE].decode("utf-8")
    for name, value in values.items():
        page = page.replace(name, escape(value))
    return page.encode("utf-8")


def _tenant(settings: Settings) -> str:
    """Return where people sign in: at the only tenant, else at any, and the function refuses what is not allowed."""
    return next(iter(settings.allowed_tenants)) if len(settings.allowed_tenants) == 1 else "organizations"


def _page_headers(connect: str) -> dict[str, str]:
    """Return the headers of every answer of the page. host.json adds ``nosniff``, ``no-store`` and, over https, HSTS.

    developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy: the page may load its own files and
    call this origin and Entra ID's token endpoint, and nothing else. Trusted Types refuse markup made by a script.
    """
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "data:",
        "connect-src": connect,
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
    }
