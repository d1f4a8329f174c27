"""Measure everything in one run and write benchmarks/RESULTS.md, results.json and results.svg: `make bench`.

    python -m benchmarks.run [--quick] [--root PATH] [--only PART ...] [--calls N] [--users N] [--minutes N]
                             [--output FOLDER]

--quick          few rounds and short growth: at most 12 minutes instead of most of an hour
--root PATH      another checkout of the function, measured beside this one as *before*
--only PART      measure these parts alone and keep the rest of results.json
--calls N        calls of the growth on one worker; 1000000 for the whole experiment
--users N        distinct users of the growth, at most 100000
--minutes N      begin no part after so many minutes

The page, the numbers and the picture are written after each part. A part that this run does not reach, or that fails,
keeps what an earlier run wrote in the same folder, and the page's table of parts says which run that was.
"""

import argparse
import asyncio
import contextlib
import datetime
import functools
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.package import PYTHON_VERSION

from . import cold, exchange_cache, growth, measures, surplus
from .channel import ROOT
from .goals import GOALS, reasons
from .lab import Lab
from .picture import svg
from .report import markdown

HERE = Path(__file__).parent
PACKAGES = ("azure-functions", "azure-functions-runtime", "httpx", "h11", "msal", "pydantic", "cryptography")
PEER_PACKAGES = ("aiohttp", "fastapi", "fastapi-azure-auth", "azure-identity")
# In the order of measurement: what takes longest comes last.
PARTS = (
    "warm",
    "first_time_users",
    "far_neighbours",
    "cold",
    "memory",
    "stalls",
    "beside_cached",
    "surplus",
    "profiles",
    "growth",
)
# Of results.json. Numbers of another form mean something else, and are dropped.
FORM = 3


def main() -> int:
    """Run from the command line. Returns the exit status."""
    options = _options()
    if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON_VERSION:
        say(f"Needs Python {PYTHON_VERSION}, which production runs: make bench PYTHON=python{PYTHON_VERSION}")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the measured processes end too
    results = _kept(options)
    try:
        failed = _measure_all(options, results)
    except KeyboardInterrupt:
        say(f"Stopped. {options.output} has what was measured until then.")
        return 130
    _say_goals(results)
    say(f"Written: {options.output / 'RESULTS.md'}")
    if failed:
        say(f"Without figures of this run: {', '.join(failed)}")
    return 1 if failed else 0


def _measure_all(options: argparse.Namespace, results: dict[str, Any]) -> list[str]:
    """Measure the wanted parts into `results`, and write them. Returns those that failed or were not begun."""
    started_at, load = time.monotonic(), os.getloadavg()[0]
    run_id, failed = uuid.uuid4().hex[:8], list[str]()
    with Lab(options.root) as lab:
        if lab.node is None:
            say("Node.js 20 or later with the peer's packages is not here: the Node.js peer is left out.")
        for name, measure in _parts(lab, options).items():
            if name not in options.only:
                continue
            if options.minutes and time.monotonic() - started_at > options.minutes * 60:
                say(f"{name}: not begun, {options.minutes:g} minutes are over")
                failed.append(name)
                continue
            if run := _measure(name, measure, results, _run(options, run_id)):
                measured = {**results.get("about", {}).get("measured", {}), name: run}
                about = {"measured": measured, "minutes": (time.monotonic() - started_at) / 60, "load_before": load}
                results["about"] = {**_about(options, lab.node, run_id), **about}
                write(results, options.output)  # after each part: what stops later parts loses none of the earlier
            else:
                failed.append(name)
    return failed


def _measure(
    name: str, measure: Callable[[], Any], results: dict[str, Any], run: dict[str, Any]
) -> dict[str, Any] | None:
    """Measure one part into `results`. Returns the part's run, or None if it failed: the others go on."""
    begun = time.monotonic()
    try:
        results[name] = measure()
    except Exception as error:
        if _interrupted(error):
            raise KeyboardInterrupt from error
        say(f"{name}: failed\n{traceback.format_exc()}")
        return None
    say(f"{name}: {time.monotonic() - begun:.0f} s")
    return {**run, "seconds": time.monotonic() - begun}


def _interrupted(error: BaseException | None) -> bool:
    """Whether it followed from Ctrl+C: that ends the children too, and then to end them in order fails."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def write(results: dict[str, Any], folder: Path) -> None:
    """Write the numbers, the page and the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {**pages(results), "results.json": json.dumps(_rounded(results), indent=1) + "\n"}
    for name, text in files.items():
        new = folder / f"{name}.new"
        new.write_text(text, encoding="utf-8")
        new.replace(folder / name)  # whole or not at all


