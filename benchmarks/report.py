"""results.json -> RESULTS.md: every row of a run, as text."""

from collections.abc import Iterable, Mapping
from typing import Any

from .goals import GOALS, Goal
from .tables import PARTS, section, table

Results = Mapping[str, Any]

HOW_TO_READ = """\
A figure is the median of the rounds, with the least and the most in brackets where they differ. Some have no brackets:
*ms*, *far side's CPU* and *new connections* are the median alone, a *longest* call and the stalls of the goals are the
most of all rounds, and memory, growth, surplus answers and profiles are of one process each, without rounds.

A ratio is taken round by round: within a round the programs run one after the other on one machine, so what else the
machine does meets all of them. Each round begins with another program. Times depend on the machine; read the ratios.
CPU is that of the measured process alone, with the caller's side in it: the far sides run in a process of their own.
[peers](peers/__init__.py) says what each program is. The Node.js peer has no Functions runtime around it, which favours
it by the row *runtime alone*."""


def markdown(results: Results, reasons: Mapping[str, str]) -> str:
    """Return the whole page. A part that the run left out is missing."""
    lines = [*_head(results), *_goals(results, reasons)]
    for name, part in PARTS.items():
        if results.get(name):
            lines += part(results[name])
    return "\n".join(lines) + "\n"


def _head(results: Results) -> Iterable[str]:
    about = results["about"]
    before = f"; *before* is {about['before']}" if about["before"] else ""
    yield "# Results of `make bench`"
    yield ""
    yield "`python -m benchmarks.run` writes this page from [results.json](results.json), which has every round."
    yield ""
    yield (
        f"Run {about['run']}, {about['system']}, {about['cores']} cores, load {about['load_before']:.1f} at the start"
        f" and {about['load_after']:.1f} at the end; {about['minutes']:.0f} minutes. Commit {about['commit']}{before}."
    )
    if about["quick"]:
        yield "A quick run: few rounds, so the ratios are rough."
    yield ""
    yield from _measured(about)
    yield ""
    yield ", ".join(f"{name} {version}" for name, version in about["versions"].items()) + "."
    yield ""
    yield HOW_TO_READ


def _measured(about: Results) -> Iterable[str]:
    """Say which run measured each part, and when."""
    runs = {run["run"] for run in about["measured"].values()}
    if len(runs) > 1:
        yield f"The parts are of {len(runs)} runs. Compare figures within a run only."
        yield ""
    missing = [part.replace("_", " ") for part in PARTS if part not in about["measured"]]
    if missing:
        yield f"Not measured: {', '.join(missing)}."
        yield ""
    head = ("part", "run", "began, UTC", "seconds", "commit", "before", "kind")
    yield from table(head, (_part(part, run) for part, run in about["measured"].items()))


def _part(part: str, run: Results) -> tuple[str, ...]:
    seconds = f"{run['seconds']:.0f}" if "seconds" in run else "-"
    kind = "quick" if run["quick"] else "full"
    return (part.replace("_", " "), run["run"], run["began"], seconds, run["commit"], run["before"] or "-", kind)


def _goals(results: Results, reasons: Mapping[str, str]) -> Iterable[str]:
    rows = [_goal(results, goal, reasons) for goal in GOALS if _value(results, goal, "ours") != "-"]
    if rows:
        yield from section("Goals")
        yield from table(("what", "goal", "before", "now", "reached", "why not"), rows)


def _goal(results: Results, goal: Goal, reasons: Mapping[str, str]) -> tuple[str, ...]:
    met = goal.reached(results)
    return (
        goal.what,
        f"{'at least' if goal.at_least else 'at most'} {goal.target:g}",
        _value(results, goal, "before"),
        _value(results, goal, "ours"),
        "yes" if met else "no",
        "" if met else reasons.get(goal.key, ""),
    )


def _value(results: Results, goal: Goal, who: str) -> str:
    """Return the value as text, or a dash where the run left it out."""
    try:
        return str(goal.value(results, who))
    except KeyError:
        return "-"
