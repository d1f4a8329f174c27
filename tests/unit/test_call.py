"""The state that the steps of one call share."""

import time

import pytest
from builders import CLIENT, TENANT, USER, a_caller, a_started_call

from update_profile.call import LONGEST_ANSWER_RESERVE_SECONDS
from update_profile.request_ids import read_ids

GIVEN = "0f8fad5b-d9cb-469f-a165-70867728950e"


def test_a_call_starts_with_its_ids_and_no_time() -> None:
    """The deadline starts out expired, so no step can wait before the budget is set."""
    call = a_started_call(method="PUT", headers={"ms-correlationid": GIVEN})
    assert call.ids.correlation_id == call.event.correlation_id == GIVEN
    assert call.event.request_id == call.ids.request_id
    assert call.event.operation == "put"
    assert call.deadline.remaining_seconds() == 0


@pytest.mark.parametrize(
    ("budget_seconds", "reserve"), [(1.0, 0.05), (2.0, 0.1), (20.0, LONGEST_ANSWER_RESERVE_SECONDS)]
)
def test_a_call_is_given_its_budget_from_its_start(budget_seconds: float, reserve: float) -> None:
    """A small reserve is kept back for writing the answer."""
    call = a_started_call()
    call.start_budget(budget_seconds)
    assert call.deadline.at - call.started_at == pytest.approx(budget_seconds - reserve)
    assert call.started_at <= time.monotonic()


def test_a_caller_is_noted_and_brings_the_delivery_id_into_effect() -> None:
    """The audit record and the request get the derived id, and only once the caller is known."""
    headers = {"idempotency-key": "1"}
    call = a_started_call(headers=headers)
    before = call.event.request_id, call.event.user_id
    call.bind_caller(a_caller(), body=b"x", validate_only=False)
    expected = read_ids(headers).for_delivery(tenant_id=TENANT, user_id=USER, body=b"x").request_id
    assert call.ids.request_id == call.event.request_id == expected
    assert before[0] != expected
    assert before[1] is None
    assert (call.event.tenant_id, call.event.user_id, call.event.client_id) == (TENANT, USER, CLIENT)
