"""A network for the HTTP client with its own host names: each leads to a stand-in or to a fault."""

import socket
from collections.abc import Mapping

from update_profile.transport.network import Network, connect_to
from update_profile.transport.resolver import Address


class NamedNetwork(Network):
    """Connects to ports of this machine and records the requested addresses.

    Attributes:
        ports: Host -> port. A host without an entry uses the default port; if there is none, connecting fails.
        asked: Each requested ``host:port``, in order.
        troubles: Host -> what happens at the next connections to it, in order: an exception, or a port to use in its
            place.
    """

    def __init__(self, ports: Mapping[str, int] | None = None, *, default: int | None = None) -> None:
        super().__init__()
        self.ports = dict(ports or {})
        self.default = default
        self.asked: list[str] = []
        self.troubles: dict[str, list[Exception | int]] = {}

    async def connect(self, host: str, port: int) -> socket.socket:
        """Connect to a port of this machine, never to another host."""
        self.asked.append(f"{host}:{port}")
        behind = self.ports.get(host, self.default)
        if behind is None:
            raise socket.gaierror("no such name")
        troubles = self.troubles.get(host)
        trouble = troubles.pop(0) if troubles else behind
        if isinstance(trouble, Exception):
            raise trouble
        return await connect_to(Address(socket.AF_INET, ("127.0.0.1", trouble)))
