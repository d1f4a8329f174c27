"""Converting an answer or an error into status, headers and body."""

import json
from typing import Any, Literal

import pytest
from live_service import a_profile

from update_profile import response
from update_profile.errors import (
    ConsentRequired,
    EntraFault,
    EntraThrottled,
    FieldError,
    InvalidProfile,
    MalformedBody,
    Misconfigured,
    PartnerCenterRejected,
    PartnerCenterUnanswered,
    UpdateProfileError,
    UpstreamFault,
)
from update_profile.partner_center.answer import ProfileResponse
from update_profile.partner_center.stored_profile import Preview, StoredProfile
from update_profile.request_ids import RequestIds
from update_profile.response import Reply

IDS = RequestIds(correlation_id="Correlation", request_id="Request", delivery_id="told-nobody", refused=())


def answered(error: UpdateProfileError, *, accept: str = "", status: int | None = None) -> tuple[Reply, dict[str, Any]]:
    """Return the reply to a failure and its JSON document."""
    reply = response.problem(error, IDS, accept=accept, status=status)
    return reply, json.loads(reply.body)


def refused_profile(*fields: tuple[str, str]) -> InvalidProfile:
    """Return a refusal of these members."""
    return InvalidProfile("Why.", fields=tuple(FieldError(field=name, message=text) for name, text in fields))


@pytest.mark.parametrize(("status", "body"), [(200, b'{"email":"\xc3\xa9"}'), (202, b"{}"), (204, b""), (205, b"")])
def test_a_success_is_relayed_byte_for_byte(status: int, body: bytes) -> None:
    """Status and body come from the upstream, and the ids from this call."""
    reply = response.success(ProfileResponse(status=status, body=body, document=None), IDS)
    assert (reply.status, reply.body) == (status, body)
    assert reply.headers == {
        "Content-Type": "application/json",
        "MS-CorrelationId": "Correlation",
        "MS-RequestId": "Request",
    }


@pytest.mark.parametrize("value", ["true", "false"])
def test_of_the_upstreams_headers_mfa_compliance_comes_back(value: str) -> None:
    """No other upstream header is returned."""
    reply = response.success(ProfileResponse(status=200, body=b"{}", document={}, is_mfa_compliant=value), IDS)
    assert reply.headers["isMfaCompliant"] == value
    assert len(reply.headers) == 4


def test_health_tells_the_version() -> None:
    """The answer is JSON and has the ids of the call."""
    reply = response.healthy("1.2.3", IDS)
    assert (reply.status, reply.body) == (200, b'{"status":"ok","version":"1.2.3"}')
    assert reply.headers["MS-CorrelationId"] == "Correlation"


def test_a_failure_is_a_problem() -> None:
    """It has RFC 9457's members and ours; a member without a value is left out."""
    reply, document = answered(MalformedBody("Why."))
    assert document == {
        "type": "urn:update-profile:problem:malformed_body",
        "title": "The body is not one JSON object in UTF-8.",
        "status": 400,
        "detail": "Why.",
        "code": "malformed_body",
        "actor": "caller",
        "retryable": False,
        "correlationId": "Correlation",
        "requestId": "Request",
    }
    assert reply.status == 400
    assert reply.headers == {
        "Content-Type": "application/problem+json",
        "MS-CorrelationId": "Correlation",
        "MS-RequestId": "Request",
    }


def test_a_status_of_its_own_stands_in_header_and_document() -> None:
    """Health answers 503 where a call answers 500."""
    reply, document = answered(Misconfigured("Why."), status=503)
    assert (reply.status, document["status"], document["code"]) == (503, 503, "misconfigured")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/json"),
        ("Application/JSON;q=0.9, text/html", "application/json"),
        ("application/json, */*;q=0.1", "application/problem+json"),
        ("application/json, application/problem+json", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
        ("text/html", "application/problem+json"),
        ("application/*", "application/problem+json"),
        ("application/jsonp", "application/problem+json"),
        ("\u00e9;;,,q", "application/problem+json"),
    ],
)
def test_accept_chooses_the_name_and_refuses_nothing(accept: str, media_type: str) -> None:
    """The members are the same under either media type."""
    reply, document = answered(MalformedBody("Why."), accept=accept)
    assert reply.headers["Content-Type"] == media_type
    assert (reply.status, document) == (400, answered(MalformedBody("Why."))[1])


