"""The pages that Entra shows to people. They need no script: every choice is a button of an HTML form."""

from collections.abc import Iterable, Mapping
from html import escape

from ..script import Answer

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:24rem;margin:3rem auto;padding:0 1rem}"
    "button,input{display:block;box-sizing:border-box;width:100%;margin:.5rem 0;padding:.75rem;font:inherit}"
    "small{color:#555}"
)
_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store, no-cache"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
)

# A button of a form: its name, its value and its text.
Button = tuple[str, str, str]


def page(title: str, *parts: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """Return a page. `parts` are HTML."""
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'><link rel=icon href='data:,'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<main><small>Entra ID (stand-in)</small><h1>{escape(title)}</h1>{''.join(parts)}</main></html>"
    )
    return Answer(status=status, headers=(*_HEADERS, *headers), body=text.encode())


def fault(number: int, text: str) -> Answer:
    """Return the page that says why there is no sign-in. Nothing may go back to the application."""
    return page("Sorry, but we're having trouble signing you in.", paragraph(f"AADSTS{number}: {text}"), status=400)


def paragraph(text: str, *, role: str = "") -> str:
    """Return a paragraph of plain text. `role` is its ARIA role."""
    return f"<p{f' role={role}' if role else ''}>{escape(text)}</p>"


def form(action: str, buttons: Iterable[Button], *, hidden: Mapping[str, str], field: str = "") -> str:
    """Return a form that posts to `action`. `field` names a text field. Empty: there is none."""
    inputs = "".join(
        f'<input type=hidden name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    entry = f'<label>Code <input name="{escape(field)}" autocomplete=off></label>' if field else ""
    made = "".join(
        f'<button name="{escape(name)}" value="{escape(value)}">{escape(text)}</button>'
        for name, value, text in buttons
    )
    return f'<form method=post action="{escape(action)}">{inputs}{entry}{made}</form>'


def posted_back(address: str, members: Mapping[str, str]) -> Answer:
    """Return the page of `response_mode=form_post`, which a browser sends on to the application by itself."""
    return page(
        "Working...",
        form(address, [("", "", "Continue")], hidden=members),
        "<script>document.forms[0].submit()</script>",
    )
