"""The far side's process: `python -m benchmarks.far_side`. Reads commands as lines of JSON, answers each with a line.

settings, tokens, cost, slow and surplus name a world: `near`, `far` (100 ms away) or `many` (a tenant for each user).
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi

from sandbox.certificates import Certificates
from sandbox.script import Answer

from .worlds import World

ROUND_TRIP_SECONDS = 0.1
TENANTS = 8


def _settings(world: World, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return world.settings()


def _tokens(world: World, *, count: int, kind: str, tenants: int = 1, **_: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "tokens": world.tokens(count, "partner_center" if kind == "partner_center" else "function", tenants=tenants)
    }


def _cost(world: World, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"cpu_seconds": time.process_time(), "connections": world.connections}


def _slow(world: World, *, seconds: float, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    world.entra.clear_script()
    if seconds:
        world.entra.script(Answer.true(delay_seconds=seconds), times=None, path="token")
    return {}


def _surplus(world: World, *, moment: Any, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    told = world.surplus.told()
    world.surplus.moment = moment
    return told


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "settings": _settings,
    "tokens": _tokens,
    "cost": _cost,
    "slow": _slow,
    "surplus": _surplus,
}


async def _serve(certificates: Certificates, ca_file: Path) -> None:
    context = certificates.server_context
    worlds = {
        "near": World(context),
        "far": World(context, round_trip_seconds=ROUND_TRIP_SECONDS),
        "many": World(context, tenants=TENANTS),
    }
    for world in worlds.values():
        await world.start()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"ready": True, "ca_file": str(ca_file)}), flush=True)
    async for line in reader:
        command = json.loads(line)
        answer = COMMANDS[command.pop("command")](worlds[command.pop("world")], **command)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="far-side-") as directory:
        created = Certificates.create()
        bundle = Path(directory, "ca.pem")
        # The authorities of production and one more, so that to read the bundle costs what it costs in production.
        bundle.write_bytes(Path(certifi.where()).read_bytes() + created.ca_pem)
        asyncio.run(_serve(created, bundle))
