"""Growth: more and more users through the bounded caches, and many calls on one worker."""

from typing import Any

from .channel import Channel
from .lab import BODY, OURS, Lab

STEPS = (1, 10, 100, 1_000, 10_000, 100_000)
AT_ONCE = 2_000  # new users in one command
PROBE_CALLS = 200
SEGMENTS = 10
CALLERS = 16

Row = dict[str, Any]


def users(lab: Lab, *, most: int) -> list[Row]:
    """What the process holds, and what a cached call costs, after 1, 10, ... and at most `most` distinct users."""
    rows = []
    with lab.running([OURS]) as channels:
        channel, known = channels[OURS], 0
        for step in (step for step in STEPS if step <= most):
            tokens: list[str] = []
            while known < step:
                tokens = lab.tokens(OURS, min(AT_ONCE, step - known))
                _must_succeed(channel, tokens, count=len(tokens), in_flight=8)
                known += len(tokens)
            told = _must_succeed(channel, tokens[-1:], count=PROBE_CALLS, in_flight=1)
            cpu_us = told["cpu_seconds"] / PROBE_CALLS * 1e6
            rows.append({"users": known, "cpu_us": cpu_us, **channel.ask("held")})
    return rows


def calls(lab: Lab, *, total: int) -> list[Row]:
    """What the process holds after each tenth of `total` calls of sixteen users."""
    rows = []
    with lab.running([OURS]) as channels:
        channel = channels[OURS]
        tokens = lab.tokens(OURS, CALLERS)
        _must_succeed(channel, tokens, count=200, in_flight=CALLERS)
        each = total // SEGMENTS
        for segment in range(SEGMENTS):
            told = _must_succeed(channel, tokens, count=each, in_flight=CALLERS)
            row = {"calls": each * (segment + 1), "cpu_us": told["cpu_seconds"] / each * 1e6}
            rows.append({**row, **channel.ask("held")})
    return rows


def _must_succeed(channel: Channel, tokens: list[str], *, count: int, in_flight: int) -> Row:
    told = channel.ask("calls", timeout_seconds=7200, tokens=tokens, count=count, in_flight=in_flight, body=BODY)
    if told["statuses"] != {"200": count}:
        message = f"calls failed: {told['statuses']} {told['sample']}"
        raise RuntimeError(message)
    return told
