"""The handler with fakes: whatever happens, the result is an answer."""

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from builders import CLIENT, EXAMPLE_WIRE, TENANT, USER, an_incoming
from fakes import SUCCESS, FakeCredential, FakePartnerCenter, FakeValidator, Outcomes, a_service

from update_profile import __version__, handler
from update_profile.call import Call, Caller
from update_profile.deadline import Deadline
from update_profile.errors import (
    ConsentRequired,
    EntraFault,
    EntraTimeout,
    FieldError,
    InvalidToken,
    Misconfigured,
    PartnerCenterRejected,
    PartnerCenterUnanswered,
    TenantNotAllowed,
    UpdateProfileError,
    UpstreamFault,
)
from update_profile.partner_center.answer import ProfileResponse
from update_profile.request import IncomingRequest
from update_profile.response import Reply
from update_profile.service import Service

GIVEN = "0F8FAD5B-d9cb-469f-A165-70867728950e"
AUTHORIZED = {"authorization": "Bearer a.b.c"}
SECRET = "told-nobody"


async def call(outcomes: Outcomes, incoming: IncomingRequest | None = None) -> Reply:
    """Make one call that has these outcomes."""
    service = a_service(outcomes)
    return await handler.update_profile(incoming or an_incoming(headers=AUTHORIZED), service=lambda: service)


def document(reply: Reply) -> dict[str, Any]:
    """Return the JSON of an answer."""
    decoded: dict[str, Any] = json.loads(reply.body)
    return decoded


