"""Read the Bicep template as text to compare it with the code, and run the Bicep compiler if one is installed."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

INFRA = Path(__file__).parents[1] / "infra"
SNAPSHOTS = INFRA / "snapshots"
VERSION = "0.49.2"  # another compiler on the PATH, such as a build machine's own, may write other snapshots
MAIN = INFRA / "main.bicep"
FILES = sorted(INFRA.rglob("*.bicep"))
VARIANTS = {path.stem: path for path in sorted((INFRA / "variants").glob("*.bicepparam"))}
# The context of every snapshot. It is fixed so that snapshots are the same on every machine.
CONTEXT = {
    "tenant-id": "00000000-0000-0000-0000-000000000001",
    "subscription-id": "00000000-0000-0000-0000-000000000002",
    "resource-group": "rg-snapshot",
    "location": "westeurope",
    "deployment-name": "main",  # deployment names are derived from it
}


def text(path: Path) -> str:
    """Return a file's text without its comments."""
    return re.sub(r"^\s*//.*$|(?<=\s)// .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def block(source: str, start: str) -> str:
    """Return the text from the first brace after ``start`` to its closing brace."""
    begin = source.index("{", source.index(start))
    depth = 0
    for place in range(begin, len(source)):
        depth += {"{": 1, "}": -1}.get(source[place], 0)
        if not depth:
            return source[begin : place + 1]
    raise AssertionError(start)


def names(source: str) -> set[str]:
    """Return the names of the settings that a piece of Bicep assigns."""
    return set(re.findall(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\??:", source))


def compiler() -> list[str] | None:
    """Return the command of a Bicep compiler: from BICEP, else from the PATH; None if there is none of that version.

    A command named bicep-offline restores no modules and prints the snapshot to standard output.
    """
    named = os.environ.get("BICEP")
    if named:
        return shlex.split(named)
    found = shutil.which("bicep")
    return [found] if found and f" {VERSION} " in _output_of([found, "--version"]) else None


def snapshot(command: list[str], parameters: Path, infra: Path = INFRA) -> str:
    """Return what the compiler says a parameter file would deploy, in a form that can be compared as text.

    Raises:
        subprocess.CalledProcessError: The compiler failed; ``stderr`` says why.
    """
    if Path(command[-1]).name.startswith("bicep-offline"):
        return normalised(_output_of([*command, str(infra), "--snapshot", str(parameters)]))
    with tempfile.TemporaryDirectory() as directory:  # the compiler writes next to the parameter file
        copy = Path(directory) / "infra"
        shutil.copytree(infra, copy)
        file = copy / parameters.relative_to(infra)
        options = [part for name, value in CONTEXT.items() for part in (f"--{name}", value)]
        _output_of([*command, "snapshot", str(file), "--mode", "overwrite", *options])
        return normalised(file.with_suffix(".snapshot.json").read_text(encoding="utf-8"))


def _output_of(command: list[str]) -> str:
    return subprocess.run(  # noqa: S603  the developer's own compiler
        command, capture_output=True, text=True, check=True, timeout=300
    ).stdout


def normalised(document: str) -> str:
    """Sort JSON names, and resources by type and id, so that moving them between modules makes no difference."""
    content = json.loads(document)
    content["predictedResources"].sort(
        key=lambda one: (one["type"], one.get("id", ""), json.dumps(one, sort_keys=True))
    )
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def deployed(variant: str) -> list[dict[str, Any]]:
    """Return the resources of a committed snapshot."""
    content = json.loads((SNAPSHOTS / f"{variant}.json").read_text(encoding="utf-8"))
    resources: list[dict[str, Any]] = content["predictedResources"]
    return resources


def of_kind(resources: list[dict[str, Any]], kind: str, *, named: str = "") -> list[dict[str, Any]]:
    """Return the resources of one type, optionally only those whose name ends with ``named``."""
    return [one for one in resources if one["type"] == kind and str(one.get("name", "")).endswith(named)]


def app_settings(variant: str) -> dict[str, str]:
    """Return the app settings of the snapshot, in which Azure computes the values in brackets."""
    (settings,) = of_kind(deployed(variant), "Microsoft.Web/sites/config", named="/appsettings")
    properties: dict[str, str] = settings["properties"]
    return properties


def properties(variant: str, kind: str) -> dict[str, Any]:
    """Return the properties of the only resource of a type."""
    (resource,) = of_kind(deployed(variant), kind)
    found: dict[str, Any] = resource["properties"]
    return found


def registration(variant: str, *, of_page: bool = False) -> dict[str, Any] | None:
    """Return the properties of an app registration: the function's, or the approval page's. None: it makes none."""
    for one in of_kind(deployed(variant), "Microsoft.Graph/applications@v1.0"):
        found: dict[str, Any] = one["properties"]
        if found["uniqueName"].endswith("-approval") == of_page:
            return found
    return None


def alert_queries(**variables: str) -> dict[str, str]:
    """Return the query of each alert by its name. ``variables`` replace those of alerts.bicep."""
    source = text(INFRA / "modules" / "alerts.bicep")
    known = dict(re.findall(r"^var (\w+) = '(.*)'$", source, re.MULTILINE)) | variables
    found = dict(re.findall(r"name: '(\w+)'.*?query: '(.*?)'\n", source, re.DOTALL))
    for _ in known:
        found = {name: re.sub(r"\$\{(\w+)\}", lambda m: known[m[1]], query) for name, query in found.items()}
    return found