def pages(results: dict[str, Any]) -> dict[str, str]:
    """Return the page and the picture that these numbers give, by file name."""
    rounded = _rounded(results)
    return {"RESULTS.md": markdown(rounded, reasons()), "results.svg": svg(rounded)}


def _say_goals(results: dict[str, Any]) -> None:
    for goal in GOALS:
        with contextlib.suppress(KeyError):  # of a part that was left out
            say(f"{'reached' if goal.reached(results) else 'missed '}  {goal.what}: {goal.value(results, 'ours')}")


def say(text: str) -> None:
    """Print one line at once."""
    print(text, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds and short growth")
    parser.add_argument("--root", type=Path, help="another checkout of the function, measured as `before`")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--calls", type=int, help="calls of the growth (default 100000, quick 2000)")
    parser.add_argument("--users", type=int, help="distinct users of the growth (default 10000, quick 100)")
    parser.add_argument("--rounds", type=int, help="rounds (default 5, quick 2)")
    parser.add_argument("--minutes", type=float, help="begin no part after so many minutes (default none, quick 10)")
    parser.add_argument("--output", type=Path, help="where to write (default benchmarks/, quick dist/bench/)")
    options = parser.parse_args()
    usual = (
        {"calls": 2_000, "users": 100, "rounds": 2, "minutes": 10.0}
        if options.quick
        else {"calls": 100_000, "users": 10_000, "rounds": 5, "minutes": None}
    )
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.output = options.output or (ROOT / "dist" / "bench" if options.quick else HERE)
    if options.root and not (options.root / "function_app.py").exists():
        parser.error(f"{options.root} has no function_app.py")
    options.root = options.root and options.root.resolve()
    return options


def _parts(lab: Lab, options: argparse.Namespace) -> dict[str, Callable[[], Any]]:
    """Return each part's measurement. Cold starts need the interpreter that production runs."""
    rounds, quick = options.rounds, options.quick
    cold_starts = functools.cache(lambda: cold.ColdStarts(lab))
    parts: dict[str, Callable[[], Any]] = {
        "warm": lambda: measures.warm(lab, rounds=rounds, calls=40 if quick else 150),
        "first_time_users": lambda: measures.first_time_users(lab, rounds=rounds, calls=16 if quick else 60),
        "far_neighbours": lambda: measures.far_neighbours(lab, rounds=rounds),
        "cold": lambda: cold_starts().measure(rounds=rounds),
        "memory": lambda: measures.memory(lab, users=200 if quick else 2_000),
        "stalls": lambda: measures.stalls(lab, rounds=1 if quick else rounds),
        "beside_cached": lambda: measures.beside_cached(lab, rounds=rounds),
        "surplus": lambda: surplus.surplus(lab, calls=320 if quick else 2_400),
        "profiles": lambda: {
            "warm": measures.warm_profiles(lab, calls=100 if quick else 1_000),
            "cold": cold_starts().import_profiles(),
        },
        "growth": lambda: {
            "caches": asyncio.run(exchange_cache.growth(steps=growth.STEPS[: 4 if quick else None])),
            "users": growth.users(lab, most=options.users),
            "calls": growth.calls(lab, total=options.calls),
        },
    }
    return parts


def _kept(options: argparse.Namespace) -> dict[str, Any]:
    """Return what earlier runs wrote: each part stays until this run has measured it."""
    file = options.output / "results.json"
    with contextlib.suppress(OSError, ValueError):
        kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
        if kept.get("about", {}).get("form") == FORM:
            return kept
    return {}


def _run(options: argparse.Namespace, run_id: str) -> dict[str, Any]:
    """Return what tells one run from another, and when this part begins."""
    began = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
    before = _commit(options.root) if options.root else None
    return {"run": run_id, "began": began, "commit": _commit(ROOT), "before": before, "quick": options.quick}


def _about(options: argparse.Namespace, node: str | None, run_id: str) -> dict[str, Any]:
    versions = {"Python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in (*PACKAGES, *PEER_PACKAGES)}
    if node:
        packages = json.loads((HERE / "peers" / "node" / "package.json").read_text("utf-8"))["dependencies"]
        versions |= {"Node.js": node.removeprefix("v"), **packages}
    return {
        **_run(options, run_id),
        "form": FORM,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_after": os.getloadavg()[0],
        "versions": versions,
    }


def _commit(root: Path) -> str:
    """Return the checkout's commit, shortened, or `unknown` outside a repository."""
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _rounded(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the numbers with four significant digits: more say nothing, and the file stays small."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
