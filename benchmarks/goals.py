"""The goals of the project for speed, what a run reached of them, and why a goal is out of reach."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .figures import Spread, ratio, spread

Results = Mapping[str, Any]

# Why a goal is missed, with the row of the profile that shows it. Written by hand after a run, by the goal's key.
REASONS = Path(__file__).with_name("reasons.json")


@dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes:
        key: Its name in reasons.json.
        what: What is measured, with the unit.
        target: The value to reach.
        value: The value of a contestant (`ours` or `before`) in a run.
        at_least: Whether more is better.
    """

    key: str
    what: str
    target: float
    value: Callable[[Results, str], Spread]
    at_least: bool = False

    def reached(self, results: Results, who: str = "ours") -> bool:
        """Whether the median meets the goal."""
        median = self.value(results, who).median
        return median >= self.target if self.at_least else median <= self.target


def reasons() -> dict[str, str]:
    """Return why goals are out of reach, by key."""
    found: dict[str, str] = json.loads(REASONS.read_text("utf-8"))
    return found


def _warm(mode: str, other: str, name: str) -> Callable[[Results, str], Spread]:
    return lambda results, who: ratio(results["warm"][mode][who], results["warm"][mode][other], name)


def _far(name: str) -> Callable[[Results, str], Spread]:
    return lambda results, who: spread(results["far_neighbours"][who], name)


def _first_time(results: Results, who: str) -> Spread:
    rows = results["first_time_users"]["1"]
    return ratio(rows[who], rows["fastapi_peer"], "cpu_us")


def _cold_app(base: str, member: str) -> Callable[[Results, str], Spread]:
    app = ("load_ms", "first_call_ms")
    return lambda results, who: ratio(results["cold"][who], results["cold"][base], *app, base=(member,))


def _cold_whole(results: Results, who: str) -> Spread:
    return ratio(results["cold"][who], results["cold"]["common_sample_plain"], "cpu_ms")


def _memory(results: Results, who: str) -> Spread:
    return spread([results["memory"][who]], "kb_per_user")


def _stall(name: str) -> Callable[[Results, str], Spread]:
    """Judge the worst of all rounds: a median of worst stalls is not the worst one."""

    def worst(results: Results, who: str) -> Spread:
        most = spread(results["stalls"][who], name).most
        return Spread(most, most, most)

    return worst


GOALS = (
    Goal("warm16", "CPU of a cached call / httpx relay, 16 in flight", 0.3, _warm("16", "relay_httpx", "cpu_us")),
    Goal("warm1", "the same, 1 in flight", 0.5, _warm("1", "relay_httpx", "cpu_us")),
    Goal("aiohttp", "CPU of a cached call / aiohttp relay, 16 in flight", 2.0, _warm("16", "relay_aiohttp", "cpu_us")),
    Goal(
        "sample",
        "calls a second / common sample, 16 in flight",
        60,
        _warm("16", "common_sample", "calls_per_second"),
        True,
    ),
    Goal(
        "fastapi",
        "calls a second / FastAPI peer, 16 in flight",
        5,
        _warm("16", "fastapi_peer", "calls_per_second"),
        True,
    ),
    Goal("first", "CPU of a new user's call / FastAPI peer, 1 in flight", 0.15, _first_time),
    Goal("far_cached", "both neighbours 100 ms away: a cached user's call, ms", 110, _far("cached_ms")),
    Goal("far_new", "the same: a new user's call, ms", 220, _far("new_user_ms")),
    Goal("far_first", "the same: a process's first call, ms", 700, _far("first_ms")),
    Goal(
        "cold_app",
        "cold, CPU: load and first answer / a process that imports the four packages",
        1.1,
        _cold_app("four_alone", "cpu_ms"),
    ),
    Goal("cold_import", "the same / that import alone, after the runtime", 1.1, _cold_app("four", "imports_ms")),
    Goal("cold_whole", "cold, CPU: whole process / common sample without byte code", 0.35, _cold_whole),
    Goal("memory", "memory of a cached user, token included, kB", 4, _memory),
    Goal("stall", "worst stall, Entra ID slow and 50 new users within 1 s, ms by the clock", 25, _stall("worst_ms")),
    Goal("stall_at_once", "the same, all 50 at once, ms by the clock", 25, _stall("at_once_worst_ms")),
    Goal(
        "far_cpu",
        "far side's CPU of a cached call / a connection per call",
        0.1,
        _warm("1", "relay_per_call", "far_cpu_us"),
    ),
)
