"""Failures of either upstream, and cancelled invocations: always an answer, and never a surplus request."""

import asyncio
import threading
from pathlib import Path

import httpx
import pytest
from builders import EXAMPLE
from live_function import ROUTE, Answered, EveryLog, LiveFunction
from live_service import open_sockets, until_closed

from sandbox import Answer, Fault
from sandbox.entra import errors as entra
from sandbox.http_front import running_host
from update_profile import handler
from update_profile.entra import ask
from update_profile.request import IncomingRequest
from update_profile.service import Service

ONCE = {
    "a reset": Answer.trouble(Fault.RESET_AFTER_REQUEST),
    "a close without an answer": Answer.trouble(Fault.CLOSE),
    "503": entra.unavailable(),
    "500": entra.unavailable(500),
}
UNREADABLE = {
    "a cut head": Answer.trouble(Fault.CLOSE),
    "a header line that is none": Answer(headers=(("Request Context", "a"),)),
    "two lengths": Answer(headers=(("Content-Length", "1"), ("Content-Length", "2")), body=b"{"),
    "a negative length": Answer(headers=(("Content-Length", "-1"),)),
}


@pytest.mark.parametrize("trouble", ONCE.values(), ids=ONCE)
async def test_a_token_request_that_is_cut_once_is_asked_again(live: LiveFunction, trouble: Answer) -> None:
    """A token request is safe to repeat, and the retry uses a new connection."""
    live.sandbox.entra.script(trouble)
    assert (await live.call()).status == 200
    first, second = live.exchanges
    assert first.connection != second.connection
    assert len(live.puts) == 1


@pytest.mark.parametrize("trouble", ONCE.values(), ids=ONCE)
async def test_a_token_request_that_is_always_cut_is_asked_twice(live: LiveFunction, trouble: Answer) -> None:
    live.allow(5)
    live.sandbox.entra.script(trouble, times=None)
    assert (await live.call()).code == "entra_unavailable"
    assert len(live.exchanges) == 2
    assert not live.puts


async def test_a_refusal_is_never_asked_again(live: LiveFunction) -> None:
    live.sandbox.entra.script(entra.consent_required())
    assert (await live.call()).code == "consent_required"
    assert len(live.exchanges) == 1


@pytest.mark.parametrize("answer", [entra.unknown_application(), entra.unknown_resource()], ids=["700016", "500011"])
async def test_an_application_missing_in_one_tenant_is_that_tenants_consent(
    live: LiveFunction, every_log: EveryLog, answer: Answer
) -> None:
    """Only that tenant fails; the detail also names ENTRA_CLIENT_ID, and the reason alerts the operator."""
    live.sandbox.entra.script(answer, times=None, tenant=live.sandbox.entra.tenants[1])
    carol, alice = await asyncio.gather(live.call(user="carol"), live.call(user="alice"))
    assert (carol.status, carol.code, alice.status) == (403, "consent_required", 200)
    assert "ENTRA_CLIENT_ID" in carol.json["detail"]
    assert live.sandbox.entra.tenants[1] in carol.json["consentUri"]
    (alert,) = [vars(audit) for audit in every_log.audits if vars(audit)["reason"] == "application_missing"]
    assert (alert["tenant_id"], alert["neighbour"]) == (live.sandbox.entra.tenants[1], "entra")


