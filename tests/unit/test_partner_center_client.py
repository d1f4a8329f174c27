"""The request to Partner Center as it is sent, and its possible outcomes, over real TLS."""

import asyncio
import json
import logging
from dataclasses import replace

import httpx
import pytest
from builders import EXAMPLE_WIRE, TENANT, USER, a_caller, some_settings
from fakes_upstream import FakeHttp, an_answer
from live_service import a_call, a_profile, living_service, open_sockets, put, sent, until_closed

from sandbox import Answer, Fault, Sandbox
from sandbox.partner_center import answers
from update_profile.call import AccessToken
from update_profile.deadline import Deadline
from update_profile.errors import (
    PartnerCenterRejected,
    PartnerCenterUnanswered,
    PartnerCenterUnexpected,
    PartnerCenterUnreachable,
)
from update_profile.partner_center.client import PartnerCenter
from update_profile.service import Service
from update_profile.support_profile import SupportProfile
from update_profile.transport.messages import TransportError

WRITTEN = b'{"email":"email@sample.com","telephone":"4255555555","website":"www.microsoft.com"}'
TOKEN = AccessToken(value="token", expires_in_seconds=60)


async def test_exactly_the_documented_request_goes_out(sandbox: Sandbox) -> None:
    """The body has 167 bytes, and there are no headers other than the documented ones."""
    call = a_call(headers={})
    with living_service(sandbox) as service:
        await put(service, sandbox, call=call)
    entry = sandbox.partner_center.journal[-1]
    assert (entry.method, entry.path, entry.body) == ("PUT", "/v1/profiles/supportprofile", EXAMPLE_WIRE)
    assert len(entry.body) == 167
    headers = {name.lower(): value for name, value in entry.headers}
    assert len(headers) == len(entry.headers)
    assert headers.pop("authorization").startswith("Bearer ey")
    assert headers.pop("user-agent").startswith("update-profile/")
    assert headers.pop("host") == sandbox.partner_center.base_url.removeprefix("https://")
    assert headers == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": "167",
        "ms-requestid": call.ids.request_id,
        "ms-correlationid": call.ids.correlation_id,
        "ms-contract-version": "v1",
    }


async def test_a_report_on_mfa_is_asked_for_only_where_it_is_set(sandbox: Sandbox) -> None:
    """ValidateMfa is sent only if the setting is true, and the result is returned."""
    with living_service(sandbox, PARTNER_CENTER_VALIDATE_MFA="true") as service:
        answer = await put(service, sandbox)
    assert sandbox.partner_center.journal[-1].header("ValidateMfa") == "true"
    assert answer.is_mfa_compliant == "true"
    with living_service(sandbox) as service:
        assert (await put(service, sandbox)).is_mfa_compliant is None


async def test_letters_of_any_script_go_out_as_they_are(sandbox: Sandbox) -> None:
    """The body is raw UTF-8 without escapes, and its length is counted in bytes."""
    with living_service(sandbox) as service:
        await put(service, sandbox, profile=a_profile(Email="ünïcode@例え.テスト", Telephone="٤٢٥ \U0001f4de"))
    entry = sandbox.partner_center.journal[-1]
    assert "ünïcode@例え.テスト".encode() in entry.body
    assert b"\\u" not in entry.body
    assert entry.header("Content-Length") == str(len(entry.body))


@pytest.mark.parametrize(
    "answer",
    [
        Answer.trouble(Fault.RESET_AFTER_REQUEST),
        Answer.trouble(Fault.CLOSE),
        Answer.trouble(Fault.HANG),
        Answer(headers=(("Request Context", "a"),), body=b"{}"),
        Answer(headers=(("Content-Length", "2"), ("Content-Length", "3")), body=b"{}"),
    ],
)
async def test_a_write_without_a_readable_answer_is_of_unknown_outcome(sandbox: Sandbox, answer: Answer) -> None:
    """The request was sent, so the write may or may not have happened."""
    sandbox.partner_center.script(answer)
    with living_service(sandbox) as service, pytest.raises(PartnerCenterUnanswered) as caught:
        await put(service, sandbox, call=a_call(seconds=1))
    assert caught.value.outcome == "unknown"
    assert "delivery id" in caught.value.detail


