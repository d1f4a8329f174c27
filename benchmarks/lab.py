"""What is compared, and the processes that it runs in."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from .channel import ROOT, Channel

PEERS = ROOT / "benchmarks" / "peers"
NODE_PEER = PEERS / "node" / "peer.mjs"
OLDEST_NODE = 20
# Microsoft's example: learn.microsoft.com/partner-center/developer/update-support-profile#request-example
BODY = json.dumps({"Email": "email@sample.com", "Telephone": "4255555555", "Website": "www.microsoft.com"})

Where = Literal["near", "far", "many"]


@dataclass(frozen=True)
class Contestant:
    """One of the programs that are compared.

    Attributes:
        key: Its name in results.json.
        exchanges: Whether it takes a user's token and exchanges it. A relay gets a token for Partner Center.
        calls_share: How many of the calls of a round it makes: less than 1 for a slow one.
    """

    key: str
    exchanges: bool = True
    calls_share: float = 1.0


NULL = Contestant("null", exchanges=False)
HTTPX = Contestant("relay_httpx", exchanges=False)
AIOHTTP = Contestant("relay_aiohttp", exchanges=False)
PER_CALL = Contestant("relay_per_call", exchanges=False)
OURS = Contestant("ours")
BEFORE = Contestant("before")
SAMPLE = Contestant("common_sample", calls_share=0.1)
FASTAPI = Contestant("fastapi_peer")
NODE = Contestant("node_peer")


class Lab:
    """The far side's process, the apps in folders of their own, and the processes under measurement.

    A context manager: all processes end with the block, and the folder is removed.
    """

    def __init__(self, before: Path | None = None) -> None:
        """`before` is another checkout of the function, measured beside this one. None means this one alone."""
        self._before = before
        self._stack = ExitStack()
        self.node = node_version()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            self._far_side = stack.enter_context(Channel([sys.executable, "-m", "benchmarks.far_side"], {}))
            self.ca_file: str = self._far_side.ready()["ca_file"]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def contestants(self, *wanted: Contestant) -> list[Contestant]:
        """Return those of the wanted ones that can run here."""
        missing = {BEFORE: self._before is None, NODE: self.node is None}
        return [contestant for contestant in wanted if not missing.get(contestant)]

    @contextmanager
    def running(self, contestants: Sequence[Contestant], where: Where = "near") -> Iterator[dict[Contestant, Channel]]:
        """Run each in a process of its own until the block ends."""
        with ExitStack() as stack:
            channels = {contestant: stack.enter_context(self._start(contestant, where)) for contestant in contestants}
            for channel in channels.values():
                channel.ready()
            yield channels

    def app(self, contestant: Contestant) -> Path:
        """Return the folder of its app."""
        if contestant == OURS:
            return ROOT
        if contestant == BEFORE:
            assert self._before is not None
            return self._before
        folder = self.folder / contestant.key
        if not folder.exists():
            folder.mkdir()
            shutil.copyfile(PEERS / f"{contestant.key}.py", folder / "function_app.py")
            host: dict[str, Any] = {"version": "2.0"}
            if contestant == FASTAPI:
                host["extensions"] = {"http": {"routePrefix": ""}}
            (folder / "host.json").write_text(json.dumps(host), encoding="utf-8")
        return folder

    def settings(self, where: Where = "near") -> dict[str, str]:
        """Return the environment of a measured process: the function's settings, and the sandbox's authority."""
        trusted = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), self.ca_file)
        return {**self.far_side("settings", where), **trusted, "PYTHONDONTWRITEBYTECODE": "1"}

    def far_side(self, command: str, world: Where = "near", **options: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Send one command to the far side."""
        return self._far_side.ask(command, world=world, **options)

    def tokens(self, contestant: Contestant, count: int, where: Where = "near", *, tenants: int = 1) -> list[str]:
        """Return the tokens of so many new users, of the kind that this one takes."""
        kind = "function" if contestant.exchanges else "partner_center"
        tokens: list[str] = self.far_side("tokens", where, count=count, kind=kind, tenants=tenants)["tokens"]
        return tokens

    def _start(self, contestant: Contestant, where: Where) -> Channel:
        if contestant == NODE:
            return Channel(["node", "--expose-gc", str(NODE_PEER)], self.settings(where))
        return Channel([sys.executable, "-m", "benchmarks.subject", str(self.app(contestant))], self.settings(where))


def turned(contestants: Sequence[Contestant], round_number: int) -> list[Contestant]:
    """Return them in another order for each round: the one that began comes last, so that no place is always one's."""
    first = round_number % len(contestants)
    return [*contestants[first:], *contestants[:first]]


def node_version() -> str | None:
    """Return the version of Node.js, or None if the peer cannot run: too old, missing, or without its packages."""
    node = shutil.which("node")
    if node is None or not (NODE_PEER.parent / "node_modules").exists():
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return version if int(version.removeprefix("v").partition(".")[0] or 0) >= OLDEST_NODE else None
