"""Reads, partial updates and dry runs through the real runtime."""

import json

import pytest
from builders import EXAMPLE
from live_function import ROUTE, EveryLog, LiveFunction

from sandbox import Answer, Fault
from sandbox.partner_center import answers
from sandbox.partner_center.profiles import START

DRY_RUN = f"{ROUTE}?validate_only=true"
MERGE_PATCH = [("Content-Type", "application/merge-patch+json")]


def stored(live: LiveFunction) -> dict[str, str]:
    """Return the record that Partner Center stores for alice's tenant."""
    return live.sandbox.partner_center.profiles[live.sandbox.entra.tenants[0]]


def methods(live: LiveFunction) -> list[str]:
    """Return the methods of Partner Center's requests, in order."""
    return [entry.method for entry in live.sandbox.partner_center.journal]


async def test_the_profile_is_read_as_the_caller(live: LiveFunction) -> None:
    """The answer is Partner Center's, and the GET upstream has no body and no Content-Type."""
    answered = await live.call(method="GET", body=b"")
    assert (answered.status, answered.headers["content-type"]) == (200, "application/json")
    assert answered.json == live.sandbox.partner_center.profiles.read(live.sandbox.entra.tenants[0])
    (get,) = live.sandbox.partner_center.journal
    assert (get.method, get.path, get.user, get.body) == ("GET", "/v1/profiles/support", "alice", b"")
    headers = {name.lower() for name, _ in get.headers}
    assert headers == {
        "host", "authorization", "accept", "accept-encoding", "user-agent", "ms-requestid", "ms-correlationid",
        "ms-contract-version",
    }  # fmt: skip


async def test_what_was_read_can_be_posted_back(live: LiveFunction) -> None:
    """Clients of Partner Center read the profile, change a value and send everything back."""
    read = (await live.call(method="GET", body=b"")).json
    assert (await live.call({**read, "telephone": "1"})).status == 200
    assert stored(live) == {**START, "telephone": "1"}


@pytest.mark.parametrize("headers", [MERGE_PATCH, []], ids=["merge-patch+json", "json"])
@pytest.mark.parametrize(("name", "wire"), [("email", "Email"), ("Telephone", "Telephone"), ("WEBSITE", "Website")])
async def test_a_patch_changes_one_field_and_keeps_the_others(
    live: LiveFunction, headers: list[tuple[str, str]], name: str, wire: str
) -> None:
    """The call sends a GET and then a PUT of the full merged profile, both under its one request id."""
    answered = await live.call({name: EXAMPLE[wire]}, method="PATCH", headers=headers)
    assert answered.status == 200
    assert stored(live) == {**START, wire.lower(): EXAMPLE[wire]}
    assert methods(live) == ["GET", "PUT"]
    assert {entry.header("MS-RequestId") for entry in live.sandbox.partner_center.journal} == {
        answered.headers["ms-requestid"]
    }
    assert list(json.loads(live.puts[0].body)) == ["Email", "Telephone", "Website", "ProfileType", "Attributes"]


async def test_a_field_cannot_be_removed(live: LiveFunction) -> None:
    """A null value is refused with that reason, before Partner Center is asked."""
    answered = await live.call({"Email": None}, method="PATCH", headers=MERGE_PATCH)
    assert (answered.status, answered.code) == (422, "invalid_profile")
    assert "not removed" in answered.json["errors"][0]["message"]
    assert methods(live) == []


async def test_a_stored_profile_with_a_member_of_another_time_is_not_changed(live: LiveFunction) -> None:
    """A PUT would lose the unknown member, so both the write and its dry run are refused."""
    stored(live)["fax"] = "+1 425 555 0101"
    for target in (ROUTE, DRY_RUN):
        answered = await live.call({"Email": "a@b"}, method="PATCH", target=target)
        assert (answered.status, answered.code, answered.fields) == (422, "invalid_profile", ["fax"])
        assert b"555 0101" not in answered.body
    assert not live.puts


async def test_a_profile_that_is_stored_incompletely_needs_the_rest(live: LiveFunction) -> None:
    """The answer names the missing fields and says that none is stored yet."""
    stored(live).clear()
    answered = await live.call({"Email": "a@b"}, method="PATCH")
    assert (answered.status, answered.code, answered.fields) == (422, "invalid_profile", ["Telephone", "Website"])
    assert all("none is stored yet" in error["message"] for error in answered.json["errors"])
    assert (await live.call(EXAMPLE, method="PATCH")).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_dry_run_shows_the_change_and_writes_nothing(
    live: LiveFunction, every_log: EveryLog, method: str
) -> None:
    """The answer shows the stored profile, the proposed profile, and the differences by field."""
    changed = {**START, "email": "help@Contoso.example"}
    del stored(live)["telephone"]
    answered = await live.call(changed, method=method, target=DRY_RUN)
    assert (answered.status, answered.headers["content-type"]) == (200, "application/json")
    assert answered.json == {
        "validateOnly": True,
        "current": {"email": START["email"], "website": START["website"]},
        "proposed": changed,
        "changes": [
            {"field": "Email", "current": START["email"], "proposed": "help@Contoso.example"},
            {"field": "Telephone", "current": None, "proposed": START["telephone"]},
        ],
    }
    assert methods(live) == ["GET"]
    (audit,) = every_log.audits
    told = vars(audit)
    assert (told["operation"], told["validate_only"], told["code"]) == (method.lower(), True, "ok")


