"""One record for each answer."""

import json
import logging
import time

import pytest

from update_profile.audit import AuditEvent, completed
from update_profile.errors import EntraThrottled, MalformedBody, PartnerCenterThrottled, UpdateProfileError
from update_profile.evidence import EntraFault, Evidence, UpstreamFault

FIELDS = [
    "correlation_id",
    "request_id",
    "operation",
    "tenant_id",
    "user_id",
    "client_id",
    "code",
    "status",
    "upstream_status",
    "upstream_code",
    "upstream_request_id",
    "entra_codes",
    "entra_trace_id",
    "attempts",
    "exchange",
    "duration_ms",
    "upstream_ms",
]


def an_event() -> AuditEvent:
    """A call that has just begun."""
    return AuditEvent(correlation_id="c", request_id="r", operation="post")


@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_a_record_is_the_name_and_the_fields(caplog: pytest.LogCaptureFixture, level: int) -> None:
    """As JSON in the message, which is all that the host passes on, and on the record."""
    with caplog.at_level(logging.INFO, logger="update_profile"):
        completed(an_event(), level=level, started_at=time.monotonic())
    (record,) = caplog.records
    name, _, document = record.getMessage().partition(" ")
    fields = json.loads(document)
    assert (name, record.levelno, record.name) == ("update_profile.completed", level, "update_profile")
    assert set(fields) == set(FIELDS)
    assert {field: getattr(record, field) for field in FIELDS} == fields | {"entra_codes": ()}


def test_a_new_event_claims_nothing() -> None:
    """What is not come to is None, none or nought."""
    event = an_event()
    assert (event.code, event.status, event.exchange, event.attempts) == ("ok", 0, "none", 0)
    unknown = [event.tenant_id, event.user_id, event.client_id, event.upstream_status, event.upstream_ms]
    assert unknown == [None] * 5


def test_the_duration_is_counted_from_the_start() -> None:
    """In whole milliseconds."""
    event = an_event()
    completed(event, level=logging.INFO, started_at=time.monotonic() - 2)
    assert isinstance(event.duration_ms, int)
    assert event.duration_ms >= 2000


def test_attempts_and_their_time_are_counted_even_if_they_fail() -> None:
    """No time is told before the first."""
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
            PartnerCenterThrottled("x", Evidence(upstream=UpstreamFault(status=429, code="1"))),
            ("partner_center_throttled", 429, "1", (), None),
        ),
        (
            EntraThrottled("x", Evidence(entra=EntraFault(error="e", codes=(1, 2), trace_id="t"))),
            ("entra_throttled", None, None, (1, 2), "t"),
        ),
    ],
)
def test_a_failure_gives_what_it_knows(error: UpdateProfileError, told: tuple[object, ...]) -> None:
    """Its code, and what Partner Center or Entra said in numbers and names."""
    event = an_event()
    event.failed(error)
    assert (event.code, event.upstream_status, event.upstream_code, event.entra_codes, event.entra_trace_id) == told
