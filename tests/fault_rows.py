"""What Partner Center and the network can do to a PUT, once or always, and the expected outcome of each."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from builders import EXAMPLE

from sandbox import Answer, Fault
from sandbox.partner_center import answers as pc

JSON = ("Content-Type", "application/json")
# What was sent, with a member more, so that it is known when it is relayed.
SHOWN = {name.lower(): value for name, value in EXAMPLE.items()}
PROFILE = json.dumps({**SHOWN, "relayed": True}).encode()
OTHER = json.dumps({**SHOWN, "website": "https://www.microsoft.com"}).encode()


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The expected outcome of a call.

    Attributes:
        code: The problem's code; None for a success.
        outcome: ``unknown``, ``confirmed-by-read``, or None when the outcome is certain.
        puts: How many complete PUTs Partner Center received.
        gets: How many times the profile was read.
        retry_after: The Retry-After header; None if it must be absent.
        body: The body of a success; None if it is not checked.
    """

    status: int
    code: str | None = None
    outcome: str | None = None
    puts: int = 1
    gets: int = 0
    retry_after: str | None = None
    body: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class FaultRow:
    """One fault.

    Attributes:
        answer: The scripted answer to a PUT.
        once: The outcome when only the first PUT meets the fault.
        always: The outcome when every PUT does.
        budget_seconds: REQUEST_BUDGET_SECONDS.
    """

    name: str
    answer: Answer
    once: Truth
    always: Truth
    budget_seconds: int = 2

    def __str__(self) -> str:
        """The test's id."""
        return self.name


SUCCESS = Truth(status=200)
UNKNOWN = Truth(status=504, code="partner_center_timeout", outcome="unknown", gets=2, retry_after="5")
CONFIRMED = Truth(status=200, outcome="confirmed-by-read", gets=1)
UNEXPECTED = Truth(status=502, code="partner_center_unexpected")


def same(name: str, answer: Answer, truth: Truth, **more: Any) -> FaultRow:
    """A fault that is final: there is one PUT, so the outcome is the same whether it happens once or always."""
    assert truth.puts == 1, name
    return FaultRow(name=name, answer=answer, once=truth, always=truth, **more)


def healing(name: str, answer: Answer, code: str, *, retry_after: str = "5") -> FaultRow:
    """A fault that is retried: one occurrence goes unnoticed, a lasting one is reported after four attempts."""
    once = replace(SUCCESS, puts=2)
    always = Truth(status=answer.status, code=code, puts=4, retry_after=retry_after)
    return FaultRow(name=name, answer=answer, once=once, always=always, budget_seconds=4)


