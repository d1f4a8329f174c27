"""RESULTS.md and the picture are made from the numbers, and the harness judges and sums as it says."""

import copy
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.cold import by_package
from benchmarks.figures import Spread, number, ratio
from benchmarks.goals import GOALS, reasons
from benchmarks.profiling import readable
from benchmarks.run import pages
from benchmarks.surplus import count

FOLDER = Path(__file__).parents[2] / "benchmarks"
SVG = "{http://www.w3.org/2000/svg}"


def call(cpu_us: float) -> dict[str, float]:
    return {
        "cpu_us": cpu_us,
        "calls_per_second": 1e6 / cpu_us,
        "p50_ms": 1.0,
        "far_cpu_us": 200.0,
        "connections": 0.0,
    }


def given() -> dict[str, Any]:
    """Return the numbers of a small run: this function takes a quarter of the relay's CPU."""
    calls = {
        "relay_httpx": [call(4000), call(5000)],
        "ours": [call(1000), call(1250)],
        "common_sample": [call(90_000)] * 2,
    }
    return {
        "about": {
            "date": "2026-01-02",
            "commit": "abc1234",
            "before": None,
            "measured": {},
            "system": "Linux x86_64",
            "cores": 2,
            "load_before": 0.5,
            "load_after": 1.5,
            "minutes": 3.0,
            "quick": False,
            "versions": {"Python": "3.13.0"},
        },
        "warm": {"16": calls},
    }


def test_the_committed_page_and_picture_are_what_the_committed_numbers_give() -> None:
    """Nobody edits them by hand: `make bench` writes all three."""
    results = json.loads((FOLDER / "results.json").read_text("utf-8"))
    for name, text in pages(results).items():
        assert (FOLDER / name).read_text("utf-8") == text, f"write {name} again from results.json"


def test_the_page_has_every_program_with_its_ratio_to_the_floor() -> None:
    page = pages(given())["RESULTS.md"]
    assert "| **this function** | 1,125 (1,000 to 1,250) | 0.25 |" in page
    assert "| floor: httpx relay | 4,500 (4,000 to 5,000) | 1.00 |" in page
    assert (
        "2026-01-02, Linux x86_64, 2 cores, load 0.5 at the start and 1.5 at the end; 3 minutes. Commit abc1234."
        in page
    )


def test_a_goal_shows_what_was_reached_and_a_part_that_was_not_measured_is_left_out() -> None:
    page = pages(given())["RESULTS.md"]
    assert "| CPU of a cached call / httpx relay, 16 in flight | at most 0.3 | - | 0.25 | yes |  |" in page
    assert "| calls a second / common sample, 16 in flight | at least 60 | - | 81.0 (72.0 to 90.0) | yes |  |" in page
    assert "Cold start" not in page
    assert "100 ms away" not in page


def test_a_missed_goal_gives_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = given()
    slow["warm"]["16"]["ours"] = slow["warm"]["16"]["relay_httpx"]
    monkeypatch.setattr("benchmarks.run.reasons", lambda: {"warm16": "because"})
    assert "| at most 0.3 | - | 1.00 | no | because |" in pages(slow)["RESULTS.md"]


def test_a_part_of_another_run_says_so() -> None:
    mixed = given()
    run = {"date": "2026-01-01", "commit": "def5678", "before": None, "quick": False}
    mixed["about"]["measured"] = {"growth": run, "cold": run | {"quick": True}}
    page = pages(mixed)["RESULTS.md"]
    assert "Another run measured *growth*: 2026-01-01, commit def5678." in page
    assert "Another, quick run measured *cold*: 2026-01-01, commit def5678." in page


def test_the_picture_draws_bars_in_proportion_and_tells_the_numbers_in_words() -> None:
    drawn = ElementTree.fromstring(pages(given())["results.svg"])  # noqa: S314 - our own
    widths = {bar.get("class"): float(bar.get("width") or 0) for bar in drawn.iter(f"{SVG}rect")}
    ours, longest = widths["bar ours"], widths["bar"]
    assert longest / ours == pytest.approx(90_000 / 1_125, rel=0.05)
    description = drawn.findtext(f"{SVG}desc") or ""
    assert "this function 1.12, bare httpx relay 4.50, common sample 90.0" in description


