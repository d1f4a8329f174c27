"""A network for the HTTP client with its own host names: each leads to a stand-in or to a fault."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpcore


class NamedNetwork(httpcore.AnyIOBackend):
    """Connects to ports of this machine and records the requested addresses.

    Attributes:
        ports: Host -> port. A host without an entry uses the default port; if there is none, connecting fails.
        asked: Each requested ``host:port``, in order.
        troubles: Host -> what happens at the next connections to it, in order: an exception, or a port to use in its
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
        """Connect to a port of this machine, never to another host."""
        self.asked.append(f"{host}:{port}")
        behind = self.ports.get(host, self.default)
        if behind is None:
            raise httpcore.ConnectError("no such name")
        troubles = self.troubles.get(host)
        trouble = troubles.pop(0) if troubles else behind
        if isinstance(trouble, Exception):
            raise trouble
        return await super().connect_tcp("127.0.0.1", trouble, timeout, local_address, socket_options)