def _no_answer() -> Iterator[FaultRow]:
    """No readable answer to a sent request: the outcome is unknown without a write, and confirmed with one."""
    odd_heads = {
        "a header line with a blank": Answer(headers=(("Request Context", "a"), JSON), body=PROFILE),
        "two Content-Lengths": Answer(headers=(("Content-Length", "1"), ("Content-Length", "2")), body=b"{}"),
        "a negative Content-Length": Answer(headers=(("Content-Length", "-1"),)),
        "two codings": Answer(headers=(("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "gzip")), body=b"{}"),
    }
    faults = {fault.value: Answer.trouble(fault) for fault in (Fault.RESET_AFTER_REQUEST, Fault.CLOSE, Fault.HANG)}
    slow = {"slow headers": Answer(head_line_seconds=1, body=b"{}"), "slow answer": Answer(delay_seconds=5)}
    for name, answer in {**odd_heads, **faults, **slow}.items():
        yield same(f"{name}, not written", answer, UNKNOWN)
        yield same(f"{name}, written", replace(answer, apply=True), CONFIRMED)


def _readable_heads() -> Iterator[FaultRow]:
    """A success counts when its body shows the profile; otherwise it proves no write, and the profile is read back."""
    shows_nothing = {
        "reset in the body": Answer.trouble(Fault.RESET_IN_BODY),
        "slow body": Answer.trouble(Fault.HANG_AFTER_HEADERS),
        "drip-fed body": Answer(headers=(JSON,), body=PROFILE * 10, body_byte_seconds=0.05),
        "too large": Answer(headers=(JSON,), body=b'{"a":"' + b"x" * 300_000 + b'"}'),
        "a proxy's page": Answer(headers=(("Content-Type", "text/html"),), body=b"<html>"),
        "empty": Answer(),
        "another object": Answer(headers=(JSON,), body=b'{"ok": true}'),
        "gzip that is cut": Answer(headers=(JSON, ("Content-Encoding", "gzip")), body=gzip.compress(PROFILE)[:-8]),
        "a fault body": pc.fault(200, 2000, "odd"),
        "202, empty": Answer(status=202),
    }
    for name, answer in shows_nothing.items():
        yield same(f"200, {name}, not written", answer, UNKNOWN)
        yield same(f"200, {name}, written", replace(answer, apply=True), CONFIRMED)
    shows_it = {
        "a byte order mark": Answer(headers=(JSON,), body=b"\xef\xbb\xbf" + PROFILE),
        "gzip": Answer(headers=(JSON, ("Content-Encoding", "gzip")), body=gzip.compress(PROFILE)),
        "chunks": Answer(headers=(JSON,), body=PROFILE, framing="chunked"),
        "no length": Answer(headers=(JSON,), body=PROFILE, framing="close"),
        "a surplus answer": Answer(headers=(JSON,), body=PROFILE, surplus=Answer(headers=(JSON,), body=b'{"a":1}')),
        "reset after the answer": Answer(headers=(JSON,), body=PROFILE, fault=Fault.RESET_AFTER_ANSWER),
        "an odd charset": Answer(headers=(("Content-Type", "application/json; charset=utf-8,gbk"),), body=PROFILE),
    }
    for name, answer in shows_it.items():
        yield same(f"200, {name}", answer, replace(SUCCESS, body=PROFILE))
    yield same("201", Answer(status=201, headers=(JSON,), body=PROFILE), Truth(status=201, body=PROFILE))
    yield same("200, another value", Answer(headers=(JSON,), body=OTHER), replace(SUCCESS, outcome="differs"))
    yield same("204", Answer(status=204), Truth(status=204, body=b""))


def _final() -> Iterator[FaultRow]:
    """Refusals that a retry cannot fix. The unit tests of answer.py have every shape of a body."""
    for status in (400, 401, 403, 404, 409):
        truth = Truth(status=status, code="partner_center_rejected")
        yield same(f"{status}", pc.fault(status, 2001), truth)
    yield same("302", Answer(status=302, headers=(("Location", "/elsewhere"),)), UNEXPECTED)
    yield same("600", Answer(status=600), UNEXPECTED)
    yield same("501", Answer(status=501), Truth(status=501, code="partner_center_failed"))
    truth = Truth(status=599, code="partner_center_failed", retry_after="5")
    yield same("599", Answer(status=599), truth)


def _throttled(retry_after: str, *more: str) -> Answer:
    headers = tuple(("Retry-After", value) for value in (retry_after, *more))
    return pc.gateway(429, "Rate limit is exceeded.", headers=headers)


def _healing() -> Iterator[FaultRow]:
    """Retryable failures: retried by backoff or after the requested wait, or reported if that wait is too long.

    The unit tests of messages.py have every spelling of Retry-After.
    """
    yield healing("408", Answer(status=408), "partner_center_rejected")
    yield healing("429", pc.throttled(None), "partner_center_throttled")
    for status in (500, 503, 504):
        yield healing(f"{status}", pc.fault(status, 800003), "partner_center_failed")
    yield healing("502, HTML", Answer(status=502, body=b"<html>Bad gateway</html>"), "partner_center_failed")
    yield healing("429, Retry-After nan", _throttled("nan"), "partner_center_throttled")
    for status, code in ((429, "partner_center_throttled"), (503, "partner_center_failed")):
        answer = replace(_throttled("86400"), status=status)
        yield same(f"{status}, Retry-After 86400", answer, Truth(status=status, code=code, retry_after="3600"))
    once = replace(SUCCESS, puts=2)
    always = Truth(status=429, code="partner_center_throttled", puts=3, retry_after="1")
    yield FaultRow(
        name="429, Retry-After 0.129", answer=_throttled("0.129"), once=once, always=always, budget_seconds=3
    )


ROWS = [*_no_answer(), *_readable_heads(), *_final(), *_healing()]
assert {EXAMPLE["Email"]}.isdisjoint({PROFILE.decode()})