@pytest.mark.parametrize("code", [53003, 50105, 50057])
async def test_a_block_is_lifted_by_an_administrator_and_not_remembered(live: LiveFunction, code: int) -> None:
    live.sandbox.entra.script(entra.access_blocked(code))
    token = live.sandbox.entra.sign_in("alice")
    blocked = await live.call(token=token)
    assert (blocked.status, blocked.code, blocked.json["actor"]) == (403, "access_blocked", "administrator")
    assert b"AADSTS" not in blocked.body
    assert (await live.call(token=token)).status == 200


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_written_profile_and_an_answer_that_cannot_be_read_is_read_back(
    live: LiveFunction, answer: Answer
) -> None:
    """No second PUT is sent, and the Update-Outcome header says that a read confirmed the write."""
    live.sandbox.partner_center.script(Answer(**{**vars(answer), "apply": True}))
    answered = await live.call()
    assert (answered.status, answered.headers["update-outcome"]) == (200, "confirmed-by-read")
    assert answered.json["email"] == EXAMPLE["Email"]
    assert len(live.puts) == 1


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_where_it_was_not_written_the_outcome_stays_unknown(live: LiveFunction, answer: Answer) -> None:
    """A read may lag behind a write, so a mismatch proves nothing; the detail names the fields."""
    live.allow(2)
    live.sandbox.partner_center.script(answer)
    answered = await live.call()
    assert (answered.status, answered.code, answered.json["outcome"]) == (504, "partner_center_timeout", "unknown")
    assert "Email and Telephone and Website" in answered.json["detail"]
    assert len(live.puts) == 1


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER_HEADERS, Fault.RESET_IN_BODY, Fault.TRUNCATE])
async def test_a_success_whose_body_is_cut_is_read_back(live: LiveFunction, fault: Fault) -> None:
    """The status alone does not prove a write, and the write is never sent again."""
    live.sandbox.partner_center.script(Answer.trouble(fault, apply=True), method="PUT")
    answered = await live.call()
    assert (answered.status, answered.headers["update-outcome"]) == (200, "confirmed-by-read")
    assert len(live.puts) == 1


