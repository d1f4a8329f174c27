"""What a stand-in was asked, in the order in which the requests had been read."""

import threading
import time
from dataclasses import dataclass, field

from .rules import Asked


@dataclass
class Entry:
    """One request. The fields are set when it has been read, `status` just before the answer goes out.

    Attributes:
        headers: Names and values as they came, in order.
        form: The fields of a token request; empty for all others.
        endpoint: Entra: "token", "keys", "discovery", "instance", "msi"; Partner Center: "profile"; None: any other.
        tenant: The tenant's GUID from the path (Entra) or from the token; None when neither names one.
        user: The name of the user in the token; None when it is nobody the stand-in knows.
        status: The status that was answered; None until then, and for good where no status line went out.
        at: time.monotonic() in seconds when the request had been read.
        connection: A number per connection, from 1; equal numbers are the same connection.
    """

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    form: dict[str, str] = field(default_factory=dict)
    endpoint: str | None = None
    tenant: str | None = None
    user: str | None = None
    status: int | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def asked(self) -> Asked:
        """What a scripted answer can be bound to."""
        return Asked(method=self.method, endpoint=self.endpoint, tenant=self.tenant, user=self.user)

    def header(self, name: str) -> str | None:
        """The values of `name` in any case, joined by ", " where there are several; None when there is none."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


class Journal(list[Entry]):
    """All entries since the start or the last clear()."""

    def __init__(self) -> None:
        super().__init__()
        self._grown = threading.Condition()

    def append(self, entry: Entry) -> None:
        """Add one and wake those who wait."""
        with self._grown:
            super().append(entry)
            self._grown.notify_all()

    def of(
        self,
        endpoint: str | None = None,
        *,
        method: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
    ) -> list[Entry]:
        """The entries that match everything given; None matches any."""
        wanted = Asked(method=method, endpoint=endpoint, tenant=tenant, user=user)
        return [entry for entry in list(self) if wanted.covers(entry.asked)]

    def wait_for(self, count: int, endpoint: str | None = None, *, timeout_seconds: float = 10) -> list[Entry]:
        """Block until `count` requests for `endpoint` have been read (in a coroutine: asyncio.to_thread).

        Raises:
            TimeoutError: they did not come in time.
        """
        with self._grown:
            if not self._grown.wait_for(lambda: len(self.of(endpoint)) >= count, timeout_seconds):
                message = f"{len(self.of(endpoint))} of {count} requests came"
                raise TimeoutError(message)
        return self.of(endpoint)
