"""The requests that a stand-in received, in the order in which they were read."""

import threading
import time
from dataclasses import dataclass, field

from .rules import Asked


@dataclass
class Entry:
    """One request. The fields are set when the request has been read, `status` just before the answer is sent.

    Attributes:
        headers: Names and values as received, in order.
        form: The fields of a form that was posted. Empty for all other requests.
        endpoint: "token" (the exchange), "keys" or another one of entra/endpoints.py (Entra), "msi" (managed identity),
            "profile" (Partner Center). None means any other path.
        tenant: The tenant's GUID from the path (Entra) or from the token. None means that no tenant is named.
        user: The name of the user in the token. None means that the stand-in does not know the user.
        status: The status of the answer. None until the answer is sent.
        at: time.monotonic() in seconds when the request had been read.
        connection: The number of the connection, from 1. Requests with equal numbers share a connection.
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
        """The properties that a scripted answer can be bound to."""
        return Asked(method=self.method, endpoint=self.endpoint, tenant=self.tenant, user=self.user)

    def header(self, name: str) -> str | None:
        """The values of the header `name` in any case, joined by ", ". None if the header is absent."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


class Journal(list[Entry]):
    """All entries since the start or the last clear()."""

    def __init__(self) -> None:
        super().__init__()
        self._grown = threading.Condition()

    def append(self, entry: Entry) -> None:
        """Add an entry and wake the waiting threads."""
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
        """The entries that match every given value. None matches any value."""
        wanted = Asked(method=method, endpoint=endpoint, tenant=tenant, user=user)
        return [entry for entry in list(self) if wanted.covers(entry.asked)]

    def wait_for(self, count: int, endpoint: str | None = None, *, timeout_seconds: float = 10) -> list[Entry]:
        """Block until `count` requests for `endpoint` have been read. In a coroutine, use asyncio.to_thread.

        Raises:
            TimeoutError: The requests did not arrive in time.
        """
        with self._grown:
            if not self._grown.wait_for(lambda: len(self.of(endpoint)) >= count, timeout_seconds):
                message = f"{len(self.of(endpoint))} of {count} requests arrived"
                raise TimeoutError(message)
        return self.of(endpoint)
