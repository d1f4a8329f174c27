"""Cold starts: whole processes, from their start to the first answer, on the packaged tree with its byte code."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.package import SITE_PACKAGES
from scripts.package_proof import _copy_hosts_side as copy_hosts_side

from .channel import ROOT, environment
from .lab import BEFORE, BODY, FASTAPI, HTTPX, NODE, NODE_PEER, NULL, OURS, SAMPLE, Contestant, Lab, turned

RUN = Path(__file__).with_name("cold_run.py")
# cold_run.py's APP: the same runtime, then the import of the four packages, and the same end.
THE_FOUR = Path("-")
PYTHON_ALONE = "import os; os._exit(0)"
# The same import without a runtime: a process of its own, which leaves at once.
FOUR_ALONE = """
import os, sys
sys.path[:] = [sys.argv[1], *(path for path in sys.path if "site-packages" not in path)]
import azure.functions, httpx, msal, pydantic
os._exit(0)
"""
IMPORT_ROUNDS = 5
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
# What the host's side and the harness import is not the app's.
_HOSTS_SIDE = ("google", "sandbox", "sandbox_function_rpc", "azure_functions_runtime")

Row = dict[str, Any]


class ColdStarts:
    """The trees that are started, ready on disk."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._hosts_side = lab.folder / "hosts-side"
        copy_hosts_side(self._hosts_side)
        _compile(self._hosts_side)  # as the worker's image has it; the copies are newer than the code that came along
        self._packages = self._build(OURS, ROOT)
        self.contestants = lab.contestants(NULL, HTTPX, SAMPLE, OURS, BEFORE, FASTAPI, NODE)
        if BEFORE in self.contestants:
            self._build(BEFORE, lab.app(BEFORE))
        for one in (NULL, HTTPX, SAMPLE, FASTAPI):
            _compile(lab.app(one))
        self._plain = lab.folder / "plain"
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(self._packages, self._plain / "packages", ignore=skip)
        shutil.copytree(lab.app(SAMPLE), self._plain / SAMPLE.key, ignore=skip)
        shutil.copytree(self._tree(OURS), self._plain / OURS.key, ignore=skip)

    def measure(self, *, rounds: int) -> dict[str, list[Row]]:
        """Start each of them once in every round."""
        found: dict[str, list[Row]] = defaultdict(list)
        for number in range(rounds):
            found["interpreter"].append(self._timed(["-c", PYTHON_ALONE]))
            found["four_alone"].append(self._timed(["-c", FOUR_ALONE, str(self._packages)]))
            found["four"].append(self._run(OURS, THE_FOUR, self._packages))
            for one in turned(self.contestants, number):
                found[one.key].append(self._node() if one == NODE else self._start(one))
            for one in (SAMPLE, OURS):
                app, packages = self._plain / one.key, self._plain / "packages"
                if one == OURS:
                    packages = app / SITE_PACKAGES
                found[f"{one.key}_plain"].append(self._run(one, app, packages))
        return dict(found)

    def import_profiles(self) -> dict[str, list[Row]]:
        """The ten packages that take most of the import, for this checkout and the one before: own time."""
        return {one.key: self._imports(one) for one in self.contestants if one in (OURS, BEFORE)}

    def _imports(self, one: Contestant) -> list[Row]:
        least: dict[str, float] = {}
        for _ in range(IMPORT_ROUNDS):
            command = self._command(self._tree(one), self._packages_of(one))
            run = self._finished([sys.executable, "-I", "-B", "-X", "importtime", *command], self._environment(one))
            for package, milliseconds in by_package(run.stderr).items():
                least[package] = min(milliseconds, least.get(package, milliseconds))
        total = sum(least.values())
        largest = sorted(least.items(), key=lambda item: -item[1])[:10]
        return [{"name": name, "ms": value, "share": value / total} for name, value in largest]

    def _start(self, one: Contestant) -> Row:
        return self._run(one, self._tree(one), self._packages_of(one))

    def _run(self, one: Contestant, app: Path, packages: Path) -> Row:
        return self._timed(self._command(app, packages), self._environment(one))

    def _node(self) -> Row:
        return self._timed_process(["node", str(NODE_PEER), "once"], self._environment(NODE))

    def _command(self, app: Path, packages: Path) -> list[str]:
        return [str(RUN), str(app), str(packages), str(self._hosts_side), str(ROOT / "sandbox")]

    def _environment(self, one: Contestant) -> dict[str, str]:
        (token,) = self._lab.tokens(one, 1)
        return {**self._lab.settings(), "BENCH_TOKEN": token, "BENCH_BODY": BODY}

    def _timed(self, arguments: Sequence[str], more: dict[str, str] | None = None) -> Row:
        return self._timed_process([sys.executable, "-I", "-B", *arguments], more or {})

    def _timed_process(self, command: Sequence[str], more: dict[str, str]) -> Row:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = self._finished(command, more)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        row: Row = {"cpu_ms": (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000}
        if run.stdout:
            told = phases(run.stdout)
            row |= {f"{name}_ms": value * 1000 for name, value in told.items()}
        return row

    def _finished(self, command: Sequence[str], more: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        run = subprocess.run(
            command, env=environment(more), capture_output=True, text=True, check=False, timeout=120, cwd=ROOT
        )
        if run.returncode:
            message = f"a cold start failed:\n{run.stderr[-4000:]}"
            raise RuntimeError(message)
        return run

    def _tree(self, one: Contestant) -> Path:
        return self._lab.folder / f"{one.key}-packaged" if one in (OURS, BEFORE) else self._lab.app(one)

    def _packages_of(self, one: Contestant) -> Path:
        if one in (OURS, BEFORE):
            return self._tree(one) / SITE_PACKAGES
        return Path(sysconfig.get_path("purelib")) if one == FASTAPI else self._packages

    def _build(self, one: Contestant, root: Path) -> Path:
        """Build the deployable tree with that checkout's own script. Return its folder of packages."""
        code = "import sys; from pathlib import Path; from scripts.package import build; build(Path(sys.argv[1]))"
        build = [sys.executable, "-c", code, str(self._tree(one))]
        run = subprocess.run(build, cwd=root, check=False, env=os.environ, capture_output=True, text=True)
        if run.returncode:
            message = f"the package could not be built:\n{run.stderr[-4000:]}"
            raise RuntimeError(message)
        return self._tree(one) / SITE_PACKAGES


def phases(output: str) -> dict[str, float]:
    """Return the CPU seconds of each phase from what cold_run.py or the Node.js peer printed. Raises RuntimeError."""
    told: dict[str, float] = json.loads(output.splitlines()[-1])
    if told.pop("status") != 200:
        message = f"the first call of a cold start failed: {output}"
        raise RuntimeError(message)
    return told


def by_package(importtime: str) -> dict[str, float]:
    """Sum what `-X importtime` printed: package -> its modules' own milliseconds, without the host's side."""
    sums: dict[str, float] = defaultdict(float)
    for microseconds, module in _IMPORT.findall(importtime):
        first, _, rest = module.partition(".")
        package = f"azure.{rest.partition('.')[0]}" if first == "azure" and rest else first
        if first not in _HOSTS_SIDE:
            sums[package] += int(microseconds) / 1000
    return dict(sums)


def _compile(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