@pytest.mark.parametrize("base_url", ["https://localhost:1", "https://nowhere.invalid"])
async def test_where_nothing_was_sent_it_is_unreachable(sandbox: Sandbox, base_url: str) -> None:
    """The connection is refused, or the host name does not exist."""
    with (
        living_service(sandbox, PARTNER_CENTER_BASE_URL=base_url) as service,
        pytest.raises(PartnerCenterUnreachable),
    ):
        await put(service, sandbox, call=a_call(seconds=5))


async def test_a_redirect_is_an_answer_and_is_not_followed(sandbox: Sandbox) -> None:
    """A Location that cannot be parsed makes no difference."""
    for location in (f"{sandbox.partner_center.base_url}/elsewhere", "https://[", "http://\x7f"):
        sandbox.partner_center.script(Answer(status=307, headers=(("Location", location),)))
        with living_service(sandbox) as service, pytest.raises(PartnerCenterUnexpected):
            await put(service, sandbox)
    assert {entry.path for entry in sandbox.partner_center.journal} == {"/v1/profiles/supportprofile"}


async def test_the_other_path_is_a_setting(sandbox: Sandbox) -> None:
    """The SDKs use the other path."""
    sandbox.partner_center.put_path = "/v1/profiles/support"
    with living_service(sandbox) as service, pytest.raises(PartnerCenterRejected):
        await put(service, sandbox)
    with living_service(sandbox, PARTNER_CENTER_PROFILE_PATH="/v1/profiles/support") as service:
        assert (await put(service, sandbox)).status == 200


