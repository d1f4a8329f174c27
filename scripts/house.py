"""Draw the package from its imports: `make house` prints its rooms (subpackages) as a Mermaid chart, and figures.

Modules, import arrows and floors (import levels) are read from the source. The frames from the trigger to the socket
are counted in one real PUT against the stand-ins.
"""

import ast
import asyncio
import json
import os
import statistics
import sys
import traceback
from asyncio import sslproto
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "update_profile"


def _name(path: Path, package: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def arrows(package: Path = PACKAGE) -> Mapping[str, frozenset[str]]:
    """Return the modules of the package that each module imports, by dotted name; "" is the package itself."""
    paths = {_name(path, package): path for path in sorted(package.rglob("*.py"))}
    found = {name: frozenset(_imported(path, name, set(paths))) for name, path in paths.items()}
    return {**found, "function_app": frozenset({"http_trigger"})} if package == PACKAGE else found


def _imported(path: Path, name: str, modules: set[str]) -> set[str]:
    room = name if path.stem == "__init__" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = room.split(".") if room else []
            base = base[: len(base) - (node.level - 1)]
            start = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                longer = f"{start}.{alias.name}".removeprefix(".")
                found.add(longer if longer in modules else start)
    return found - {name}


def floors(graph: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Return each module's floor: one above the highest that it imports.

    Raises:
        RecursionError: The imports are circular.
    """
    known: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in known:
            known[name] = max((floor(below) + 1 for below in graph.get(name, ())), default=0)
        return known[name]

    for name in graph:
        floor(name)
    return known


def _room(name: str) -> str:
    return name.rpartition(".")[0] or name


def chart(graph: Mapping[str, frozenset[str]]) -> str:
    """Return the rooms and top-level modules as a Mermaid flowchart. Each arrow shows its number of imports."""
    rooms = Counter(
        (_room(name), _room(below))
        for name, imported in graph.items()
        for below in imported
        if name and below and _room(name) != _room(below)
    )
    lines = [f"    {source} -- {count} --> {target}" for (source, target), count in sorted(rooms.items())]
    return "\n".join(["flowchart TD", *lines])


async def frames() -> list[str]:
    """Return the package's functions on the stack when a PUT is written to its connection, outermost first."""
    from sandbox import Sandbox
    from update_profile import handler
    from update_profile.request import IncomingRequest
    from update_profile.service import build

    seen: list[list[str]] = []

    stream = sslproto._SSLProtocolTransport  # where asyncio takes bytes for TLS
    write = stream.write

    def watch(self: sslproto._SSLProtocolTransport, data: bytes) -> None:
        if data.startswith(b"PUT "):
            stack = traceback.extract_stack()
            seen.append([frame.name for frame in stack if Path(frame.filename).is_relative_to(PACKAGE)])
        write(self, data)

    with Sandbox() as sandbox:
        service = build({**os.environ, **sandbox.settings()})
        profile = {"Email": "email@sample.com", "Telephone": "4255555555", "Website": "www.microsoft.com"}
        incoming = IncomingRequest(
            method="PUT",
            url="/api/update_profile",
            headers={"authorization": f"Bearer {sandbox.entra.sign_in('alice')}"},
            body=json.dumps(profile).encode(),
        )
        with mock.patch.object(stream, "write", watch):
            reply = await handler.update_profile(incoming, service=lambda: service)
        if reply.status != 200:
            raise RuntimeError(reply.body)
    return ["update_profile", *seen[-1]]  # http_trigger.update_profile is one more


def main() -> int:
    """Print the chart and the figures."""
    graph = arrows()
    level = floors(graph)
    lines = [path.read_text(encoding="utf-8").count("\n") for path in PACKAGE.rglob("*.py")]
    path = asyncio.run(frames())
    sys.stdout.write(f"{chart(graph)}\n\n")
    sys.stdout.write(
        f"{len(lines)} modules, {sum(map(len, graph.values()))} import arrows, {max(level.values()) + 1} floors,"
        f" {sum(lines):,} lines, median {statistics.median(lines):.0f} per module\n"
        f"{len(path)} frames from the trigger to the socket: {' > '.join(path)}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