def audited(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Return the only audit record as JSON, with its log level."""
    (record,) = [record for record in caplog.records if record.getMessage().startswith("update_profile.completed")]
    fields: dict[str, Any] = json.loads(record.getMessage().partition(" ")[2])
    return fields | {"level": record.levelno}


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


async def test_a_profile_is_carried_to_partner_center(caplog: pytest.LogCaptureFixture) -> None:
    """Each step runs once and in order; the upstream's status and body are returned."""
    outcomes = Outcomes()
    reply = await call(outcomes)
    assert (reply.status, reply.body) == (SUCCESS.status, SUCCESS.body)
    assert outcomes.steps == ["token a.b.c", "exchange", "put"]
    ((profile, access_token, _),) = outcomes.sent
    assert (profile.wire_bytes(), access_token) == (EXAMPLE_WIRE, outcomes.access_token)
    record = audited(caplog)
    assert (record["code"], record["status"], record["exchange"], record["level"]) == (
        "ok",
        200,
        "cached",
        logging.INFO,
    )
    assert (record["tenant_id"], record["user_id"], record["client_id"]) == (TENANT, USER, CLIENT)


async def test_the_ids_that_go_upstream_come_back(caplog: pytest.LogCaptureFixture) -> None:
    """The answer and the upstream request have the same ids, and the log has the same request id."""
    outcomes = Outcomes()
    headers = AUTHORIZED | {"ms-correlationid": GIVEN, "webhook-id": "1"}
    reply = await call(outcomes, an_incoming(headers=headers))
    again = await call(Outcomes(), an_incoming(headers=headers))
    sent_ids = outcomes.sent[0][2].ids
    assert reply.headers["MS-CorrelationId"] == sent_ids.correlation_id == GIVEN
    assert reply.headers["MS-RequestId"] == sent_ids.request_id == again.headers["MS-RequestId"]
    assert {json.loads(record.getMessage().partition(" ")[2])["request_id"] for record in caplog.records} == {
        sent_ids.request_id
    }


UNKNOWN = PartnerCenterUnanswered("Why.", outcome="unknown")
UPSTREAM = UpstreamFault(status=409, code="20002")
ENTRA = EntraFault(error="invalid_grant", codes=(65001,), trace_id="t")


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(
    ("outcomes", "status", "steps", "level"),
    [
        (Outcomes(caller=InvalidToken("Why.")), 401, 1, logging.INFO),
        (Outcomes(caller=TenantNotAllowed("Why.")), 403, 1, logging.INFO),
        (Outcomes(access_token=ConsentRequired("Why.", entra=ENTRA, scope="s")), 403, 2, logging.INFO),
        (Outcomes(access_token=EntraTimeout("Why.")), 504, 2, logging.INFO),
        (Outcomes(answer=PartnerCenterRejected("Why.", upstream=UPSTREAM, actor="caller")), 409, 3, logging.INFO),
        (Outcomes(answer=PartnerCenterRejected("Why.", upstream=UPSTREAM)), 409, 3, logging.ERROR),
        (Outcomes(answer=UNKNOWN, stored=UNKNOWN), 504, 5, logging.INFO),
    ],
)
async def test_a_failure_of_any_step_is_answered(
    caplog: pytest.LogCaptureFixture, outcomes: Outcomes, status: int, steps: int, level: int
) -> None:
    """No later step runs, and the record is an error if the operator must act."""
    outcomes.steps.clear()
    reply = await call(outcomes)
    assert (reply.status, document(reply)["detail"]) == (status, "Why.")
    assert len(outcomes.steps) == steps
    record = audited(caplog)
    assert (record["status"], record["code"], record["level"]) == (status, document(reply)["code"], level)


@pytest.mark.parametrize(
    "raised",
    [
        RuntimeError(SECRET),
        KeyError(SECRET),
        SystemExit(SECRET),
        KeyboardInterrupt(SECRET),
        asyncio.CancelledError(SECRET),
        RecursionError(SECRET),
        MemoryError(),
    ],
)
@pytest.mark.parametrize("step", ["caller", "access_token", "answer"])
async def test_whatever_is_raised_is_an_answer(
    caplog: pytest.LogCaptureFixture, raised: BaseException, step: str
) -> None:
    """The type and location of the exception are logged, but not its text, which may repeat the caller's input."""
    reply = await call(Outcomes(**{step: raised}))
    assert (reply.status, document(reply)["code"], document(reply)["actor"]) == (500, "unexpected", "operator")
    assert "Retry-After" not in reply.headers
    assert SECRET not in f"{caplog.text} {reply}  {reply.body!r}"
    assert f"update_profile.unexpected {type(raised).__name__}" in caplog.text
    assert "fakes.py" in caplog.text
    assert audited(caplog)["level"] == logging.ERROR


async def test_a_cancelled_call_still_answers() -> None:
    """The task ends with an answer instead of a cancellation, because nothing else would answer the caller."""
    started = asyncio.Event()

    class WaitingValidator(FakeValidator):
        async def validate(self, assertion: str, *, deadline: Deadline) -> Caller:
            started.set()
            await asyncio.Event().wait()
            return await super().validate(assertion, deadline=deadline)

    outcomes = Outcomes()
    service = replace(a_service(outcomes), token_validator=WaitingValidator(outcomes))
    task = asyncio.create_task(handler.update_profile(an_incoming(headers=AUTHORIZED), service=lambda: service))
    await started.wait()
    task.cancel()
    assert document(await task)["code"] == "unexpected"


@pytest.mark.parametrize("raised", [RuntimeError(SECRET), SystemExit(SECRET)])
async def test_a_service_that_cannot_be_built_is_an_answer(
    caplog: pytest.LogCaptureFixture, raised: BaseException
) -> None:
    """This holds for a call and for health."""

    def build() -> Service:
        raise raised

    replies = [
        await handler.update_profile(an_incoming(), service=build),
        handler.health(an_incoming(method="GET"), service=build),
    ]
    for reply in replies:
        assert (reply.status, document(reply)["code"]) == (500, "unexpected")
    assert SECRET not in caplog.text


def test_health_says_that_the_settings_are_sound() -> None:
    """The answer has the version and the call's ids; the query is ignored."""
    service = a_service(Outcomes())
    incoming = an_incoming(method="GET", url="https://h/api/health?x=1", headers={"ms-correlationid": GIVEN}, body=b"")
    reply = handler.health(incoming, service=lambda: service)
    assert (reply.status, document(reply)) == (200, {"status": "ok", "version": __version__})
    assert reply.headers["MS-CorrelationId"] == GIVEN


@pytest.mark.parametrize("raised", [FileNotFoundError(SECRET), SystemExit(SECRET)])
def test_a_description_that_cannot_be_read_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, raised: BaseException
) -> None:
    """The log shows where it was raised, and nothing of its message."""

    def read() -> bytes:
        raise raised

    monkeypatch.setattr(handler, "read_description", read)
    reply = handler.openapi(an_incoming(method="GET", headers={"ms-correlationid": GIVEN}, body=b""))
    assert (reply.status, document(reply)["code"], document(reply)["correlationId"]) == (500, "unexpected", GIVEN)
    assert f"update_profile.unexpected {type(raised).__name__}" in caplog.text
    assert SECRET not in caplog.text


