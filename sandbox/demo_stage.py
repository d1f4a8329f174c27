"""What the acts of the demo share: the sandbox, the function's address and log, and who calls."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from .caller import Caller
from .local_function import ROUTE
from .sandbox import Sandbox

USER = "alice"
AUDIT_EVENT = "update_profile.completed"


class FunctionLog(logging.Handler):
    """Stores the function's log lines, its last audit record and the record's time on the monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.audit: dict[str, Any] = {}
        self.answered_at = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Store the record."""
        line = record.getMessage()
        self.lines.append(f"{record.levelname} {line}")
        if line.startswith(AUDIT_EVENT):
            self.answered_at = time.monotonic()
            self.audit = json.loads(line.removeprefix(AUDIT_EVENT))


@dataclass
class Stage:
    """One run of the demo.

    Attributes:
        client: Sends requests to the function's host.
        token: The access token of the user who calls. Empty until sign_in.
    """

    sandbox: Sandbox
    client: httpx.AsyncClient
    log: FunctionLog
    token: str = field(default="", repr=False)

    async def sign_in(self, claims: str | None = None) -> list[str]:
        """Sign the user in with MSAL. Returns the titles of the pages that were shown."""

        def signed_in() -> tuple[str, list[str]]:
            with Caller(self.sandbox, USER) as caller:
                return caller.sign_in(claims), caller.person.pages

        self.token, pages = await asyncio.to_thread(signed_in)
        return pages

    async def post(self, profile: Mapping[str, str], *, validate_only: bool = False) -> httpx.Response:
        """Post a profile with the user's token."""
        return await self.client.post(
            ROUTE,
            json=profile,
            params={"validate_only": "true"} if validate_only else None,
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def profile(self) -> dict[str, Any]:
        """Return what Partner Center stores."""
        return self.sandbox.partner_center.profiles.read(self.sandbox.entra.users[USER].tenant_id)

    def puts(self) -> int:
        """Return the number of PUTs that Partner Center received."""
        return len(self.sandbox.partner_center.journal.of(method="PUT"))
