"""Fakes for clocks, and for upstream behaviour that cannot be produced on a real connection."""

import asyncio
from collections.abc import Iterable, Mapping

from update_profile.deadline import Deadline
from update_profile.entra.metadata import SigningKey, TenantMetadata
from update_profile.transport.messages import HttpAnswer, HttpRequest


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        """``now`` is the initial time, in seconds."""
        self.now = now

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += seconds


class FakeHttp:
    """Returns or raises the outcomes in turn and repeats the last one. It records the requests and deadlines."""

    def __init__(self, *outcomes: HttpAnswer | BaseException) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[HttpRequest] = []
        self.deadlines: list[Deadline] = []

    async def send(self, request: HttpRequest, *, deadline: Deadline) -> HttpAnswer:
        """Return or raise the next outcome."""
        self.requests.append(request)
        self.deadlines.append(deadline)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def prepare(self, url: str, caller: tuple[str, str], *, deadline: Deadline) -> None:
        """Open nothing."""


class FakeMetadata:
    """Publishes ``key_ids``, or raises ``failure``. ``gate`` holds fetches back while unset."""

    def __init__(self, *key_ids: str) -> None:
        self.key_ids: Iterable[str] = key_ids
        self.failure: Exception | None = None
        self.fetches: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, tenant_id: str, *, deadline: Deadline) -> TenantMetadata:
        """Return what is published at this moment, or raise the failure."""
        self.fetches.append(tenant_id)
        assert deadline.remaining_seconds() > 0
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        keys = {key_id: SigningKey(issuer=key_id, modulus=1, exponent=3) for key_id in self.key_ids}
        return TenantMetadata(token_endpoint=f"https://login.example/{tenant_id}", keys=keys)


def an_answer(
    status: int = 200, body: bytes | None = b"{}", headers: Mapping[str, str] | None = None, reason: str = ""
) -> HttpAnswer:
    """Return an answer as the HTTP client does."""
    pairs = tuple((name.lower(), value) for name, value in (headers or {}).items())
    return HttpAnswer(status=status, reason=reason, headers=pairs, body=body)