def misconfigured() -> Service:
    """Raise the error of a service whose settings are wrong."""
    raise Misconfigured("Why.", fields=(FieldError(field="ENTRA_CLIENT_ID", message="is missing"),))


def test_health_names_the_settings_that_are_wrong() -> None:
    """The status is 503 without Retry-After, because a retry does not help."""
    reply = handler.health(an_incoming(headers={"accept": "application/json"}), service=misconfigured)
    told = document(reply)
    assert (reply.status, told["status"], told["code"]) == (503, 503, "misconfigured")
    assert told["errors"] == [{"field": "ENTRA_CLIENT_ID", "message": "is missing"}]
    assert reply.headers["Content-Type"] == "application/json"
    assert "Retry-After" not in reply.headers


@pytest.mark.parametrize("error", [InvalidToken("Why."), EntraTimeout("Why.")])
async def test_a_failure_is_named_as_the_caller_asks(error: UpdateProfileError) -> None:
    """The Accept header is passed on to the response."""
    incoming = an_incoming(headers=AUTHORIZED | {"accept": "application/json"})
    reply = await call(Outcomes(caller=error), incoming)
    assert reply.headers["Content-Type"] == "application/json"


async def test_a_small_body_makes_no_huge_refusal(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of unknown names in 64 KiB flood neither the caller nor the log."""
    names = ",".join(f'"{number:x}z":1' for number in range(6_000))
    body = f'{{{names},"Telephone":"4255555555","Website":"{SECRET}"}}'.encode()
    assert len(body) <= 65_536
    reply = await call(Outcomes(), an_incoming(headers=AUTHORIZED, body=body))
    told = document(reply)
    assert (reply.status, len(told["errors"]), told["errorsOmitted"]) == (422, 100, 6_001 - 100)
    assert told["errors"][0]["field"] == "Email"
    assert len(reply.body) <= 16_384
    assert "3e7z" not in caplog.text
    assert SECRET not in f"{caplog.text}{reply.body!r}"
    assert len(caplog.text) < 2_000


async def test_a_credential_that_cannot_be_used_is_told_before_anything_else() -> None:
    """A call and health both report it, because it is a wrong setting."""
    fault = Misconfigured("Why.", fields=(FieldError(field="ENTRA_CLIENT_CERTIFICATE_PATH", message="x"),))
    outcomes = Outcomes()
    service = a_service(outcomes, credential=FakeCredential(fault))
    update = await handler.update_profile(an_incoming(headers={"ms-requestid": "1"}), service=lambda: service)
    health = handler.health(an_incoming(method="GET"), service=lambda: service)
    assert (update.status, health.status) == (500, 503)
    assert document(update)["errors"] == document(health)["errors"] != []
    assert not outcomes.steps


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(("stored", "status", "outcome"), [(SUCCESS, 200, "confirmed-by-read"), (UNKNOWN, 504, None)])
async def test_a_fault_of_ours_behind_a_write_is_of_unknown_outcome_and_is_read_back(
    stored: Any, status: int, outcome: str | None
) -> None:
    """Whatever is raised while the write is unanswered, reading back may still confirm it."""

    class Failing(FakePartnerCenter):
        async def request(self, profile: Any, *arguments: Any, call: Call, **options: Any) -> ProfileResponse:
            if profile is None:
                return await super().request(profile, *arguments, call=call, **options)
            call.unanswered_write = True
            raise ZeroDivisionError(SECRET)

    outcomes = Outcomes(stored=stored)
    service = replace(a_service(outcomes), partner_center=Failing(outcomes))
    reply = await handler.update_profile(an_incoming(headers=AUTHORIZED), service=lambda: service)
    assert (reply.status, reply.headers.get("Update-Outcome")) == (status, outcome)
    assert SECRET not in f"{reply.body!r}"
    assert outcomes.steps[-1] == "get"


async def test_a_fault_of_ours_is_logged_though_a_read_confirms_the_write(caplog: pytest.LogCaptureFixture) -> None:
    """The caller has a success, and the operator sees the defect."""

    class Failing(FakePartnerCenter):
        async def request(self, profile: Any, *arguments: Any, call: Call, **options: Any) -> ProfileResponse:
            if profile is None:
                return await super().request(profile, *arguments, call=call, **options)
            call.unanswered_write = True
            raise ZeroDivisionError(SECRET)

    outcomes = Outcomes(stored=SUCCESS)
    service = replace(a_service(outcomes), partner_center=Failing(outcomes))
    assert (await handler.update_profile(an_incoming(headers=AUTHORIZED), service=lambda: service)).status == 200
    assert "update_profile.unexpected ZeroDivisionError" in caplog.text


async def test_a_fault_of_ours_while_reading_back_is_of_unknown_outcome(caplog: pytest.LogCaptureFixture) -> None:
    """The write may have been done, so this is not an unexpected failure; the operator sees the fault."""

    class Failing(FakePartnerCenter):
        async def request(self, *arguments: Any, call: Call, **options: Any) -> ProfileResponse:
            call.unanswered_write = True
            raise ZeroDivisionError(SECRET)

    outcomes = Outcomes()
    service = replace(a_service(outcomes), partner_center=Failing(outcomes))
    reply = await handler.update_profile(an_incoming(headers=AUTHORIZED), service=lambda: service)
    told = document(reply)
    assert (told["code"], told["outcome"]) == ("partner_center_timeout", "unknown")
    assert "update_profile.unexpected ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text


async def test_a_silent_entra_is_logged_with_the_calls_id(caplog: pytest.LogCaptureFixture) -> None:
    """For a caller whose signature is verified it is a warning; strangers write nothing above INFO."""
    error = EntraTimeout("Why.", reason="exchange", no_answer="deadline")
    with caplog.at_level(logging.INFO, logger="update_profile"):
        reply = await call(Outcomes(access_token=error))
        await call(Outcomes(caller=error))
    records = [record for record in caplog.records if "no_answer entra" in record.getMessage()]
    assert [record.levelname for record in records] == ["WARNING", "INFO"]
    told = f"update_profile.no_answer entra {reply.headers['MS-CorrelationId']} POST deadline"
    assert records[0].getMessage() == told


async def test_a_new_credential_that_cannot_be_used_is_logged_while_the_old_one_serves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The call succeeds."""
    fault = FieldError(field="ENTRA_CLIENT_CERTIFICATE_PATH", message="cannot be read")
    service = a_service(Outcomes(), credential=FakeCredential(fault))
    reply = await handler.update_profile(an_incoming(headers=AUTHORIZED), service=lambda: service)
    assert reply.status == 200
    assert "update_profile.bad_certificate ENTRA_CLIENT_CERTIFICATE_PATH cannot be read" in caplog.text


@pytest.mark.parametrize("fields", [(), (FieldError(field="ENTRA_CLIENT_ID", message="is missing"),)])
async def test_a_misconfiguration_names_the_settings_each_time(
    caplog: pytest.LogCaptureFixture, fields: tuple[FieldError, ...]
) -> None:
    """Without settings the reason says what it is."""
    error = Misconfigured("Why.", reason="credential", fields=fields)
    for _ in range(2):
        await call(Outcomes(caller=error))
    told = "ENTRA_CLIENT_ID is missing" if fields else "credential"
    assert caplog.text.count(f"update_profile.misconfigured {told}") == 2
