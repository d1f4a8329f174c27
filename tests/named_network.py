"""The network below the HTTP client, with names of our own: which stand-in, or which trouble, is behind a host."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpcore


class NamedNetwork(httpcore.AnyIOBackend):
    """Connects to ports of this machine, and remembers what was asked for.

    Attributes:
        ports: Host -> port. A host that is in no row has the default port; without one it cannot be connected to.
        asked: Each ``host:port`` that was asked for, in order.
        troubles: Host -> what happens at the next connections to it, in order: raised, or a port in the right one's
            place.
    """

    def __init__(self, ports: Mapping[str, int] | None = None, *, default: int | None = None) -> None:
        self.ports = dict(ports or {})
        self.default = default
        self.asked: list[str] = []
        self.troubles: dict[str, list[Exception | int]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never anywhere but to this machine."""
        self.asked.append(f"{host}:{port}")
        behind = self.ports.get(host, self.default)
        if behind is None:
            raise httpcore.ConnectError("no such name")
        troubles = self.troubles.get(host)
        trouble = troubles.pop(0) if troubles else behind
        if isinstance(trouble, Exception):
            raise trouble
        return await super().connect_tcp("127.0.0.1", trouble, timeout, local_address, socket_options)