async def test_a_success_that_shows_no_profile_proves_no_write(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault under a success is logged without its text."""
    sandbox.partner_center.script(answers.fault(200, 2000, "text of theirs"))
    call = a_call()
    with (
        living_service(sandbox) as service,
        caplog.at_level(logging.WARNING),
        pytest.raises(PartnerCenterUnanswered) as caught,
    ):
        await put(service, sandbox, call=call)
    assert (caught.value.reason, caught.value.outcome) == ("unreadable", "unknown")
    assert f"update_profile.fault_under_success {call.ids.correlation_id}" in caplog.text
    assert "text of theirs" not in caplog.text
    assert call.unanswered_write


@pytest.mark.parametrize("status", [204, 205])
async def test_a_success_without_a_body_is_relayed_with_a_warning(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Its status says that there is nothing to show."""
    call = a_call()
    response = await sent(PartnerCenter(some_settings(), FakeHttp(an_answer(status, b"x"))), TOKEN, call)
    assert (response.status, response.body, response.outcome) == (status, b"", None)
    assert f"update_profile.write_not_shown {call.ids.correlation_id} {status}" in caplog.text
    assert not call.unanswered_write


async def test_a_value_that_differs_in_the_answer_is_a_success_that_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Partner Center may keep another form, or may have written nothing; the log names the fields."""
    http = FakeHttp(an_answer(200, WRITTEN.replace(b"email@", b"EMAIL@").replace(b"www.", b"https://www.")))
    call = a_call()
    response = await sent(PartnerCenter(some_settings(), http), TOKEN, call)
    assert (response.status, response.outcome) == (200, "differs")
    assert f"update_profile.write_differs {call.ids.correlation_id} Email,Website" in caplog.text
    assert "EMAIL@" not in caplog.text


async def test_a_refusal_is_an_answer_to_a_write_and_a_refused_read_back_is_none() -> None:
    """A write stays unanswered until an answer to the write itself arrives."""
    call = a_call()
    center = PartnerCenter(some_settings(), FakeHttp(an_answer(400)))
    with pytest.raises(PartnerCenterRejected):
        await sent(center, TOKEN, call)
    assert not call.unanswered_write
    call.unanswered_write = True
    with pytest.raises(PartnerCenterRejected):
        await center.request(None, TOKEN, caller=a_caller(), call=call, deadline=call.deadline, reads_back=True)
    assert (call.unanswered_write, call.event.attempts, call.event.read_backs) == (True, 1, 1)


@pytest.mark.parametrize(("sent_out", "unanswered"), [(True, True), (False, False)])
async def test_a_write_that_went_out_is_unanswered_until_an_answer_is_read(sent_out: bool, unanswered: bool) -> None:
    """A connection that was not established carried nothing."""
    call = a_call()
    http = FakeHttp(TransportError("reset", sent=sent_out, timed_out=False))
    with pytest.raises((PartnerCenterUnanswered, PartnerCenterUnreachable)):
        await sent(PartnerCenter(some_settings(), http), TOKEN, call)
    assert call.unanswered_write is unanswered


@pytest.mark.parametrize("ended", [asyncio.CancelledError(), SystemExit(3)])
async def test_a_write_that_was_ended_before_it_went_out_is_not_unanswered(ended: BaseException) -> None:
    """The transport raises these only while nothing was sent."""
    call = a_call()
    with pytest.raises(type(ended)):
        await sent(PartnerCenter(some_settings(), FakeHttp(ended)), TOKEN, call)
    assert not call.unanswered_write


@pytest.mark.parametrize("ended", [asyncio.CancelledError(), SystemExit(3)])
async def test_a_read_back_that_is_ended_leaves_the_write_unanswered(ended: BaseException) -> None:
    """The write was sent earlier. That the read was not sent says nothing about the write."""
    call = a_call()
    http = FakeHttp(TransportError("reset", sent=True, timed_out=False), ended)
    center = PartnerCenter(some_settings(), http)
    with pytest.raises(PartnerCenterUnanswered):
        await sent(center, TOKEN, call)
    with pytest.raises(type(ended)):
        await center.request(None, TOKEN, caller=a_caller(), call=call, deadline=Deadline.after(5), reads_back=True)
    assert call.unanswered_write


async def test_a_read_without_an_answer_has_no_outcome() -> None:
    """It changes nothing, so nothing is unknown."""
    call = a_call()
    center = PartnerCenter(some_settings(), FakeHttp(TransportError("reset", sent=True, timed_out=False)))
    with pytest.raises(PartnerCenterUnanswered) as caught:
        await center.request(None, TOKEN, caller=a_caller(), call=call, deadline=Deadline.after(5))
    assert (caught.value.outcome, caught.value.reason, call.unanswered_write) == (None, "cut", False)


async def test_a_read_returns_what_is_stored() -> None:
    """The answer to a GET is a whole profile."""
    center = PartnerCenter(some_settings(), FakeHttp(an_answer(200, WRITTEN)))
    answer = await center.request(None, TOKEN, caller=a_caller(), call=a_call(), deadline=Deadline.after(5))
    assert (answer.status, answer.body) == (200, WRITTEN)


async def test_an_answer_that_bears_another_calls_request_id_is_not_ours(sandbox: Sandbox) -> None:
    """The id belongs to another call that is still in progress."""
    alices, bobs = a_call(), a_call()
    headers = {"MS-RequestId": alices.ids.request_id.upper()}
    with living_service(sandbox) as service:
        center = PartnerCenter(service.settings, FakeHttp(an_answer(200, WRITTEN, headers)))
        with center._in_flight_id(alices.ids.request_id), pytest.raises(PartnerCenterUnanswered) as caught:
            await sent(center, TOKEN, bobs)
        assert caught.value.outcome == "unknown"
        # Once alice's call is over, the id is merely unknown.
        assert (await sent(center, TOKEN, bobs)).status == 200


@pytest.mark.parametrize("headers", [{}, {"MS-RequestId": "0f0f0f0f-1111-4222-8333-444444444444"}])
@pytest.mark.parametrize("writes", [True, False])
async def test_an_answer_on_a_used_connection_without_this_requests_id_is_not_ours(
    headers: dict[str, str], writes: bool
) -> None:
    """It may be a late copy of an earlier answer, so it says nothing about this request."""
    answer = replace(an_answer(200, WRITTEN, headers), reused=True)
    center, call = PartnerCenter(some_settings(), FakeHttp(answer)), a_call()
    with pytest.raises(PartnerCenterUnanswered) as caught:
        await center.request(
            a_profile() if writes else None, TOKEN, caller=a_caller(), call=call, deadline=Deadline.after(5)
        )
    assert (caught.value.reason, caught.value.outcome) == ("another_call", "unknown" if writes else None)


async def test_a_read_back_uses_a_connection_of_its_own() -> None:
    """Every other request of a caller may use the caller's kept connection."""
    http = FakeHttp(an_answer(200, WRITTEN))
    center = PartnerCenter(some_settings(), http)
    for reads_back in (True, False):
        await center.request(
            None, TOKEN, caller=a_caller(), call=a_call(), deadline=Deadline.after(5), reads_back=reads_back
        )
    assert [request.caller for request in http.requests] == [None, (TENANT, USER)]


async def test_identical_deliveries_at_once_bear_one_id_and_are_each_sent(sandbox: Sandbox) -> None:
    """The PUT is idempotent, so sending it more than once is safe."""
    headers = {"ms-requestid": "0f0f0f0f-1111-4222-8333-444444444444"}
    with living_service(sandbox) as service:
        calls = [put(service, sandbox, call=a_call(headers=headers)) for _ in range(3)]
        assert [answer.status for answer in await asyncio.gather(*calls)] == [200, 200, 200]
    assert {entry.header("MS-RequestId") for entry in sandbox.partner_center.journal} == set(headers.values())


async def test_a_pooled_httpx_client_hands_out_a_surplus_answer_and_ours_does_not(sandbox: Sandbox) -> None:
    """On a pooled connection, surplus bytes after a response become the next user's answer."""
    alices = json.dumps({"email": "for-alice@contoso.example"}).encode()
    surplus = Answer(headers=(("Content-Type", "application/json"),), body=alices)
    sandbox.partner_center.script(Answer.true(surplus=surplus), user="alice", times=None)
    url = f"{sandbox.partner_center.base_url}/v1/profiles/supportprofile"
    async with httpx.AsyncClient(verify=sandbox.certificates.client_context(), trust_env=False) as pooled:
        for user in ("alice", "bob"):
            token = {"Authorization": f"Bearer {sandbox.entra.partner_center_token(user)}"}
            plain = await pooled.put(url, content=EXAMPLE_WIRE, headers=token)
    assert plain.content == alices
    with living_service(sandbox) as service:
        await put(service, sandbox, "alice")
        assert json.loads((await put(service, sandbox, "bob")).body)["email"] == "email@sample.com"


async def test_a_call_cancelled_behind_its_request_is_of_unknown_outcome(sandbox: Sandbox) -> None:
    """Partner Center may have written the profile, so this is more than a cancellation."""
    before = open_sockets()
    sandbox.partner_center.script(Answer(fault=Fault.HANG, apply=True))
    with living_service(sandbox) as service:
        call = asyncio.create_task(put(service, sandbox))
        await asyncio.to_thread(sandbox.partner_center.journal.wait_for, 1)
        call.cancel()
        with pytest.raises(PartnerCenterUnanswered) as caught:
            await call
    assert caught.value.outcome == "unknown"
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


@pytest.mark.parametrize("told", ["email@sample.com", "4255555555", "www.microsoft.com", "token"])
async def test_neither_a_value_nor_the_token_comes_back_in_a_refusal(sandbox: Sandbox, told: str) -> None:
    """A description that repeats what was sent is dropped."""
    token = sandbox.entra.partner_center_token("alice")
    sandbox.partner_center.script(answers.fault(400, 3000, f"{token if told == 'token' else told} is no good"))
    with living_service(sandbox) as service, pytest.raises(PartnerCenterRejected) as caught:
        await sent(service.partner_center, AccessToken(value=token, expires_in_seconds=60))
    upstream = caught.value.upstream
    assert upstream is not None
    assert (upstream.code, upstream.description) == ("3000", None)


async def test_an_answer_of_nobodys_or_of_this_very_call_is_taken(sandbox: Sandbox) -> None:
    """An MFA refusal has no id at all, and a request id may come back in another case."""
    call = a_call()
    with living_service(sandbox) as service:
        for headers in ({}, {"MS-RequestId": call.ids.request_id.upper()}, {"MS-RequestId": "unheard-of"}):
            center = PartnerCenter(service.settings, FakeHttp(an_answer(200, WRITTEN, headers)))
            assert (await sent(center, TOKEN, call)).status == 200
    assert (call.event.upstream_status, call.event.attempts) == (200, 3)


async def end(service: Service, sandbox: Sandbox) -> None:
    """Make one call that ends at its deadline or with another failure."""
    with pytest.raises((PartnerCenterUnanswered, PartnerCenterUnreachable)):
        await put(service, sandbox, call=a_call(seconds=0.3))


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.RESET_AFTER_REQUEST, Fault.CLOSE])
async def test_no_socket_is_left_over_however_a_call_ends(sandbox: Sandbox, fault: Fault) -> None:
    """Ten calls end at the same time."""
    before = open_sockets()
    sandbox.partner_center.script(Answer.trouble(fault), times=None)
    with living_service(sandbox) as service:
        await asyncio.gather(*(end(service, sandbox) for _ in range(10)))
        assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_no_socket_is_left_over_of_a_call_that_hangs_in_the_tls_hello(sandbox: Sandbox) -> None:
    """The call ends by its deadline or by a cancellation."""
    before = open_sockets()
    sandbox.partner_center.server.hang_at_tls_hello = True
    try:
        with living_service(sandbox) as service:
            await end(service, sandbox)
            call = asyncio.create_task(put(service, sandbox))
            await asyncio.sleep(0.1)
            call.cancel()
            await asyncio.wait({call})
            assert call.cancelled()
            assert await until_closed(sandbox, sockets_before=before) == (0, 0)
    finally:
        sandbox.partner_center.server.hang_at_tls_hello = False


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize(
    ("profile", "setting"),
    [
        (a_profile(), "PARTNER_CENTER_PROFILE_PATH may need to be /v1/profiles/support."),
        (None, "PARTNER_CENTER_READ_PATH may need to be /v1/profiles/supportprofile."),
    ],
    ids=["write", "read"],
)
async def test_a_refused_path_names_the_setting_and_is_logged(
    caplog: pytest.LogCaptureFixture, status: int, profile: SupportProfile | None, setting: str
) -> None:
    """Microsoft's pages disagree about the path, so the other one is suggested."""
    center = PartnerCenter(some_settings(), FakeHttp(an_answer(status)))
    call = a_call()
    with pytest.raises(PartnerCenterRejected) as caught:
        await center.request(profile, TOKEN, caller=a_caller(), call=call, deadline=call.deadline)
    assert caught.value.detail.endswith(setting)
    assert f"update_profile.path_refused {call.ids.correlation_id} {setting.split()[0]}=" in caplog.text


async def test_another_refusal_suggests_no_path() -> None:
    """A 400 shows that the path was accepted."""
    with pytest.raises(PartnerCenterRejected) as caught:
        await sent(PartnerCenter(some_settings(), FakeHttp(an_answer(400))), TOKEN)
    assert "PATH" not in caught.value.detail
