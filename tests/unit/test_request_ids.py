"""The ids of a call."""

import uuid

import pytest
from builders import OTHER_TENANT, TENANT, USER

from update_profile.errors import InvalidHeader
from update_profile.formats import GUID
from update_profile.request_ids import DELIVERY_ID_HEADERS, RequestIds, read_ids

GIVEN = "0F8FAD5B-d9cb-469f-A165-70867728950e"
NO_GUIDS = [
    "{0f8fad5b-d9cb-469f-a165-70867728950e}",
    "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e",
    "0f8fad5bd9cb469fa16570867728950e",
    "0f8fad5bd-9cb-469f-a165-70867728950e",
    "0f8fad5b-d9cb-469f-a165-70867728950",
    "0f8fad5b-d9cb-469f-a165-70867728950e0",
    "0f8fad5b-d9cb-469f-a165-70867728950g",
    "\uff10f8fad5b-d9cb-469f-a165-70867728950e",
    "0f8fad5b-d9cb-469f-a165-7086772895\u0660e",
    "\u00a00f8fad5b-d9cb-469f-a165-70867728950e",
    f"{GIVEN},{GIVEN}",
    "0f8fad5b-d9cb-469f-a165-70867728950e\n",
    "1",
]


def delivered(headers: dict[str, str], *, tenant_id: str = TENANT, user_id: str = USER, body: bytes = b"{}") -> str:
    """Return the request id once the caller is known."""
    return read_ids(headers).for_delivery(tenant_id=tenant_id, user_id=user_id, body=body).request_id


def test_given_ids_come_back_as_written() -> None:
    """The case is preserved, and surrounding blanks are stripped, as HTTP does."""
    ids = read_ids({"ms-correlationid": f" {GIVEN}\t", "ms-requestid": GIVEN.lower()})
    assert ids == RequestIds(correlation_id=GIVEN, request_id=GIVEN.lower(), delivery_id=None, refused=())
    ids.check()


@pytest.mark.parametrize("headers", [{}, {"ms-correlationid": "", "ms-requestid": " \t"}])
def test_absent_and_blank_ids_are_made(headers: dict[str, str]) -> None:
    """Both are GUIDs; they differ from each other and between calls."""
    ids, others = read_ids(headers), read_ids(headers)
    ids.check()
    made = {ids.correlation_id, ids.request_id, others.correlation_id, others.request_id}
    assert len(made) == 4
    assert all(GUID.fullmatch(one) for one in made)


@pytest.mark.parametrize("value", NO_GUIDS)
def test_what_is_no_guid_is_refused_and_replaced(value: str) -> None:
    """uuid.UUID accepts many more forms. The valid id next to it is kept."""
    ids = read_ids({"ms-correlationid": value, "ms-requestid": GIVEN})
    assert ids.request_id == GIVEN
    assert GUID.fullmatch(ids.correlation_id)
    with pytest.raises(InvalidHeader, match=r"^MS-CorrelationId must be a GUID") as caught:
        ids.check()
    assert value not in caught.value.detail.replace("8-4-4-4-12", "")


def test_two_bad_ids_are_both_named() -> None:
    """One answer reports both."""
    with pytest.raises(InvalidHeader, match=r"^MS-CorrelationId and MS-RequestId must"):
        read_ids({"ms-correlationid": "x", "ms-requestid": "y"}).check()


@pytest.mark.parametrize("header", DELIVERY_ID_HEADERS)
def test_a_repeated_delivery_is_one_operation(header: str) -> None:
    """The same user, bytes and delivery id give the same request id, a UUIDv5."""
    first, second = delivered({header: "delivery-1"}), delivered({header: " delivery-1 "})
    assert first == second
    assert uuid.UUID(first).version == 5
    assert GUID.fullmatch(first)


def test_another_user_tenant_body_or_delivery_is_another_operation() -> None:
    """No user can claim another user's delivery; delivery ids are case-sensitive."""
    headers = {"idempotency-key": "delivery-1"}
    ids = [
        delivered(headers),
        delivered(headers, tenant_id=OTHER_TENANT),
        delivered(headers, user_id=OTHER_TENANT),
        delivered(headers, body=b"{ }"),
        delivered({"idempotency-key": "delivery-2"}),
        delivered({"idempotency-key": "Delivery-1"}),
    ]
    assert len(set(ids)) == len(ids)


def test_the_parts_of_a_delivery_cannot_run_together() -> None:
    """The end of the user id cannot be mistaken for the start of the delivery id."""
    assert delivered({"webhook-id": "b"}, user_id="a") != delivered({"webhook-id": "ab"}, user_id="")


def test_the_first_present_delivery_id_counts() -> None:
    """The headers have a documented order, and a blank one counts as absent."""
    headers = {name: name for name in DELIVERY_ID_HEADERS}
    for name in DELIVERY_ID_HEADERS:
        assert read_ids(headers).delivery_id == name
        headers[name] = " "
    assert read_ids(headers).delivery_id is None


def test_a_given_request_id_wins_over_a_delivery_id() -> None:
    """A blank request id counts as absent."""
    assert delivered({"ms-requestid": GIVEN, "webhook-id": "1"}) == GIVEN
    assert uuid.UUID(delivered({"ms-requestid": "", "webhook-id": "1"})).version == 5


def test_power_automates_tracking_id_is_no_delivery_id() -> None:
    """A Power Automate run uses one tracking id for all its calls."""
    assert read_ids({"x-ms-client-tracking-id": "1"}).delivery_id is None


def test_a_delivery_id_has_no_effect_before_the_caller_is_known() -> None:
    """A stranger cannot choose a request id, and a correlation id is never derived from a delivery id."""
    ids = read_ids({"webhook-id": "1"})
    assert uuid.UUID(ids.request_id).version == 4
    known = ids.for_delivery(tenant_id=TENANT, user_id=USER, body=b"")
    assert known.correlation_id == ids.correlation_id


def test_a_dry_run_of_a_delivery_is_another_operation() -> None:
    """Repeated writes share one id, and repeated dry runs share another."""
    ids = read_ids({"webhook-id": "1"})
    write, dry_run = (
        {ids.for_delivery(tenant_id=TENANT, user_id=USER, body=b"x", validate_only=dry).request_id for _ in range(2)}
        for dry in (False, True)
    )
    assert len(write) == len(dry_run) == 1
    assert write != dry_run