@pytest.mark.parametrize("path", ["discovery", "keys", "token"])
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff", b"{", b'{"keys": 1}', b'{"access_token": 1}'])
async def test_garbage_of_entra_is_never_a_bare_500(live: LiveFunction, path: str, body: bytes) -> None:
    live.sandbox.entra.script(Answer(body=body), times=None, path=path)  # type: ignore[arg-type]  # one of three paths
    answered = await live.call()
    assert answered.code == ("entra_unexpected" if path == "token" else "entra_unavailable")
    assert answered.headers["retry-after"] == "5"
    assert not live.puts


async def test_the_first_call_after_an_outage_succeeds(live: LiveFunction) -> None:
    """The function recovers without a restart, and no connection is left open."""
    before = open_sockets()
    live.allow(2)
    live.sandbox.partner_center.script(Answer.trouble(Fault.HANG), times=8)
    token = live.sandbox.entra.sign_in("alice")
    answers = await asyncio.gather(*(live.call(token=token) for _ in range(8)))
    # On a busy machine the time may end before a request is sent.
    assert {answered.code for answered in answers} <= {"partner_center_timeout", "partner_center_unreachable"}
    live.sandbox.partner_center.clear_script()
    live.allow_in_place(60)
    assert (await live.call()).status == 200
    assert await until_closed(live.sandbox, sockets_before=before) == (0, 0)


async def test_an_invocation_that_is_given_up_after_the_put_was_sent_says_so(
    live: LiveFunction, every_log: EveryLog
) -> None:
    """The worker gets an answer: a CancelledError would end it and leave the caller waiting for minutes."""
    gate = threading.Event()
    live.sandbox.partner_center.script(Answer.true(gate=gate))
    task = live.start(live.sandbox.entra.sign_in("alice"))
    await asyncio.to_thread(live.sandbox.partner_center.journal.wait_for, 1, "profile")
    task.cancel()
    answered = Answered.of(await task)
    gate.set()
    assert (answered.status, answered.code, answered.json["outcome"]) == (504, "partner_center_timeout", "unknown")
    assert [vars(audit)["code"] for audit in every_log.audits] == ["partner_center_timeout"]


async def test_a_caller_that_is_given_up_ends_nobody_elses_exchange(live: LiveFunction) -> None:
    """Two calls wait for one exchange; the one that started it is cancelled."""
    gate = threading.Event()
    live.sandbox.entra.script(Answer.true(gate=gate))
    token = live.sandbox.entra.sign_in("alice")
    first = live.start(token)
    await asyncio.to_thread(live.sandbox.entra.journal.wait_for, 1, "token")
    second = live.start(token)
    await asyncio.sleep(0.05)
    first.cancel()
    given_up = Answered.of(await first)
    gate.set()
    assert (given_up.status, given_up.code) == (500, "unexpected")
    assert Answered.of(await second).status == 200
    assert len(live.exchanges) == 1


@pytest.mark.parametrize("error", [RuntimeError("x"), asyncio.CancelledError(), SystemExit(3), KeyboardInterrupt()])
async def test_nothing_leaves_the_handler_but_an_answer(error: BaseException, every_log: EveryLog) -> None:
    """Any exception from below becomes a 500 answer and one audit record."""

    def service() -> Service:
        raise error

    incoming = IncomingRequest(method="POST", url="https://h/api/update_profile", headers={}, body=b"")
    reply = await handler.update_profile(incoming, service=service)
    assert (reply.status, b'"code":"unexpected"' in reply.body) == (500, True)
    assert [vars(audit)["code"] for audit in every_log.audits] == ["unexpected"]


async def test_over_real_http_a_hanging_partner_center_still_gets_an_answer(live: LiveFunction) -> None:
    """The call passes through real sockets on both sides of the function."""
    live.allow(1)
    live.sandbox.partner_center.script(Answer.trouble(Fault.HANG))
    headers = {"Authorization": f"Bearer {live.sandbox.entra.sign_in('alice')}"}
    async with (
        running_host(Path(__file__).parents[2]) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        response = await client.post(ROUTE, json={"Email": "a@b", "Telephone": "1", "Website": "w"}, headers=headers)
        assert (response.status_code, response.json()["code"]) == (504, "partner_center_timeout")
        assert (await client.head(ROUTE)).status_code == 404


async def test_a_token_request_that_hangs_once_leaves_time_for_another(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One attempt gets at most ten seconds, so a budget of 25 leaves time for another; the test uses 1.5."""
    monkeypatch.setattr(ask, "ATTEMPT_SECONDS", 1.5)
    live.allow(25)
    live.sandbox.entra.script(Answer.trouble(Fault.HANG))
    assert (await live.call()).status == 200
    assert len(live.exchanges) == 2


async def test_after_idle_minutes_a_new_user_is_served(live: LiveFunction) -> None:
    """The other side has closed its idle connections in the meantime, and no call notices."""
    live.sandbox.entra.server.idle_seconds = live.sandbox.partner_center.server.idle_seconds = 1.0
    assert (await live.call(user="alice")).status == 200
    await asyncio.sleep(1.2)
    assert (await live.call(user="bob")).status == 200
    assert len(live.exchanges) == len(live.puts) == 2


WAITS = {
    "0": "1", "0.129": "1", "1.5": "2", "nan": "5", "inf": "5", "1e9": "5", "5" * 5_000: "5", " 2 ": "2", "1, 2": "5",
    "Sat, 01 Jan 10000 00:00:00 GMT": "5", "Wed, 21 Oct 2015 07:28:00": "5", "Wed, 21 Oct 2015 07:28:00 GMT": "1",
    "99999": "3600",
}  # fmt: skip


@pytest.mark.parametrize(("value", "told"), WAITS.items(), ids=lambda value: value[:20])
async def test_entras_wait_is_a_whole_number_of_at_least_one(live: LiveFunction, value: str, told: str) -> None:
    """Fractions are rounded up, an invalid value counts as absent, and other users do not wait."""
    live.sandbox.entra.script(entra.throttled(value), user="alice", times=None)
    token = live.sandbox.entra.sign_in("alice")
    for _ in range(3):
        answered = await live.call(token=token)
        assert (answered.status, answered.code) == (503, "entra_throttled")
        assert int(answered.headers["retry-after"]) in (int(told), int(told) - 1) or told == "1"
    assert len(live.exchanges) == 1
    assert (await live.call(user="bob")).status == 200
