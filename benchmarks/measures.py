"""The measurements on running processes. Each returns what results.json holds: every round's figures, unchanged.

Within a round the contestants run one after the other, so that what else the machine does meets all of them alike.
Each round begins with another one.
"""

from collections.abc import Sequence
from typing import Any

from .channel import Channel
from .lab import (
    AIOHTTP,
    BEFORE,
    BODY,
    FASTAPI,
    HTTPX,
    NODE,
    NULL,
    OURS,
    PER_CALL,
    SAMPLE,
    Contestant,
    Lab,
    Where,
    turned,
)

Row = dict[str, Any]
Rows = dict[str, list[Row]]
ALL = (NULL, HTTPX, AIOHTTP, PER_CALL, OURS, BEFORE, SAMPLE, FASTAPI, NODE)
EXCHANGING = (OURS, BEFORE, SAMPLE, FASTAPI, NODE)
SPREAD_USERS = 100
FEW_USERS = 100


def _calls(
    channel: Channel, tokens: Sequence[str], *, count: int, in_flight: int, may_fail: bool = False
) -> tuple[Row, list[float]]:
    """Send calls. Return the figures per call, and each call's milliseconds. Raises RuntimeError if one fails."""
    told = channel.ask("calls", tokens=tokens, count=count, in_flight=in_flight, body=BODY)
    failed = count - told["statuses"].get("200", 0)
    if failed and not may_fail:
        message = f"{failed} of {count} calls failed: {told['statuses']} {told['sample']}"
        raise RuntimeError(message)
    ordered = sorted(told["milliseconds"])
    row = {
        "cpu_us": told["cpu_seconds"] / count * 1e6,
        "calls_per_second": count / told["seconds"],
        "p50_ms": ordered[len(ordered) // 2],
    }
    return row, told["milliseconds"]


def warm(lab: Lab, *, rounds: int, calls: int) -> dict[str, Rows]:
    """A cached user: one user at 1 and at 16 calls in flight, then 100 users in turn at 16 (`spread`)."""
    everyone = lab.contestants(*ALL)
    modes = {
        "1": (1, 1, everyone),
        "16": (1, 16, everyone),
        "spread": (SPREAD_USERS, 16, lab.contestants(HTTPX, AIOHTTP, OURS, BEFORE, FASTAPI, NODE)),
    }
    found: dict[str, Rows] = {mode: {one.key: [] for one in who} for mode, (_, _, who) in modes.items()}
    with lab.running(everyone) as channels:
        tokens = {one: lab.tokens(one, SPREAD_USERS) for one in everyone}
        for one in everyone:
            # What keeps nothing between calls has nothing to warm but its code.
            _calls(channels[one], tokens[one], count=SPREAD_USERS if one != SAMPLE else 2, in_flight=8)
        for number in range(rounds):
            for mode, (users, in_flight, who) in modes.items():
                for one in turned(who, number):
                    count = max(int(calls * one.calls_share), in_flight)
                    if one != SAMPLE:
                        # Its connections may have rested too long since the last round: these calls renew them.
                        _calls(channels[one], tokens[one][:users], count=in_flight, in_flight=in_flight)
                    row = _with_far_side(lab, channels[one], tokens[one][:users], count=count, in_flight=in_flight)
                    found[mode][one.key].append(row)
    return found


def _with_far_side(lab: Lab, channel: Channel, tokens: Sequence[str], *, count: int, in_flight: int) -> Row:
    """Send calls. The figures include the far side's CPU, and its new connections, per call."""
    before = lab.far_side("cost")
    row, _ = _calls(channel, tokens, count=count, in_flight=in_flight)
    after = lab.far_side("cost")
    row["far_cpu_us"] = (after["cpu_seconds"] - before["cpu_seconds"]) / count * 1e6
    row["connections"] = (after["connections"] - before["connections"]) / count
    return row


def first_time_users(lab: Lab, *, rounds: int, calls: int) -> dict[str, Rows]:
    """Calls of users that were never seen before, with the keys held, at 1 and 16 in flight."""
    contestants = lab.contestants(*EXCHANGING)
    found: dict[str, Rows] = {mode: {one.key: [] for one in contestants} for mode in ("1", "16")}
    with lab.running(contestants) as channels:
        for one in contestants:
            _calls(channels[one], lab.tokens(one, 2), count=2, in_flight=1)
        for number in range(rounds):
            for mode in found:
                for one in turned(contestants, number):
                    count = max(int(calls * one.calls_share), 8)
                    tokens = lab.tokens(one, count)
                    row, _ = _calls(channels[one], tokens, count=count, in_flight=int(mode))
                    found[mode][one.key].append(row)
    return found


def far_neighbours(lab: Lab, *, rounds: int) -> Rows:
    """Both neighbours 100 ms away: a process's first call, a new user's call, a cached user's call."""
    contestants = lab.contestants(HTTPX, AIOHTTP, *EXCHANGING)
    found: Rows = {one.key: [] for one in contestants}
    where: Where = "far"
    for number in range(rounds):
        for one in turned(contestants, number):
            with lab.running([one], where) as channels:
                first, second, third, fourth = lab.tokens(one, 4, where)
                _, (first_ms,) = _calls(channels[one], [first], count=1, in_flight=1)
                _, new_ms = _calls(channels[one], [second, third, fourth], count=3, in_flight=1)
                _, cached_ms = _calls(channels[one], [fourth], count=5, in_flight=1)
                found[one.key].append(
                    {"first_ms": first_ms, "new_user_ms": sorted(new_ms)[1], "cached_ms": sorted(cached_ms)[2]}
                )
    return found


def memory(lab: Lab, *, users: int) -> dict[str, Row]:
    """Resident memory: when loaded, after 100 users, after `users` more; kB per user.

    The first 100 users fill what is bounded: kept connections, arenas of the allocator. As many calls of one of them as
    there are users to come make the harness take the memory that a command of that size needs. Each program gets as
    many users, and collects its garbage before it is looked at.
    """
    contestants = lab.contestants(NULL, OURS, BEFORE, FASTAPI, NODE)
    found = {}
    with lab.running(contestants) as channels:
        for one in contestants:
            channel = channels[one]
            loaded = channel.ask("held")["mebibytes"]
            known = lab.tokens(one, FEW_USERS)
            _calls(channel, known, count=FEW_USERS, in_flight=8)
            _calls(channel, known[-1:] * users, count=users, in_flight=8)
            few = channel.ask("held")["mebibytes"]
            _calls(channel, lab.tokens(one, users), count=users, in_flight=8)
            many = channel.ask("held")["mebibytes"]
            found[one.key] = {
                "loaded_mib": loaded,
                "few_mib": few,
                "many_mib": many,
                "kb_per_user": (many - few) * 2**20 / users / 1000,
                "users": users,
            }
    return found


def stalls(lab: Lab, *, rounds: int, users: int = 50) -> Rows:
    """The event loop's worst stall while Entra ID takes 2 s and `users` new users arrive.

    They arrive over one second, then, in `at_once_`, all in the same moment. Raises RuntimeError if a call fails.
    """
    contestants = lab.contestants(NULL, OURS, BEFORE, FASTAPI)
    found: Rows = {one.key: [] for one in contestants}
    with lab.running(contestants) as channels:
        for one in contestants:
            _calls(channels[one], lab.tokens(one, 2), count=2, in_flight=1)
        lab.far_side("slow", seconds=2.0)
        try:
            for number in range(rounds):
                for one in turned(contestants, number):
                    over, once = (_stalled(lab, channels[one], one, users, seconds) for seconds in (1.0, 0.0))
                    found[one.key].append({**over, **{f"at_once_{name}": value for name, value in once.items()}})
        finally:
            lab.far_side("slow", seconds=0)
    return found


def _stalled(lab: Lab, channel: Channel, one: Contestant, users: int, over_seconds: float) -> Row:
    told = channel.ask("stalls", tokens=lab.tokens(one, users), body=BODY, over_seconds=over_seconds)
    return _none_failed(one, told)


def beside_cached(lab: Lab, *, rounds: int, users: int = 30) -> Rows:
    """New users' calls, over one second, while 16 cached users keep 16 calls in flight.

    Raises RuntimeError if a call fails.
    """
    contestants = lab.contestants(OURS, BEFORE, FASTAPI)
    found: Rows = {one.key: [] for one in contestants}
    with lab.running(contestants) as channels:
        cached = {one: lab.tokens(one, 16) for one in contestants}
        for one in contestants:
            _calls(channels[one], cached[one], count=16, in_flight=8)
        for number in range(rounds):
            for one in turned(contestants, number):
                told = channels[one].ask(
                    "beside",
                    tokens=lab.tokens(one, users),
                    cached=cached[one],
                    in_flight=16,
                    body=BODY,
                    over_seconds=1.0,
                )
                found[one.key].append(_none_failed(one, told))
    return found


def _none_failed(one: Contestant, told: Row) -> Row:
    """Return the figures. Raises RuntimeError if a call failed: a failure is quick, and would flatter."""
    failed = told.pop("failed")
    if failed:
        message = f"{failed} calls of {one.key} failed"
        raise RuntimeError(message)
    return told


def warm_profiles(lab: Lab, *, calls: int) -> dict[str, list[Row]]:
    """The ten largest rows of the warm path, for this checkout and for the one before."""
    contestants = lab.contestants(OURS, BEFORE)
    found = {}
    with lab.running(contestants) as channels:
        for one in contestants:
            tokens = lab.tokens(one, 1)
            _calls(channels[one], tokens, count=50, in_flight=1)
            told = channels[one].ask("profile", tokens=tokens, count=calls, in_flight=1, body=BODY)
            found[one.key] = told["rows"]
    return found
