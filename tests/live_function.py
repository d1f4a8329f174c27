"""The function as Azure loads it, in front of the sandbox, for the end-to-end tests.

On Python 3.13 and later every call goes through Azure's own worker library as the protobuf messages that the real
host sends; on earlier versions, through azure-functions alone.
"""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from builders import EXAMPLE
from described_api import described_api

from sandbox import Entry, Sandbox
from sandbox.functions_host import FunctionsHost
from sandbox.host_answer import finish
from sandbox.worker import Function, HttpAnswer, HttpCall
from update_profile import http_trigger
from update_profile.service import ServiceHolder
from update_profile.settings import NAMES
from update_profile.transport.network import Network

ROOT = Path(__file__).parents[1]
ROUTE = "/api/update_profile"
AUDIT_EVENT = "update_profile.completed"


@dataclass(frozen=True)
class Answered:
    """An answer as a caller sees it; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, answer: HttpAnswer) -> "Answered":
        """Convert the host's answer, in which no header name may occur twice."""
        names = [name.lower() for name, _ in answer.headers]
        assert len(set(names)) == len(names), names
        return cls(answer.status, {name.lower(): value for name, value in answer.headers}, answer.body)

    @property
    def json(self) -> Any:
        """The body, decoded as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The problem's code; None for a success."""
        return self.json.get("code") if self.body else None

    @property
    def fields(self) -> list[str]:
        """The names in `errors`."""
        return [error["field"] for error in self.json["errors"]]


Holders = dict[tuple[object, ...], ServiceHolder]


class LiveFunction:
    """Calls the function and shows which requests it made to the stand-ins."""

    def __init__(
        self,
        host: FunctionsHost,
        sandbox: Sandbox,
        environment: pytest.MonkeyPatch,
        *,
        holders: Holders | None = None,
        network: Network | None = None,
    ) -> None:
        """``holders`` are services to share, by their settings; with None, each change of a setting makes a new one."""
        self.host = host
        self.sandbox = sandbox
        self._environment = environment
        self._holders = holders
        self._network = network
        for name in (*NAMES, "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
            environment.delenv(name, raising=False)
        self.set(**sandbox.settings())

    def allow(self, seconds: float) -> None:
        """Set the budget of each call, in seconds."""
        self.set(REQUEST_BUDGET_SECONDS=str(seconds))

    def allow_in_place(self, seconds: float) -> None:
        """Set the budget of the calls that follow, in the same process."""
        holder = http_trigger._service
        held = holder.get()
        settings = held.settings.model_copy(update={"request_budget_seconds": seconds})
        holder._held = replace(held, settings=settings)

    def connect_through(self, network: Network) -> None:
        """Open connections through this network, with a new service."""
        self._network = network
        self.restart()

    def restart(self) -> None:
        """Do what Azure does when a setting changes: the next call is the first one of a new process."""
        settings = tuple((name, os.environ.get(name)) for name in NAMES)
        # A service that holds other signing keys cannot be reused.
        key = (*settings, self.sandbox.entra.keys.current.kid)
        holders = self._holders if self._holders is not None and self._network is None else {}
        holder = holders.setdefault(key, ServiceHolder(self._network))
        self._environment.setattr(http_trigger, "_service", holder)

    def set(self, **settings: str | None) -> None:
        """Change settings and restart; None removes a setting."""
        for name, value in settings.items():
            if value is None:
                self._environment.delenv(name, raising=False)
            else:
                self._environment.setenv(name, value)
        self.restart()

    async def call(
        self,
        profile: object = EXAMPLE,
        *,
        body: bytes | None = None,
        token: str | None = None,
        user: str | None = "alice",
        headers: Iterable[tuple[str, str]] = (),
        method: str = "POST",
        target: str = ROUTE,
    ) -> Answered:
        """Call as `user`, or with `token`; None as both sends no Authorization. `body` replaces the profile's JSON."""
        content = json.dumps(profile).encode() if body is None else body
        sent = [("Content-Length", str(len(content))), *headers]
        if not any(name.lower() == "content-type" for name, _ in sent):
            sent.append(("Content-Type", "application/json"))
        if token is None and user is not None:
            token = self.sandbox.entra.sign_in(user)
        if token is not None:
            sent.append(("Authorization", f"Bearer {token}"))
        raw = [(name.encode(), value.encode()) for name, value in sent]
        return Answered.of(await self.host.handle(method=method, target=target, headers=raw, body=content))

    def start(self, token: str) -> "asyncio.Task[HttpAnswer]":
        """Post the example directly to the worker. The returned task stands for the invocation and can be cancelled."""
        headers = (("authorization", f"Bearer {token}"), ("content-type", "application/json"))
        call = HttpCall(
            method="POST", url=f"http://localhost{ROUTE}", headers=headers, body=json.dumps(EXAMPLE).encode()
        )
        return asyncio.create_task(self._invoked(call))

    async def _invoked(self, call: HttpCall) -> HttpAnswer:
        answer = await self.host.worker.invoke(self._function("update_profile"), call)
        described_api().check(call.method, ROUTE, finish(answer, self.host.settings, scheme="http"))
        return answer

    def _function(self, name: str) -> Function:
        return next(function for function in self.host.worker.functions if function.name == name)

    @property
    def puts(self) -> list[Entry]:
        """The writes that Partner Center received."""
        return self.sandbox.partner_center.journal.of(method="PUT")

    @property
    def exchanges(self) -> list[Entry]:
        """The exchanges that Entra ID received."""
        return self.sandbox.entra.journal.of("token")


class EveryLog(logging.Handler):
    """Collects every record of every logger, from DEBUG on."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record."""
        self.records.append(record)

    @property
    def audits(self) -> list[logging.LogRecord]:
        """The audit records."""
        return [record for record in self.records if record.getMessage().startswith(AUDIT_EVENT)]

    def text(self) -> str:
        """Return everything that was logged: messages, stack traces and every attribute of every record."""
        formatter = logging.Formatter()
        return "\n".join(f"{formatter.format(record)} {vars(record)}" for record in self.records)


def closed_port_url() -> str:
    """Return a URL on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"https://localhost:{listener.getsockname()[1]}"
