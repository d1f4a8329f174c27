"""results.json -> RESULTS.md: every row of a run, as text."""

from collections.abc import Iterable, Mapping
from typing import Any

from .goals import GOALS, Goal
from .tables import PARTS, section, table

Results = Mapping[str, Any]

HOW_TO_READ = """\
A figure is the median of the rounds, with the least and the most in brackets. A ratio is taken round by round: within
a round the programs run one after the other on one machine, so what else the machine does meets all of them. Times
depend on the machine; read the ratios. CPU is that of the measured process alone, with the caller's side in it: the
far sides run in a process of their own. [peers](peers/__init__.py) says what each program is. The Node.js peer has no
Functions runtime around it, which favours it by the row *runtime alone*."""


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
        f"{about['date']}, {about['system']}, {about['cores']} cores, load {about['load_before']:.1f} at the start and"
        f" {about['load_after']:.1f} at the end; {about['minutes']:.0f} minutes. Commit {about['commit']}{before}."
    )
    for part, run in about["measured"].items():
        if any(run[name] != about[name] for name in run):
            kind = "Another, quick run" if run["quick"] else "Another run"
            yield f"{kind} measured *{part.replace('_', ' ')}*: {run['date']}, commit {run['commit']}."
    if about["quick"]:
        yield "A quick run: few rounds, so the ratios are rough."
    yield ""
    yield ", ".join(f"{name} {version}" for name, version in about["versions"].items()) + "."
    yield ""
    yield HOW_TO_READ


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
