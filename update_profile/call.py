"""One call on its way through: its ids, its deadline, and what it has come to so far."""

import time
from dataclasses import dataclass, field

from .audit import AuditEvent
from .deadline import Deadline
from .entra.bearer_token import Caller
from .request import IncomingRequest
from .request_ids import RequestIds, read_ids

# Kept back from the budget for writing the answer itself: a twentieth, and never more than this.
LONGEST_RESERVE_SECONDS = 0.25


@dataclass
class Call:
    """What every step of one call needs to know.

    Attributes:
        ids: This call's; a delivery id takes effect once the caller is known.
        event: The audit record in the making.
        started_at: On the monotonic clock, in seconds.
        deadline: When the call must be done; it has no time until ``allow`` gives it some.
    """

    ids: RequestIds
    event: AuditEvent
    started_at: float
    deadline: Deadline = field(default=Deadline(0.0))

    @classmethod
    def start(cls, incoming: IncomingRequest) -> "Call":
        """The clock starts here."""
        ids = read_ids(incoming.headers)
        operation = incoming.method.lower()
        event = AuditEvent(correlation_id=ids.correlation_id, request_id=ids.request_id, operation=operation)
        return cls(ids=ids, event=event, started_at=time.monotonic())

    def allow(self, budget_seconds: float) -> None:
        """Give the call its time, counted from its start."""
        reserve = min(LONGEST_RESERVE_SECONDS, budget_seconds / 20)
        self.deadline = Deadline(self.started_at + budget_seconds - reserve)

    def identify(self, caller: Caller, *, body: bytes, validate_only: bool) -> None:
        """Take note of who calls. A delivery id has no effect before, so that no stranger chooses a request id."""
        self.ids = self.ids.for_delivery(
            tenant_id=caller.tenant_id, user_id=caller.user_id, body=body, validate_only=validate_only
        )
        self.event.request_id = self.ids.request_id
        self.event.tenant_id, self.event.user_id = caller.tenant_id, caller.user_id
        self.event.client_id = caller.client_id
