"""One record for each answer: who asked for what, what became of it, how long it took.

The record's message is the constant name and the fields as JSON, as the Functions host passes on nothing but the
message; the fields stand on the record too. No value of a profile, no token and no text of another's is among them.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from .errors import UpdateProfileError

EVENT = "update_profile.completed"
logger = logging.getLogger("update_profile")


@dataclass(kw_only=True)
class AuditEvent:
    """What one call has come to so far. None: not come to, or not known.

    ``operation`` is the method in small letters, with `` validate_only`` behind it for a dry run.
    """

    correlation_id: str
    request_id: str
    operation: str
    tenant_id: str | None = None
    user_id: str | None = None
    client_id: str | None = None
    code: str = "ok"
    status: int = 0
    upstream_status: int | None = None
    upstream_code: str | None = None
    upstream_request_id: str | None = None
    entra_codes: tuple[int, ...] = ()
    entra_trace_id: str | None = None
    attempts: int = 0
    exchange: str = "none"
    duration_ms: int = 0
    upstream_ms: int | None = None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Count one request to Partner Center and the time it took."""
        self.attempts += 1
        started_at = time.monotonic()
        try:
            yield
        finally:
            self.upstream_ms = (self.upstream_ms or 0) + round((time.monotonic() - started_at) * 1000)

    def failed(self, error: UpdateProfileError) -> None:
        """Take over what an error knows."""
        self.code = error.code
        if error.evidence.upstream is not None:
            self.upstream_status = error.evidence.upstream.status
            self.upstream_code = error.evidence.upstream.code
        if error.evidence.entra is not None:
            self.entra_codes = error.evidence.entra.codes
            self.entra_trace_id = error.evidence.entra.trace_id


def completed(event: AuditEvent, *, level: int, started_at: float) -> None:
    """Write the record.

    Args:
        event: What the call came to.
        level: INFO; ERROR where the operator must act.
        started_at: When the call began, on the monotonic clock.
    """
    event.duration_ms = round((time.monotonic() - started_at) * 1000)
    fields = asdict(event)
    logger.log(level, "%s %s", EVENT, json.dumps(fields, separators=(",", ":")), extra=fields)
