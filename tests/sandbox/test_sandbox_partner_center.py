"""The Partner Center stand-in stores profiles for valid tokens, and refuses requests as Partner Center does."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from sandbox_clients import PROFILE, client

from sandbox import Answer, Sandbox
from sandbox.partner_center import answers
from sandbox.tokens import SigningKey, peek

BOM = b"\xef\xbb\xbf"
GET_PATH = "/v1/profiles/support"
PUT_PATH = "/v1/profiles/supportprofile"


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    started.reset()
    return started


def put(sandbox: Sandbox, **more: str) -> httpx.Response:
    with client(sandbox) as partner_center:
        return partner_center.put(PUT_PATH, json=PROFILE, headers=more)


def test_a_put_replaces_the_profile_and_gives_back_the_documented_answer(sandbox: Sandbox) -> None:
    answer = put(sandbox)
    documented = (
        '{"email":"email@sample.com","telephone":"4255555555","website":"www.microsoft.com",'
        '"profileType":"support_profile",'
        '"links":{"self":{"uri":"/v1/profiles/support","method":"GET","headers":[]}},'
        '"attributes":{"objectType":"PartnerSupportProfile"}}'
    )
    assert (answer.status_code, answer.content) == (200, BOM + documented.encode())
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(documented) + 3
    with client(sandbox) as partner_center:
        assert partner_center.get(GET_PATH).content == answer.content


def test_names_are_taken_in_any_case_and_what_is_left_out_is_unset_and_not_given_as_null(sandbox: Sandbox) -> None:
    with client(sandbox) as partner_center:
        partner_center.put(PUT_PATH, json={"eMAIL": "a@b.example", "website": None})
        profile = json.loads(partner_center.get(GET_PATH).content.decode("utf-8-sig"))
    assert profile.keys() == {"email", "profileType", "links", "attributes"}
    assert sandbox.partner_center.profiles[sandbox.entra.tenants[0]] == {"email": "a@b.example"}


def test_each_tenant_has_a_record_of_its_own_that_its_users_share(sandbox: Sandbox) -> None:
    put(sandbox)
    with client(sandbox, "bob") as bob, client(sandbox, "carol") as carol:
        assert b"email@sample.com" in bob.get(GET_PATH).content
        assert b"help@contoso.example" in carol.get(GET_PATH).content


def test_a_tenant_without_a_record_has_every_value_unset(sandbox: Sandbox) -> None:
    del sandbox.partner_center.profiles[sandbox.entra.tenants[0]]
    with client(sandbox) as partner_center:
        profile = json.loads(partner_center.get(GET_PATH).content.decode("utf-8-sig"))
    assert profile.keys() == {"profileType", "links", "attributes"}


def test_the_ids_come_back_as_they_were_sent_and_are_made_when_absent(sandbox: Sandbox) -> None:
    sent = {"MS-RequestId": "603F3cd9-01b8-48f2-b65d-855a246f5bfd", "MS-CorrelationId": "any text"}
    answer = put(sandbox, **sent)
    assert {name: answer.headers[name] for name in sent} == sent
    assert len(put(sandbox).headers["MS-RequestId"]) == 36


def test_mfa_compliance_is_told_to_those_who_ask(sandbox: Sandbox) -> None:
    assert put(sandbox, ValidateMfa="true").headers["isMfaCompliant"] == "true"
    assert "isMfaCompliant" not in put(sandbox).headers
    sandbox.partner_center.require_mfa = False
    token = sandbox.entra.partner_center_token("alice", amr=["pwd"])
    answer = put(sandbox, ValidateMfa="true", Authorization=f"Bearer {token}")
    assert (answer.status_code, answer.headers["isMfaCompliant"]) == (200, "false")
    sandbox.partner_center.tell_mfa = False
    assert "isMfaCompliant" not in put(sandbox, ValidateMfa="true", Authorization=f"Bearer {token}").headers


def test_one_put_path_is_taken_and_it_can_be_the_other(sandbox: Sandbox) -> None:
    with client(sandbox) as partner_center:
        assert partner_center.put(GET_PATH, json=PROFILE).status_code == 404
        sandbox.partner_center.put_path = GET_PATH
        assert partner_center.put(GET_PATH, json=PROFILE).status_code == 200
        assert partner_center.put(PUT_PATH, json=PROFILE).status_code == 404
        assert partner_center.patch(GET_PATH, json=PROFILE).status_code == 405


TOKENS: dict[str, tuple[Callable[[Sandbox], str | None], int, int | str]] = {
    "none": (lambda _: None, 401, 800001),
    "expired": (lambda s: s.entra.partner_center_token("alice", exp=1), 401, 800001),
    "forged": (lambda s: s.entra.mint(peek(s.entra.partner_center_token("alice")), key=SigningKey()), 401, 800001),
    "of a v2 issuer": (lambda s: s.entra.partner_center_token("alice", iss="https://login/v2.0"), 401, 800001),
    "for the function": (lambda s: s.entra.sign_in("alice"), 401, "900420"),
    "without a second factor": (lambda s: s.entra.partner_center_token("alice", amr=["pwd"]), 401, 900421),
    "of an application": (lambda s: s.entra.partner_center_token("alice", scp=None), 403, 900329),
    "without the permission": (lambda s: s.entra.partner_center_token("alice", scp="other"), 403, 900308),
}


@pytest.mark.parametrize("case", TOKENS)
def test_a_bad_token_is_refused_with_partner_center_s_own_code_and_nothing_is_stored(
    sandbox: Sandbox, case: str
) -> None:
    create, status, code = TOKENS[case]
    token = create(sandbox)
    with client(sandbox, None) as partner_center:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = partner_center.put(PUT_PATH, json=PROFILE, headers=headers)
    fault = json.loads(answer.content.decode("utf-8-sig"))
    assert (answer.status_code, fault["code"], fault["source"]) == (status, code, "PartnerFD")
    assert "email@sample.com" not in str(sandbox.partner_center.profiles)


def test_a_body_that_is_no_profile_is_a_400(sandbox: Sandbox) -> None:
    with client(sandbox) as partner_center:
        assert b"800002" in partner_center.put(PUT_PATH, content=b"{").content
        assert b"800002" in partner_center.put(PUT_PATH, json=[]).content
        assert b"3000" in partner_center.put(PUT_PATH, json={"Email": {}}).content


def test_the_old_mfa_refusal_is_a_reason_phrase_and_nothing_else(sandbox: Sandbox) -> None:
    sandbox.partner_center.script(answers.mfa_required_old_form())
    answer = put(sandbox)
    assert (answer.status_code, answer.reason_phrase, answer.content) == (401, "Unauthorized - MFA required", b"")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "MS-RequestId" not in answer.headers


SHAPES: dict[str, tuple[Answer, int, bytes, bool]] = {
    "a fault": (answers.fault(400, "2006", data=None), 400, b'{"code":"2006",', True),
    "the gateway's": (answers.throttled(), 429, b'{"statusCode":429,', False),
    "a bare message": (answers.missing_role(), 403, b'{"message":"The supplied role', True),
    "plain text": (answers.text(401, "MFA required. (10001)"), 401, b"MFA required. (10001)", False),
    "nothing": (Answer(status=500), 500, b"", False),
}


@pytest.mark.parametrize("case", SHAPES)
def test_refusals_come_in_five_shapes(sandbox: Sandbox, case: str) -> None:
    scripted, status, start, has_ids = SHAPES[case]
    sandbox.partner_center.script(scripted)
    answer = put(sandbox, **{"MS-RequestId": "mine"})
    assert answer.status_code == status
    assert answer.content.removeprefix(BOM).startswith(start)
    assert (answer.headers.get("MS-RequestId") == "mine") is has_ids
    assert "email@sample.com" not in str(sandbox.partner_center.profiles)


def test_a_script_is_bound_to_method_tenant_and_user(sandbox: Sandbox) -> None:
    sandbox.partner_center.script(Answer(status=503), method="PUT", user="alice", times=2)
    sandbox.partner_center.script(Answer(status=504), tenant=sandbox.entra.tenants[1], times=None)
    with client(sandbox, "bob") as bob, client(sandbox, "carol") as carol, client(sandbox) as alice:
        assert bob.put(PUT_PATH, json=PROFILE).status_code == 200
        assert alice.get(GET_PATH).status_code == 200
        assert [alice.put(PUT_PATH, json=PROFILE).status_code for _ in range(3)] == [503, 503, 200]
        assert [carol.get(GET_PATH).status_code for _ in range(3)] == [504, 504, 504]


def test_a_write_can_be_applied_behind_any_answer(sandbox: Sandbox) -> None:
    sandbox.partner_center.script(Answer(status=500, apply=True))
    assert put(sandbox).status_code == 500
    assert sandbox.partner_center.profiles[sandbox.entra.tenants[0]]["email"] == "email@sample.com"


def emails(sandbox: Sandbox, times: int, user: str = "alice") -> list[str]:
    """Return the email address that each of `times` reads returns."""
    with client(sandbox, user) as partner_center:
        return [json.loads(partner_center.get(GET_PATH).content)["email"] for _ in range(times)]


def test_reads_may_lag_behind_a_write_in_its_own_tenant(sandbox: Sandbox) -> None:
    sandbox.partner_center.profiles.lag(reads=2)
    assert b"email@sample.com" in put(sandbox).content
    assert emails(sandbox, 1, "carol") == ["help@contoso.example"]
    assert emails(sandbox, 3) == ["help@contoso.example", "help@contoso.example", "email@sample.com"]
    assert sandbox.partner_center.profiles[sandbox.entra.tenants[0]]["email"] == "email@sample.com"


def test_reads_that_lag_do_so_behind_a_write_that_got_another_answer_too(sandbox: Sandbox) -> None:
    sandbox.partner_center.profiles.lag(reads=1)
    sandbox.partner_center.script(Answer(status=500, apply=True))
    assert put(sandbox).status_code == 500
    assert emails(sandbox, 2) == ["help@contoso.example", "email@sample.com"]


def test_what_is_written_may_be_kept_in_another_form(sandbox: Sandbox) -> None:
    sandbox.partner_center.profiles.rewrite = lambda record: {**record, "email": record["email"].upper(), "fax": "1"}
    answer = json.loads(put(sandbox).content)
    assert (answer["email"], answer["fax"], answer["telephone"]) == ("EMAIL@SAMPLE.COM", "1", "4255555555")
    assert emails(sandbox, 1) == ["EMAIL@SAMPLE.COM"]


def test_the_journal_has_what_was_sent_with_user_and_tenant(sandbox: Sandbox) -> None:
    put(sandbox, **{"MS-RequestId": "mine"})
    (entry,) = sandbox.partner_center.journal
    assert (entry.method, entry.path, entry.status) == ("PUT", PUT_PATH, 200)
    assert (entry.user, entry.tenant) == ("alice", sandbox.entra.tenants[0])
    assert json.loads(entry.body) == PROFILE
    assert ("MS-RequestId", "mine") in entry.headers


def test_a_reset_forgets_scripts_journals_profiles_and_switches(sandbox: Sandbox) -> None:
    put(sandbox)
    sandbox.partner_center.script(Answer(status=500), times=None)
    sandbox.partner_center.put_path = GET_PATH
    sandbox.partner_center.profiles.lag(reads=9)
    sandbox.partner_center.profiles.rewrite = lambda _: {}
    sandbox.reset()
    assert sandbox.partner_center.journal == []
    assert "email@sample.com" not in str(sandbox.partner_center.profiles)
    assert put(sandbox).status_code == 200
    assert emails(sandbox, 1) == ["email@sample.com"]
