"""RESULTS.md and the picture are made from the numbers, and the harness judges and sums as it says."""

import contextlib
import copy
import importlib.metadata
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import run
from benchmarks.channel import ChildFailed
from benchmarks.cold import by_package
from benchmarks.figures import Spread, number, ratio
from benchmarks.goals import GOALS, reasons
from benchmarks.lab import HTTPX, NULL, OURS, turned
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
            "run": "1a2b3c4d",
            "began": "2026-01-02 10:00:00",
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
        "Run 1a2b3c4d, Linux x86_64, 2 cores, load 0.5 at the start and 1.5 at the end; 3 minutes. Commit abc1234."
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
    other = {"run": "aaaa0000", "began": "2026-01-01 09:00:00", "commit": "abc1234", "before": "fed9876", "quick": True}
    own = {"run": "1a2b3c4d", "began": "2026-01-02 10:00:00", "commit": "abc1234", "before": None, "quick": False}
    mixed["about"]["measured"] = {"growth": other, "warm": own | {"seconds": 12.3}}
    page = pages(mixed)["RESULTS.md"]
    assert "The parts are of 2 runs." in page
    assert "| growth | aaaa0000 | 2026-01-01 09:00:00 | - | abc1234 | fed9876 | quick |" in page
    assert "| warm | 1a2b3c4d | 2026-01-02 10:00:00 | 12 | abc1234 | - | full |" in page
    assert re.search(r"Not measured: .*\bcold\b", page)


def test_the_page_of_one_run_does_not_speak_of_several() -> None:
    assert "The parts are of" not in pages(given())["RESULTS.md"]


def stalls(*worst: float) -> list[dict[str, float]]:
    names = ("worst_cpu_ms", "worst_ms", "p50_ms", "max_ms")
    return [{f"{at}{name}": value for at in ("", "at_once_") for name in names} for value in worst]


def test_the_worst_stall_of_all_rounds_is_judged_and_both_arrivals_are() -> None:
    """A median of 10, 20 and 30 would meet the goal of 25."""
    slow = given()
    slow["stalls"] = {"ours": stalls(10.0, 20.0, 30.0)}
    page = pages(slow)["RESULTS.md"]
    assert "within 1 s, ms by the clock | at most 25 | - | 30.0 | no |" in page
    assert "| the same, all 50 at once, ms by the clock | at most 25 | - | 30.0 | no |" in page
    slow["stalls"]["ours"][2] |= {"at_once_worst_ms": 24.0}
    assert "| the same, all 50 at once, ms by the clock | at most 25 | - | 24.0 | yes |" in pages(slow)["RESULTS.md"]


def test_a_cold_start_has_two_bases_a_process_that_imports_the_four_and_that_import_alone() -> None:
    cold = given()
    cold["cold"] = {
        "four_alone": [{"cpu_ms": 300.0}],
        "four": [{"cpu_ms": 500.0, "imports_ms": 200.0}],
        "ours": [{"cpu_ms": 600.0, "load_ms": 190.0, "first_call_ms": 20.0}],
    }
    page = pages(cold)["RESULTS.md"]
    assert "| **this function** | 600 | 1.20 | 190 | 20.0 | 0.70 | 1.05 |" in page
    assert "/ a process that imports the four packages | at most 1.1 | - | 0.70 | yes |" in page
    assert "| the same / that import alone, after the runtime | at most 1.1 | - | 1.05 | yes |" in page


def test_each_round_begins_with_another_program_and_all_have_their_turn() -> None:
    orders = [turned([NULL, HTTPX, OURS], number) for number in range(4)]
    assert [order[0] for order in orders] == [NULL, HTTPX, OURS, NULL]
    assert all({*order} == {NULL, HTTPX, OURS} for order in orders)


def run_parts(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str, **parts: Any) -> int:
    """Run with these measurements in place of the real ones."""

    class NoLab(contextlib.nullcontext[Any]):
        node = None

        def __enter__(self) -> Any:
            return self

    monkeypatch.setattr(run, "Lab", NoLab)
    monkeypatch.setattr(run, "_parts", lambda *_: parts)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "1")
    monkeypatch.setattr("benchmarks.run.PYTHON_VERSION", f"{sys.version_info.major}.{sys.version_info.minor}")
    monkeypatch.setattr(sys, "argv", ["run", "--quick", "--output", str(folder), *arguments])
    kept = signal.getsignal(signal.SIGTERM)
    try:
        return run.main()
    finally:
        signal.signal(signal.SIGTERM, kept)


def raising(error: BaseException) -> Any:
    def measure() -> Any:
        raise error

    return measure


def stopped() -> None:
    """Ctrl+C ends the measured processes too, so that to end them in order fails."""
    try:
        raise KeyboardInterrupt
    finally:
        raise ChildFailed


def test_a_run_that_is_stopped_keeps_its_parts_and_the_others_of_an_earlier_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = given()["warm"]
    assert run_parts(monkeypatch, tmp_path, warm=lambda: now, stalls=lambda: {"ours": stalls(1.0)}) == 0
    assert run_parts(monkeypatch, tmp_path, warm=lambda: now, stalls=stopped, growth=raising(AssertionError())) == 130
    measured = json.loads((tmp_path / "results.json").read_text("utf-8"))["about"]["measured"]
    assert measured["warm"]["run"] != measured["stalls"]["run"]
    page = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert "The parts are of 2 runs." in page
    assert "## Worst stall of the event loop, ms" in page


def test_a_part_that_fails_takes_no_other_with_it_and_the_run_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = raising(RuntimeError("3 calls of ours failed"))
    assert run_parts(monkeypatch, tmp_path, stalls=failing, warm=lambda: given()["warm"]) == 1
    told = capsys.readouterr().out
    assert "3 calls of ours failed" in told
    assert "Without figures of this run: stalls" in told
    page = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert "## A cached user's call" in page
    assert "Worst stall of" not in page


def test_no_part_begins_after_the_minutes_are_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    never = raising(AssertionError("began"))
    assert run_parts(monkeypatch, tmp_path, "--minutes", "1e-9", warm=never) == 1
    assert not list(tmp_path.iterdir())


def test_numbers_of_another_form_are_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"about": {"measured": {}}, "stalls": {"ours": [{"old": 1}]}}', "utf-8")
    assert run_parts(monkeypatch, tmp_path, warm=lambda: given()["warm"]) == 0
    assert "stalls" not in json.loads((tmp_path / "results.json").read_text("utf-8"))


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


def test_each_goal_that_the_committed_run_missed_has_a_reason_and_no_other_has() -> None:
    results = json.loads((FOLDER / "results.json").read_text("utf-8"))
    assert {goal.key for goal in GOALS if not goal.reached(results)} == {*reasons()}


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
