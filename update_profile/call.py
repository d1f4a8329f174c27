"""One call on its way through: its ids, its deadline, its audit event, and the values that its steps pass on."""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from . import __version__
from .deadline import Deadline
from .errors import UpdateProfileError
from .request_ids import RequestIds, read_ids

AUDIT_EVENT_NAME = "update_profile.completed"
# Time kept back from the budget for writing the answer: a twentieth of it, and never more than this.
LONGEST_ANSWER_RESERVE_SECONDS = 0.25

# Free text may be personal, so of Partner Center's codes only digits and short slugs are logged.
_LOGGED_CODE = re.compile(r"[0-9]{1,10}|[A-Za-z][A-Za-z0-9_]{0,31}", re.ASCII)

_encode = json.JSONEncoder(separators=(",", ":")).encode  # json.dumps makes a new encoder each time

TokenSource = Literal["cached", "fetched", "joined", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The signed-in user, as the validated bearer token names them.

    Attributes:
        tenant_id: GUID, in lower case.
        user_id: The user's object id in that tenant.
        client_id: The application that sent the token, in lower case; None when the token names none.
        token_digest: SHA-256 of the bearer token.
        expires_at: When the bearer token expires, in seconds since 1970.
    """

    tenant_id: str
    user_id: str
    client_id: str | None
    token_digest: bytes = field(repr=False)
    expires_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessToken:
    """A Partner Center token.

    ``expires_in_seconds`` counts from the moment it was asked for; 0 when Entra ID does not say.
    """

    value: str = field(repr=False)
    expires_in_seconds: float


@dataclass(kw_only=True)
class AuditEvent:
    """What is known about one call so far. None: it did not happen, or is not known.

    ``operation`` is the method in lower case. No value of a profile, no token and no other party's text is in here.
    """

    correlation_id: str
    request_id: str
    operation: str
    version: str
    validate_only: bool = False
    tenant_id: str | None = None
    user_id: str | None = None
    client_id: str | None = None
    code: str = "ok"
    reason: str | None = None
    outcome: str | None = None
    status: int = 0
    upstream_status: int | None = None
    upstream_code: str | None = None
    upstream_request_id: str | None = None
    entra_status: int | None = None
    entra_codes: tuple[int, ...] = ()
    entra_trace_id: str | None = None
    attempts: int = 0
    read_backs: int = 0
    neighbour: str | None = None
    no_answer: str | None = None
    exchange: TokenSource = "none"
    duration_ms: int = 0
    entra_ms: int | None = None
    upstream_ms: int | None = None

    @contextmanager
    def attempt(self, *, reads_back: bool = False) -> Iterator[None]:
        """Count one request to Partner Center and the time that it takes; those that read back are counted apart."""
        if reads_back:
            self.read_backs += 1
        else:
            self.attempts += 1
        started_at = time.monotonic()
        try:
            yield
        finally:
            self.upstream_ms = (self.upstream_ms or 0) + round((time.monotonic() - started_at) * 1000)

    @contextmanager
    def waiting_for_entra(self) -> Iterator[None]:
        """Count the time spent on keys and tokens."""
        started_at = time.monotonic()
        try:
            yield
        finally:
            self.entra_ms = (self.entra_ms or 0) + round((time.monotonic() - started_at) * 1000)

    def failed(self, error: UpdateProfileError) -> None:
        """Take over what an error knows."""
        self.code, self.reason, self.outcome = error.code, error.reason, error.outcome
        self.neighbour, self.no_answer = error.neighbour, error.no_answer
        if error.claimed is not None:
            self.tenant_id, self.user_id = error.claimed.tenant_id, error.claimed.user_id
            self.client_id = error.claimed.client_id
        if error.upstream is not None:
            self.upstream_status = error.upstream.status
            code = error.upstream.code
            self.upstream_code = code if code and _LOGGED_CODE.fullmatch(code) else None
        if error.entra_status is not None:
            self.entra_status = error.entra_status
        if error.entra is not None:
            self.entra_codes = error.entra.codes
            self.entra_trace_id = error.entra.trace_id

    def fields(self) -> dict[str, object]:
        """Return the fields of the audit record."""
        return dict(vars(self))

    def message(self) -> str:
        """Return the record's message: the event name and the fields as JSON, as the host stores nothing else."""
        return f"{AUDIT_EVENT_NAME} {_encode(vars(self))}"


@dataclass
class Call:
    """What every step of one call needs to know.

    Attributes:
        ids: This call's ids; a delivery id takes effect once the caller is known.
        event: The audit event, filled in step by step.
        started_at: On the monotonic clock, in seconds.
        deadline: When the call must be done. There is no time until ``start_budget`` gives it some.
        unanswered_write: Whether a write went out, or may have, and no answer has been read since.
        fault: An error of this function that is reported as something else; None normally.
    """

    ids: RequestIds
    event: AuditEvent
    started_at: float
    deadline: Deadline = field(default=Deadline(0.0))
    unanswered_write: bool = False
    fault: BaseException | None = None

    @classmethod
    def start(cls, method: str, headers: Mapping[str, str]) -> "Call":
        """Start the clock of a call. ``headers``: names in lower case."""
        ids = read_ids(headers)
        event = AuditEvent(
            correlation_id=ids.correlation_id,
            request_id=ids.request_id,
            operation=method.lower(),
            version=__version__,
        )
        return cls(ids=ids, event=event, started_at=time.monotonic())

    def start_budget(self, budget_seconds: float) -> None:
        """Set the deadline: the budget counts from the call's start."""
        reserve = min(LONGEST_ANSWER_RESERVE_SECONDS, budget_seconds / 20)
        self.deadline = Deadline(self.started_at + budget_seconds - reserve)

    def bind_caller(self, caller: Caller, *, body: bytes, validate_only: bool) -> None:
        """Note who calls. A delivery id has no effect before this, so that no stranger chooses a request id."""
        self.ids = self.ids.for_delivery(
            tenant_id=caller.tenant_id, user_id=caller.user_id, body=body, validate_only=validate_only
        )
        self.event.request_id = self.ids.request_id
        self.event.tenant_id, self.event.user_id = caller.tenant_id, caller.user_id
        self.event.client_id = caller.client_id

    def finish(self, status: int) -> None:
        """Note the answer's status and how long the call took."""
        self.event.status = status
        self.event.duration_ms = round((time.monotonic() - self.started_at) * 1000)


def is_cancelled() -> bool:
    """Return whether this call was cancelled, even if its last wait ended otherwise. Then nothing more starts."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
