"""The audit record of an answer."""

import json
import time

import pytest
from builders import a_started_call

from update_profile.call import AuditEvent
from update_profile.errors import (
    EntraFault,
    EntraThrottled,
    MalformedBody,
    PartnerCenterThrottled,
    UpdateProfileError,
    UpstreamFault,
)

FIELDS = [
    "correlation_id",
    "request_id",
    "operation",
    "version",
    "validate_only",
    "tenant_id",
    "user_id",
    "client_id",
    "code",
    "reason",
    "outcome",
    "status",
    "upstream_status",
    "upstream_code",
    "upstream_request_id",
    "entra_status",
    "entra_codes",
    "entra_trace_id",
    "attempts",
    "read_backs",
    "neighbour",
    "no_answer",
    "exchange",
    "duration_ms",
    "entra_ms",
    "upstream_ms",
]


def an_event() -> AuditEvent:
    """Return the event of a call that has just started."""
    return AuditEvent(correlation_id="c", request_id="r", operation="post", version="1")


def test_the_message_is_the_name_and_the_fields_as_json() -> None:
    """The host stores only the message, so the message holds every field."""
    event = an_event()
    name, _, document = event.message().partition(" ")
    assert name == "update_profile.completed"
    assert list(event.fields()) == FIELDS
    assert json.loads(document) == event.fields() | {"entra_codes": []}


def test_a_new_event_claims_nothing() -> None:
    """Fields start as None, 0, ``none`` or ``ok`` until a step sets them."""
    event = an_event()
    assert (event.code, event.status, event.exchange, event.attempts) == ("ok", 0, "none", 0)
    unknown = [event.tenant_id, event.user_id, event.client_id, event.upstream_status, event.upstream_ms]
    assert unknown == [None] * 5


def test_the_duration_is_counted_from_the_start_in_whole_milliseconds() -> None:
    """The answer's status is recorded at the same time."""
    call = a_started_call()
    call.started_at = time.monotonic() - 2
    call.finish(418)
    assert isinstance(call.event.duration_ms, int)
    assert call.event.duration_ms >= 2000
    assert call.event.status == 418


def test_attempts_and_their_time_are_counted_even_if_they_fail() -> None:
    """Two attempts that raise are both counted, and ``upstream_ms`` is set."""
    event = an_event()
    for _ in range(2):
        with pytest.raises(RuntimeError), event.attempt():
            raise RuntimeError
    assert event.attempts == 2
    assert event.upstream_ms is not None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MalformedBody("x"), ("malformed_body", None, None, (), None)),
        (
            PartnerCenterThrottled("x", upstream=UpstreamFault(status=429, code="1")),
            ("partner_center_throttled", 429, "1", (), None),
        ),
        (
            EntraThrottled("x", entra=EntraFault(error="e", codes=(1, 2), trace_id="t")),
            ("entra_throttled", None, None, (1, 2), "t"),
        ),
    ],
)
def test_a_failure_gives_what_it_knows(error: UpdateProfileError, told: tuple[object, ...]) -> None:
    """The event takes the error's code, and the numbers and names that Partner Center or Entra ID reported."""
    event = an_event()
    event.failed(error)
    assert (event.code, event.upstream_status, event.upstream_code, event.entra_codes, event.entra_trace_id) == told