def test_the_picture_can_be_read_on_light_and_on_dark_pages() -> None:
    picture = pages(given())["results.svg"]
    style = ElementTree.fromstring(picture).findtext(f"{SVG}style") or ""  # noqa: S314 - our own
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    assert dark
    for rule in re.findall(r"^(\S[^{]*) {[^}]*fill", light, re.MULTILINE):
        assert rule.split(",")[0].strip() in dark, f"{rule} has no color for dark pages"


def test_no_text_of_the_picture_leaves_it() -> None:
    """A character of 12 px takes at most 8 px here; bars and values stay inside their panel."""
    wide = copy.deepcopy(given())
    wide["warm"]["16"]["ours"] = [call(1_000_000_000)] * 2
    drawn = ElementTree.fromstring(pages(wide)["results.svg"])  # noqa: S314 - our own
    width = float(drawn.get("width") or 0)
    for text in drawn.iter(f"{SVG}text"):
        if text.get("text-anchor") != "end":
            assert float(text.get("x") or 0) + 7 * len(text.text or "") <= width


def test_each_reason_belongs_to_a_goal() -> None:
    assert {*reasons()} <= {goal.key for goal in GOALS}


def test_a_ratio_is_taken_round_by_round() -> None:
    """A slow round slows both, so the ratio of the medians would be another."""
    ours, others = [{"a": 1.0}, {"a": 20.0}, {"a": 3.0}], [{"a": 2.0}, {"a": 40.0}, {"a": 3.0}]
    assert ratio(ours, others, "a") == Spread(0.5, 0.5, 1.0)


@pytest.mark.parametrize(
    ("value", "text"), [(0.123, "0.12"), (9.99, "9.99"), (12.34, "12.3"), (99.96, "100"), (12345.6, "12,346")]
)
def test_a_number_has_about_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def answered(sent: str, *, email: str | None, status: int = 200, outcome: str | None = None) -> dict[str, Any]:
    return {"sent": sent, "email": email, "status": status, "outcome": outcome, "code": None}


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (answered("m-1-2@x", email="m-1-2@x"), "true"),
        (answered("m-1-2@x", email="m-2-2@x"), "another's"),
        (answered("m-1-2@x", email="m-12-2@x"), "another's"),
        (answered("m-1-2@x", email="m-1-1@x"), "untrue"),
        (answered("m-1-9@x", email="m-1-9@x"), "untrue"),  # a success of a write that did not arrive
        (answered("m-1-2@x", email=None, status=504, outcome="unknown"), "no answer"),
        (answered("m-1-9@x", email=None, status=502), "no answer"),
        (answered("m-1-2@x", email=None, status=502), "untrue"),  # denies a write that arrived
    ],
)
def test_a_surplus_call_is_judged_by_what_it_shows_and_what_arrived(row: dict[str, Any], verdict: str) -> None:
    counts = count([row], {"m-1-1@x", "m-1-2@x", "m-2-2@x", "m-12-2@x"})
    assert counts.pop("calls") == 1
    assert {name for name, times in counts.items() if times} == {verdict}


def test_import_times_are_summed_by_package_without_the_hosts_side() -> None:
    told = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:      1500 |       1500 |     msal.oauth2cli\n"
        "import time:       500 |       2000 |   msal\n"
        "import time:       700 |        700 | azure.functions.http\n"
        "import time:       900 |        900 | google.protobuf\n"
    )
    assert by_package(told) == {"msal": 2.0, "azure.functions": 0.7}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (("/any/where/site-packages/msal/application.py", 12, "f"), "msal/application.py:12 f"),
        (("/home/me/update_profile/entra/ask.py", 3, "g"), "update_profile/entra/ask.py:3 g"),
        (("/srv/clone/sandbox/worker.py", 4, "h"), "sandbox/worker.py:4 h"),
        (("~", 0, "<built-in method builtins.len>"), "builtins.len"),
        (("~", 0, "<function socket.close at 0x7f9fd72654e0>"), "function socket.close"),
    ],
)
def test_a_profile_names_no_place_of_the_machine(row: tuple[str, int, str], text: str) -> None:
    assert readable(*row) == text
