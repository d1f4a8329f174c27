"""The state that the steps of one call share."""

import time

import pytest
from builders import CLIENT, TENANT, USER, a_caller, a_started_call

from update_profile.call import LONGEST_ANSWER_RESERVE_SECONDS
from update_profile.errors import (
    ClaimedIds,
    ClientNotAllowed,
    EntraUnavailable,
    PartnerCenterRejected,
    UpstreamFault,
)
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


def test_whom_a_refused_token_names_is_noted() -> None:
    """A refusal after the signature names the caller, so that ``client_not_allowed`` says which client."""
    call = a_started_call()
    error = ClientNotAllowed("Why.")
    error.claimed = ClaimedIds(tenant_id=TENANT, user_id=USER, client_id=None)
    call.event.failed(error)
    assert (call.event.tenant_id, call.event.user_id, call.event.client_id) == (TENANT, USER, None)


@pytest.mark.parametrize(
    ("code", "logged"),
    [
        ("2001", "2001"),
        ("BadRequest", "BadRequest"),
        ("no such user bob@contoso", None),
        ("x" * 33, None),
        (None, None),
    ],
)
def test_only_digits_and_slugs_of_partner_centers_codes_are_logged(code: str | None, logged: str | None) -> None:
    """Free text may be personal."""
    call = a_started_call()
    call.event.failed(PartnerCenterRejected("Why.", upstream=UpstreamFault(status=400, code=code)))
    assert call.event.upstream_code == logged


def test_read_backs_and_the_time_for_entra_are_counted_apart() -> None:
    """A time that was not spent is None."""
    call = a_started_call()
    assert call.event.entra_ms is None
    with call.event.waiting_for_entra(), call.event.attempt(reads_back=True):
        pass
    assert (call.event.attempts, call.event.read_backs) == (0, 1)
    assert [call.event.entra_ms, call.event.upstream_ms] == [0, 0]


def test_the_status_of_entra_ids_own_failure_is_logged() -> None:
    """A status without a code still says who failed."""
    call = a_started_call()
    error = EntraUnavailable("Why.", reason="unavailable", neighbour="entra")
    error.entra_status = 503
    call.event.failed(error)
    assert (call.event.entra_status, call.event.neighbour) == (503, "entra")
