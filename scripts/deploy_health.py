"""Ask the function's health route how it is, after a deployment."""

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from enum import Enum

TIMEOUT_SECONDS = 30  # a cold start on Flex Consumption takes less
MAX_BODY_BYTES = 65_536
MAX_SHOWN_CHARACTERS = 300

# No connection, one that breaks off or hangs, an address that is none, an answer that is not HTTP.
_BROKEN = (OSError, ValueError, http.client.HTTPException)


class State(Enum):
    """What the health route shows."""

    SOUND = "sound"
    """It answered 200: the function runs, and its settings are valid."""
    UNSOUND = "unsound"
    """The function says that it cannot work, or something else answers in its place: the platform, an older version."""
    UNREACHABLE = "unreachable"
    """No answer, or a network rule's refusal: nothing is known."""


@dataclass(frozen=True)
class Health:
    """A state, and the words that show it."""

    state: State
    words: str


def ask(url: str, patience_seconds: float, pause_seconds: float, *, version: str | None) -> Health:
    """Ask until this version of the function answers 200, or until the time is up; return the last answer.

    A new package takes a while to start. Until then the platform answers in its place, or the older package does.
    ``version`` is None where any will do. Two packages with the same version cannot be told apart: while an instance
    of the older one runs, its 200 counts.
    """
    began = time.monotonic()
    while True:
        health = _ask_once(url, version)
        if health.state is State.SOUND or time.monotonic() - began >= patience_seconds:
            return health
        time.sleep(pause_seconds)


def read(status: int, reason: str, body: bytes, *, version: str | None = None) -> Health:
    """Return what an answer of the health route means. ``version`` is the one that should answer; None is any."""
    if status == 403 and reason.casefold() == "ip forbidden":
        return Health(State.UNREACHABLE, f"{status} {reason}")
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    told = document if isinstance(document, dict) else {}
    if status == 200 and told.get("status") == "ok":
        if version in (None, told.get("version")):
            return Health(State.SOUND, f"ok, version {told.get('version')}")
        return Health(State.UNSOUND, f"ok, but version {told.get('version')} in place of {version}")
    errors = told.get("errors")
    named = [f"{error.get('field')}: {error.get('message')}" for error in errors or () if isinstance(error, dict)]
    words = " ".join(
        str(part) for part in (status, reason, told.get("code", ""), told.get("detail", ""), *named) if part
    )
    return Health(State.UNSOUND, words[:MAX_SHOWN_CHARACTERS])


def _ask_once(url: str, version: str | None) -> Health:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  the operator's own function
            return read(answer.status, answer.reason, answer.read(MAX_BODY_BYTES), version=version)
    except urllib.error.HTTPError as error:
        return read(error.code, error.reason, _body_of(error))
    except _BROKEN as error:
        return Health(State.UNREACHABLE, str(error) or type(error).__name__)


def _body_of(error: urllib.error.HTTPError) -> bytes:
    """Return the body of an answer that is no success; empty if it breaks off. The status says enough."""
    try:
        return error.read(MAX_BODY_BYTES)
    except _BROKEN:
        return b""
