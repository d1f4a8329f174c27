"""The template as text: enough of Bicep to compare it with the code, and the compiler where there is one."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

INFRA = Path(__file__).parents[1] / "infra"
MAIN = INFRA / "main.bicep"
FILES = sorted(INFRA.rglob("*.bicep"))
VARIANTS = {path.stem: path for path in sorted((INFRA / "variants").glob("*.bicepparam"))}
# What snapshots are made for, so that they are the same on every machine.
CONTEXT = {
    "tenant-id": "00000000-0000-0000-0000-000000000001",
    "subscription-id": "00000000-0000-0000-0000-000000000002",
    "resource-group": "rg-snapshot",
    "location": "westeurope",
    "deployment-name": "main",  # names of deployments are made from it
}


def text(path: Path) -> str:
    """A file without its comments."""
    return re.sub(r"^\s*//.*$|(?<=\s)// .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def block(source: str, start: str) -> str:
    """From the first brace behind ``start`` to the one that closes it."""
    begin = source.index("{", source.index(start))
    depth = 0
    for place in range(begin, len(source)):
        depth += {"{": 1, "}": -1}.get(source[place], 0)
        if not depth:
            return source[begin : place + 1]
    raise AssertionError(start)


def names(source: str) -> set[str]:
    """The names of settings that a piece of Bicep sets."""
    return set(re.findall(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\??:", source))


def compiler() -> list[str] | None:
    """The command of a Bicep compiler: what BICEP says, else the one on the PATH; None where there is none.

    A command named bicep-offline is one that restores nothing and prints a snapshot itself.
    """
    named = os.environ.get("BICEP")
    if named:
        return shlex.split(named)
    found = shutil.which("bicep")
    return [found] if found else None


def snapshot(command: list[str], parameters: Path) -> str:
    """What a parameter file would deploy, as the compiler tells it, in a form that can be compared as text."""
    if Path(command[-1]).name.startswith("bicep-offline"):
        printed = subprocess.run(  # noqa: S603  the developer's own compiler
            [*command, str(INFRA), "--snapshot", str(parameters)],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        return normalised(printed.stdout)
    with tempfile.TemporaryDirectory() as directory:  # the compiler writes beside the parameters
        copy = Path(directory) / "infra"
        shutil.copytree(INFRA, copy)
        file = copy / parameters.relative_to(INFRA)
        options = [part for name, value in CONTEXT.items() for part in (f"--{name}", value)]
        subprocess.run(  # noqa: S603  as above
            [*command, "snapshot", str(file), "--mode", "overwrite", *options], check=True, timeout=300
        )
        return normalised(file.with_suffix(".snapshot.json").read_text(encoding="utf-8"))


def normalised(document: str) -> str:
    """JSON with sorted names."""
    return json.dumps(json.loads(document), indent=2, sort_keys=True) + "\n"