def test_refused_members_are_listed() -> None:
    """They keep their order, and unknown names are cut to 64 characters."""
    _, document = answered(refused_profile(("Email", "is blank"), ("\U0001f600" * 65, "is unknown")))
    assert document["errors"] == [
        {"field": "Email", "message": "is blank"},
        {"field": "\U0001f600" * 64, "message": "is unknown"},
    ]
    assert "errorsOmitted" not in document


@pytest.mark.parametrize(("count", "omitted"), [(99, None), (100, None), (101, 1), (8_000, 7_900)])
def test_at_most_100_refusals_are_listed(count: int, omitted: int | None) -> None:
    """The first ones are listed, and errorsOmitted is the number of the rest."""
    reply, document = answered(refused_profile(*((f"n{number}", "is unknown") for number in range(count))))
    assert len(document["errors"]) == min(count, 100)
    assert document["errors"][0]["field"] == "n0"
    assert document.get("errorsOmitted") == omitted
    assert len(reply.body) <= 16_384


@pytest.mark.parametrize("character", ["\x00", "\U0001f600", "\u00e9", '"', "\\"])
def test_long_names_make_no_huge_answer(character: str) -> None:
    """The size is measured as written: an escape takes six bytes and an emoji four."""
    names = [character * 64 + str(number) for number in range(8_000)]
    reply, document = answered(refused_profile(("Email", "is missing"), *((name, "is unknown") for name in names)))
    assert len(reply.body) <= 16_000
    assert document["errors"][0]["field"] == "Email"
    assert len(document["errors"]) + document["errorsOmitted"] == 8_001


def test_what_partner_center_said_is_shown_with_every_member() -> None:
    """Absent members are null."""
    error = PartnerCenterRejected("Why.", upstream=UpstreamFault(status=409, code="20002"), actor="caller")
    reply, document = answered(error)
    assert (reply.status, document["actor"]) == (409, "caller")
    assert document["upstream"] == {"status": 409, "code": "20002", "description": None, "source": None}


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (EntraFault(error="x", codes=(1, 2), trace_id="t"), {"error": "x", "codes": [1, 2], "traceId": "t"}),
        (EntraFault(error=None), {"error": None, "codes": [], "traceId": None}),
    ],
)
def test_what_entra_said_is_names_and_numbers(fault: EntraFault, shown: dict[str, Any]) -> None:
    """Entra ID's text is never included."""
    assert answered(EntraThrottled("Why.", entra=fault))[1]["entra"] == shown


def test_consent_and_outcome_are_shown() -> None:
    """The answer says where to consent, or that the outcome of a write is unknown."""
    uri = "https://login.example/adminconsent"
    assert answered(ConsentRequired("Why.", consent_uri=uri, scope="s"))[1]["consentUri"] == uri
    assert answered(PartnerCenterUnanswered("Why.", outcome="unknown"))[1]["outcome"] == "unknown"


def test_a_delivery_id_and_a_body_are_shown_to_nobody() -> None:
    """The answer omits the delivery id, and the reply's representation omits the body."""
    reply = response.problem(MalformedBody("a-detail"), IDS, accept="")
    assert "told-nobody" not in f"{reply.headers} {reply.body!r}"
    assert "a-detail" not in repr(reply)


@pytest.mark.parametrize("outcome", ["confirmed-by-read", "differs"])
def test_how_a_write_is_known_is_said(outcome: Literal["confirmed-by-read", "differs"]) -> None:
    """The header has no X- prefix (RFC 6648)."""
    answer = ProfileResponse(status=200, body=b"{}", document={}, outcome=outcome)
    assert response.success(answer, IDS).headers["Update-Outcome"] == outcome


def test_a_dry_run_shows_what_is_stored_what_would_be_written_and_what_would_change() -> None:
    """Names are in camelCase; an unset field is absent from ``current`` and null in ``changes``."""
    answer = ProfileResponse(status=203, body=b"{}", document={}, is_mfa_compliant="false")
    stored = StoredProfile(values={"Email": "Email@sample.com", "Website": "www.microsoft.com"}, unknown=("fax",))
    reply = response.success(Preview(current=stored, proposed=a_profile(), answer=answer), IDS)
    assert (reply.status, reply.headers["isMfaCompliant"]) == (200, "false")
    assert json.loads(reply.body) == {
        "validateOnly": True,
        "current": {"email": "Email@sample.com", "website": "www.microsoft.com"},
        "proposed": {"email": "email@sample.com", "telephone": "4255555555", "website": "www.microsoft.com"},
        "changes": [
            {"field": "Email", "current": "Email@sample.com", "proposed": "email@sample.com"},
            {"field": "Telephone", "current": None, "proposed": "4255555555"},
        ],
    }
