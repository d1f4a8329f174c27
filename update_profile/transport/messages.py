"""One HTTP exchange as plain values, so that code that reads them needs no HTTP library."""

import asyncio
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Protocol

from ..deadline import Deadline

MAX_ANSWER_BYTES = 262_144  # 256 KiB, both as sent and unpacked
LONGEST_RETRY_AFTER_SECONDS = 3600
DEFAULT_RETRY_AFTER_SECONDS = 5  # what msal assumes too
_SECONDS = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10})?", re.ASCII)


CallerKey = tuple[str, str]  # tenant id, user id


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One request. It has a connection of its own unless ``caller`` or ``chained`` says otherwise.

    Attributes:
        headers: In addition to Host, User-Agent, Accept, Accept-Encoding and Content-Length.
        caller: Whose kept connection may carry it.
        request_id: Its MS-RequestId. A connection is kept only after an answer that echoes it, and never carries it
            twice.
        chained: Whether it may share a connection with the same call's other chained requests (``lanes.call_chain``).
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    caller: CallerKey | None = None
    request_id: str = ""
    chained: bool = False


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """One answer.

    Attributes:
        reason: The reason phrase.
        headers: As they came, names in lower case.
        body: Unpacked; None when it was cut, cannot be unpacked, or is larger than ``MAX_ANSWER_BYTES``.
        reused: Whether its connection had carried an earlier request.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(repr=False)
    reused: bool = False

    def header(self, name: str) -> str:
        """Return a header's value, repeated ones joined by a comma; "" when absent."""
        return ", ".join(value for known, value in self.headers if known == name)


class Http(Protocol):
    """Sends requests. ``transport.client.HttpClient`` does it over the network."""

    async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
        """Send one request and read the whole answer.

        Raises:
            TransportError: No readable answer came by the deadline.
        """

    def prepare(self, url: str, caller: CallerKey, *, deadline: Deadline) -> None:
        """Begin to open a connection to this URL's host, which the caller's next request there uses."""


class Progress:
    """How far one request got.

    Attributes:
        deadline: Ends every wait.
        sent: Whether the request began to go out: from then on the other side may have acted on it.
    """

    __slots__ = ("deadline", "sent")

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.sent = False


# What ends a call from outside. Http.send raises it only before anything was sent; after that, it is a TransportError.
ENDED = (asyncio.CancelledError, SystemExit, KeyboardInterrupt)


class TransportError(Exception):
    """No HTTP answer came. Each neighbour's module turns this into an error of errors.py.

    Attributes:
        sent: Whether any byte of the request went out.
        timed_out: Whether the deadline ended the exchange.
        reason: Why, in words for the log: host names and TLS reasons, nothing that was sent.
    """

    def __init__(self, reason: str, *, sent: bool, timed_out: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.timed_out = timed_out


def read_retry_after(value: str, *, now: float | None = None) -> int | None:
    """Return the wait that a Retry-After header asks for, in whole seconds (RFC 9110, section 10.2.3).

    Args:
        value: The header's value, "" when absent: seconds, possibly with a fraction, or an HTTP date.
        now: Seconds since 1970 to compare a date with; None for the present.

    Returns:
        The wait, rounded up, from 1 to 3600; None when the value makes no sense.
    """
    value = value.strip()
    seconds = float(value) if _SECONDS.fullmatch(value) else _until(value, time.time() if now is None else now)
    return None if seconds is None else min(max(math.ceil(seconds), 1), LONGEST_RETRY_AFTER_SECONDS)


def _until(date: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        return None if moment.tzinfo is None else moment.timestamp() - now
    except (ValueError, OverflowError):
        return None
