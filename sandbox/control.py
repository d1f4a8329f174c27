"""The control API: JSON under /_sandbox/, for scripts and people outside this process.

GET /_sandbox/settings      the settings that make the function use this stand-in
GET /_sandbox/journal       the received requests, with bodies as text; DELETE clears the journal
POST /_sandbox/script       {"answers": [{"status": 503}], "times": 1}; optional: "path", "tenant", "user", "method"
DELETE /_sandbox/script     remove all scripted answers
POST /_sandbox/sign-in      {"user": "alice", "version": "2.0"} -> {"access_token"}; Entra's token is for the function,
                                Partner Center's token is for Partner Center. {"bad": "expired"} gives a token with that
                                fault (Entra only; entra/bad_tokens.py lists the faults)
GET /_sandbox/applications  the client applications, with ids and secrets (Entra only); PUT {"platform": "spa",
                                "redirect_uris": ["http://localhost:7071/api/approve"]} registers other addresses
POST /_sandbox/switches     {"required_context": "c1"}: a policy of Entra; {} lists the switches (Entra only)
GET, PUT /_sandbox/profiles every tenant's profile (Partner Center only)
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from .http_request import Request
from .journal import Entry, Journal
from .rules import Asked
from .script import Answer

PREFIX = "/_sandbox/"
Handler = Callable[[Any], object]


class Controlled(Protocol):
    """What the control API uses of a stand-in."""

    journal: Journal
    scripted_endpoint: str | None

    def clear_script(self) -> None:
        """Remove all scripted answers."""

    def add_rule(self, answers: tuple[Answer, ...], bound_to: Asked, *, times: int | None) -> None:
        """Script these answers."""

    def control_routes(self) -> dict[tuple[str, str], Handler]:
        """Return the stand-in's own routes."""


def answer(stand_in: Controlled, request: Request) -> Answer:
    """Answer one control request. An invalid request gets a 400 that gives the reason."""
    routes = {
        ("GET", "journal"): lambda _: [_entry(entry) for entry in list(stand_in.journal)],
        ("DELETE", "journal"): lambda _: stand_in.journal.clear(),
        ("POST", "script"): lambda body: _script(stand_in, body),
        ("DELETE", "script"): lambda _: stand_in.clear_script(),
        **stand_in.control_routes(),
    }
    handler = routes.get((request.method, request.path.removeprefix(PREFIX)))
    if handler is None:
        return Answer.json({"error": "unknown route; known: " + ", ".join(map(" ".join, sorted(routes)))}, 404)
    try:
        return Answer.json(handler(json.loads(request.body or b"null")))
    except (ValueError, TypeError, KeyError) as error:
        return Answer.json({"error": f"{type(error).__name__}: {error}"}, 400)


def _script(stand_in: Controlled, body: dict[str, Any]) -> None:
    answers = tuple(Answer.from_json(fields) for fields in body["answers"])
    bound_to = Asked(
        endpoint=body.get("path", stand_in.scripted_endpoint),
        **{name: body.get(name) for name in ("method", "tenant", "user")},
    )
    stand_in.add_rule(answers, bound_to, times=body.get("times", 1))


def _entry(entry: Entry) -> dict[str, object]:
    return {**vars(entry), "body": entry.body.decode("utf-8", "replace")}
