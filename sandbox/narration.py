"""The demo's output: short blocks of text. Every time is measured and every statement is checked."""

import json
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from .journal import Entry

MARGIN = "   "
WIDTH = 110
PROBLEM_MEMBERS = ("code", "actor", "retryable", "detail", "errors", "outcome")
PROFILE_MEMBERS = ("email", "telephone", "website")


class NotAsItShouldBe(Exception):
    """A check of the demo failed. The message is the statement that should hold."""


@dataclass(frozen=True)
class Hop:
    """One leg of a call: its name, its start in seconds on the monotonic clock, and what happened."""

    name: str
    began: float
    what: str


def check(*, that: str, holds: bool) -> None:
    """Raise NotAsItShouldBe if `holds` is false. `that` is the statement that should hold."""
    if not holds:
        raise NotAsItShouldBe(that)


def heading(text: str) -> None:
    """Print the first line of a block."""
    print(f"\n{text}")


def tell(text: str = "") -> None:
    """Print one line of a block."""
    print(MARGIN + text if text else "")


def tell_hops(hops: Iterable[Hop], *, ended: float) -> None:
    """Print a table of hops. Each hop ends when the next one begins, and the last ends at `ended`."""
    legs = list(hops)
    start = legs[0].began
    ends = [*(leg.began for leg in legs[1:]), ended]
    check(
        that="the hops follow each other in time",
        holds=all(leg.began <= end for leg, end in zip(legs, ends, strict=True)),
    )
    tell(f"{'at':>8} {'took':>8}")
    for leg, end in zip(legs, ends, strict=True):
        tell(f"{_ms(leg.began - start)} {_ms(end - leg.began)}  {leg.name:<11}{leg.what}")
    tell(f"{_ms(ended - start)}")


def tell_profiles(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Print what Partner Center stores before and after, member by member."""
    tell(f"{'':11}{'before':<30}after")
    for name in PROFILE_MEMBERS:
        tell(f"{name:<11}{before.get(name, '-'):<30}{after.get(name, '-')}")


def tell_tokens(hers: Mapping[str, Any], exchanged: Mapping[str, Any]) -> None:
    """Print the claims of both tokens that show what on-behalf-of means. The client is `azp` in one, `appid` in one."""
    tell(f"{'':8}{'her token':<40}the exchanged token")
    for name in ("aud", "oid", "scp"):
        tell(f"{name:<8}{hers[name]:<40}{exchanged[name]}")
    tell(f"{'client':<8}{hers['azp']:<40}{exchanged['appid']}")


def tell_request(entry: Entry) -> None:
    """Print a request. Its token is cut."""
    tell(f"   {entry.method} {entry.path} HTTP/1.1")
    for name, value in entry.headers:
        cut = f"{value[:24]}... ({len(value):,} characters)"
        tell(f"   {name}: {cut if name.lower() == 'authorization' else value}")
    tell_line(entry.body.decode())


def tell_line(line: str) -> None:
    """Print a long line, broken after commas."""
    indent = f"{MARGIN}   "
    parts = textwrap.wrap(line.replace(",", ", "), WIDTH, initial_indent=indent, subsequent_indent=indent)
    print("\n".join(part.replace(", ", ",") for part in parts))


def tell_problem(response: httpx.Response) -> None:
    """Print the main members of a problem and its Retry-After."""
    problem = response.json()
    tell(f"-> {response.status_code} {response.headers['content-type']}")
    for name in PROBLEM_MEMBERS:
        if name in problem:
            value = problem[name]
            _tell_member(name, value if isinstance(value, str) else json.dumps(value))
    if "retry-after" in response.headers:
        _tell_member("Retry-After", response.headers["retry-after"])


def _tell_member(name: str, value: str) -> None:
    indent = f"{MARGIN}   {name:<12}"
    print(textwrap.fill(value, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent)))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:5.1f} ms"
