"""What Partner Center and the network can do to a PUT, once or always, and the expected outcome of each."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from builders import EXAMPLE

from sandbox import Answer, Fault
from sandbox.partner_center import answers as pc

JSON = ("Content-Type", "application/json")
PROFILE = b'{"email":"relayed@contoso.example"}'


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


def same(name: str, answer: Answer, truth: Truth, **more: Any) -> FaultRow:  # noqa: ANN401  the class's own fields
    """A fault that is final: the outcome is the same whether it happens once or always."""
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
    """Once the status and headers can be read, the status decides, whatever happens to the body."""
    cut = {
        "reset after the headers": Answer.trouble(Fault.RESET_AFTER_HEADERS),
        "reset in the body": Answer.trouble(Fault.RESET_IN_BODY),
        "truncated": Answer.trouble(Fault.TRUNCATE),
        "slow body": Answer.trouble(Fault.HANG_AFTER_HEADERS),
        "drip-fed body": Answer(headers=(JSON,), body=PROFILE * 10, body_byte_seconds=0.05),
        "too large": Answer(headers=(JSON,), body=b'{"a":"' + b"x" * 300_000 + b'"}'),
        "too large, chunked": Answer(headers=(JSON,), body=b'{"a":"' + b"x" * 300_000 + b'"}', framing="chunked"),
        "HTML": Answer(headers=(("Content-Type", "text/html"),), body=b"<html>"),
        "empty": Answer(),
        "null": Answer(headers=(JSON,), body=b"null"),
        "an array": Answer(headers=(JSON,), body=b"[1]"),
        "a mark alone": Answer(headers=(JSON,), body=b"\xef\xbb\xbf"),
        "gzip that is none": Answer(headers=(JSON, ("Content-Encoding", "gzip")), body=PROFILE),
        "gzip that is cut": Answer(headers=(JSON, ("Content-Encoding", "gzip")), body=gzip.compress(PROFILE)[:-8]),
        "gzip without end": Answer(headers=(JSON, ("Content-Encoding", "gzip")), body=gzip.compress(b"0" * 10**6)),
    }
    for name, answer in cut.items():
        yield same(f"200, {name}", answer, replace(SUCCESS, body=b"{}"))
    whole = {
        "a byte order mark": Answer(headers=(JSON,), body=b"\xef\xbb\xbf" + PROFILE),
        "gzip": Answer(headers=(JSON, ("Content-Encoding", "gzip")), body=gzip.compress(PROFILE)),
        "chunks": Answer(headers=(JSON,), body=PROFILE, framing="chunked"),
        "no length": Answer(headers=(JSON,), body=PROFILE, framing="close"),
        "a surplus answer": Answer(headers=(JSON,), body=PROFILE, surplus=Answer(headers=(JSON,), body=b'{"a":1}')),
        "reset after the answer": Answer(headers=(JSON,), body=PROFILE, fault=Fault.RESET_AFTER_ANSWER),
        "an odd charset": Answer(headers=(("Content-Type", "application/json; charset=utf-8,gbk"),), body=PROFILE),
    }
    for name, answer in whole.items():
        yield same(f"200, {name}", answer, replace(SUCCESS, body=PROFILE))
    yield same("200, a fault body", pc.fault(200, 2000, "odd"), SUCCESS)
    yield same("201", Answer(status=201, headers=(JSON,), body=PROFILE), Truth(status=201, body=PROFILE))
    yield same("202, empty", Answer(status=202), Truth(status=202, body=b"{}"))
    yield same("204", Answer(status=204), Truth(status=204, body=b""))


def _final() -> Iterator[FaultRow]:
    """Refusals that a retry cannot fix, in each of the five body shapes and in none of them."""
    shapes: dict[str, Callable[[int], Answer]] = {
        "a number": lambda status: pc.fault(status, 2001),
        "a text": lambda status: pc.fault(status, "2001", data=None),
        "the gateway": lambda status: pc.gateway(status, "No."),
        "a message": lambda status: pc.message(status, "No."),
        "plain text": lambda status: pc.text(status, "No."),
        "empty": lambda status: Answer(status=status),
        "HTML": lambda status: Answer(status=status, body=b"<html>"),
    }
    for status in (400, 401, 403, 404, 409):
        for name, shape in shapes.items():
            truth = Truth(status=status, code="partner_center_rejected")
            yield same(f"{status}, {name}", shape(status), truth)
    for status in (301, 302, 303, 304, 307, 308):
        yield same(f"{status}", Answer(status=status, headers=(("Location", "/elsewhere"),)), UNEXPECTED)
    for status in (600, 999):
        yield same(f"{status}", Answer(status=status), UNEXPECTED)
    for status in (405, 412, 413, 422, 428):
        yield same(f"{status}", Answer(status=status), Truth(status=status, code="partner_center_rejected"))
    yield same("501", Answer(status=501), Truth(status=501, code="partner_center_failed"))
    for status in (505, 511, 599):
        truth = Truth(status=status, code="partner_center_failed", retry_after="5")
        yield same(f"{status}", Answer(status=status), truth)


def _throttled(retry_after: str, *more: str) -> Answer:
    headers = tuple(("Retry-After", value) for value in (retry_after, *more))
    return pc.gateway(429, "Rate limit is exceeded.", headers=headers)


def _healing() -> Iterator[FaultRow]:
    """Retryable failures: retried by backoff or after the requested wait, or reported if that wait is too long."""
    yield healing("408", Answer(status=408), "partner_center_rejected")
    yield healing("429", pc.throttled(None), "partner_center_throttled")
    for status in (500, 503, 504):
        yield healing(f"{status}", pc.fault(status, 800003), "partner_center_failed")
    yield healing("502, HTML", Answer(status=502, body=b"<html>Bad gateway</html>"), "partner_center_failed")
    senseless = [
        "nan",
        "inf",
        "1e9",
        "-1",
        "soon",
        "5" * 5000,
        "1, 2",
        "Fri, 31 Dec 9999 23:59:59",
        "Sat, 01 Jan 10000",
    ]
    for value in senseless:
        yield healing(f"429, Retry-After {value[:20]}", _throttled(value), "partner_center_throttled")
    yield healing("429, two Retry-Afters", _throttled("1", "2"), "partner_center_throttled")
    for value in ("9", "3600", "86400", "Fri, 31 Dec 9999 23:59:59 GMT"):
        told = value if value.isdecimal() and int(value) <= 3600 else "3600"
        for status, code in ((429, "partner_center_throttled"), (503, "partner_center_failed")):
            answer = replace(_throttled(value), status=status)
            truth = Truth(status=status, code=code, retry_after=told)
            yield same(f"{status}, Retry-After {value[:20]}", answer, truth)
    for value in ("0", "0.129", "1", " 1 ", "Wed, 21 Oct 2015 07:28:00 GMT"):
        once = replace(SUCCESS, puts=2)
        always = Truth(status=429, code="partner_center_throttled", puts=3, retry_after="1")
        row = FaultRow(
            name=f"429, Retry-After {value}", answer=_throttled(value), once=once, always=always, budget_seconds=3
        )
        yield row


ROWS = [*_no_answer(), *_readable_heads(), *_final(), *_healing()]
assert {EXAMPLE["Email"]}.isdisjoint({PROFILE.decode()})