async def test_a_dry_run_of_what_is_stored_changes_nothing(live: LiveFunction) -> None:
    """The current and the proposed profile are equal, and the list of changes is empty."""
    answered = await live.call(START, target=f"{ROUTE}?validate_only=TRUE&code=x")
    assert answered.json["changes"] == []
    assert answered.json["current"] == answered.json["proposed"] == START


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (answers.missing_role(), 403, "partner_center_rejected"),
        (answers.mfa_required(), 401, "partner_center_mfa_required"),
        (Answer(status=302), 502, "partner_center_unexpected"),
        (Answer(body=b"<html>"), 504, "partner_center_timeout"),
        (answers.fault(200, 2000), 504, "partner_center_timeout"),
    ],
    ids=["role", "mfa", "redirect", "HTML", "fault under 200"],
)
@pytest.mark.parametrize("call", [("POST", DRY_RUN), ("PATCH", ROUTE), ("PATCH", DRY_RUN)])
async def test_a_refused_read_is_a_refused_call(
    live: LiveFunction, answer: Answer, status: int, code: str, call: tuple[str, str]
) -> None:
    """Nothing was written, so the answer has no outcome member."""
    method, target = call
    live.sandbox.partner_center.script(answer, method="GET")
    answered = await live.call(method=method, target=target)
    assert (answered.status, answered.code) == (status, code)
    assert "outcome" not in answered.json
    assert not live.puts


@pytest.mark.parametrize("target", [f"{ROUTE}?validate_only=true", f"{ROUTE}?validate_only=false"])
async def test_a_read_has_no_dry_run(live: LiveFunction, target: str) -> None:
    """validate_only is a parameter of writes, so a GET refuses it with either value."""
    answered = await live.call(method="GET", target=target, body=b"")
    assert (answered.status, answered.code) == (400, "invalid_parameter")
    assert not live.sandbox.partner_center.journal


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_the_token_is_checked_before_all_else(live: LiveFunction, method: str) -> None:
    """A read needs a token too, and a missing token is reported before an empty body."""
    answered = await live.call(method=method, user=None, body=b"")
    assert (answered.status, answered.code) == (401, "missing_token")


async def test_a_refused_path_names_the_setting_that_may_mend_it(live: LiveFunction, every_log: EveryLog) -> None:
    """Answer and log name the setting for reads and writes; the other path is not tried automatically."""
    center = live.sandbox.partner_center
    center.get_path, center.put_path = "/v1/profiles/supportprofile", "/v1/profiles/support"
    write = await live.call()
    assert (write.status, write.json["actor"]) == (404, "operator")
    assert "PARTNER_CENTER_PROFILE_PATH may need to be /v1/profiles/support" in write.json["detail"]
    read = await live.call(method="GET", body=b"")
    assert "PARTNER_CENTER_READ_PATH may need to be /v1/profiles/supportprofile" in read.json["detail"]
    assert "PARTNER_CENTER_PROFILE_PATH=/v1/profiles/support" in every_log.text()
    assert methods(live) == ["PUT", "GET"]
    live.set(PARTNER_CENTER_PROFILE_PATH=center.put_path, PARTNER_CENTER_READ_PATH=center.get_path)
    assert (await live.call()).status == 200
    assert (await live.call(method="GET", body=b"")).status == 200
    live.set(PARTNER_CENTER_PROFILE_PATH=None, PARTNER_CENTER_READ_PATH=None)


async def test_compliance_comes_back_with_a_dry_run(live: LiveFunction) -> None:
    """MFA compliance can be checked before anything is written."""
    live.set(PARTNER_CENTER_VALIDATE_MFA="true")
    answered = await live.call(target=DRY_RUN)
    assert answered.headers["ismfacompliant"] == "true"
    assert live.sandbox.partner_center.journal[0].header("ValidateMfa") == "true"
    live.set(PARTNER_CENTER_VALIDATE_MFA=None)


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER_REQUEST, Fault.CLOSE, Fault.HANG])
async def test_a_read_without_an_answer_is_tried_again(live: LiveFunction, fault: Fault) -> None:
    """One failure is retried. A lasting one is reported without an outcome, because a read changes nothing."""
    live.allow(3)
    live.sandbox.partner_center.script(Answer.trouble(fault))
    assert (await live.call(method="GET", body=b"")).status == 200
    assert methods(live) == ["GET", "GET"]
    live.allow(1)
    live.sandbox.partner_center.script(Answer.trouble(fault), times=None)
    answered = await live.call(method="GET", body=b"")
    assert (answered.status, answered.code, answered.json["retryable"]) == (504, "partner_center_timeout", True)
    assert "outcome" not in answered.json


async def test_a_dry_run_of_a_delivery_does_not_bear_the_id_of_the_write_that_follows(live: LiveFunction) -> None:
    """Repeats of the dry run share one request id, and repeats of the write share another."""
    delivery = [("Idempotency-Key", "1")]
    ids = [
        (await live.call(target=target, headers=delivery)).headers["ms-requestid"]
        for target in (DRY_RUN, ROUTE, ROUTE, DRY_RUN)
    ]
    assert (ids[0], ids[1]) == (ids[3], ids[2])
    assert ids[0] != ids[1]
    assert [entry.header("MS-RequestId") for entry in live.sandbox.partner_center.journal] == ids
