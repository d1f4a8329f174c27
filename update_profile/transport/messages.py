"""One HTTP exchange as plain values, so that what reads them needs no HTTP library."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_ANSWER_BYTES = 262_144  # 256 KiB, counted as sent and counted unpacked


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One request. ``headers`` come in addition to Host, User-Agent, Accept, Accept-Encoding and Content-Length."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """One answer.

    Attributes:
        reason: The reason phrase.
        headers: As they came, names in lower case.
        body: Unpacked; None when it was cut, cannot be unpacked or is larger than ``MAX_ANSWER_BYTES``.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(repr=False)

    def header(self, name: str) -> str:
        """A header's value, repeated ones joined by a comma; "" when absent."""
        return ", ".join(value for known, value in self.headers if known == name)


class TransportError(Exception):
    """No HTTP answer came from the other side. Each neighbour's module turns it into an error of errors.py.

    Attributes:
        sent: Whether any byte of the request went out.
        timed_out: Whether the deadline ended it.
        reason: Why, in words for the log: host names and TLS reasons, nothing that was sent.
    """

    def __init__(self, reason: str, *, sent: bool, timed_out: bool) -> None:
        """Keep the three facts that decide."""
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.timed_out = timed_out
