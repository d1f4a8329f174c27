"""Callers who leave, outages that end, loops that close: each accepted call is answered, and nothing is left."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import msal
import pytest
from builders import EXAMPLE, an_incoming
from described_api import as_sent, described_api
from live_function import ROOT, ROUTE, Answered, LiveFunction
from live_service import close_kept, open_sockets, until_closed

from sandbox import Answer, Fault, Sandbox
from sandbox.http_front import running_host
from update_profile import handler
from update_profile.entra.signing_keys import PAUSE_WITHOUT_KEYS_SECONDS
from update_profile.response import Reply
from update_profile.service import ServiceHolder
from update_profile.transport.connection import Connection, Received

ROUNDS, NEXT = 2, 20
UNREACHED = {"partner_center_unreachable", "entra_unavailable", "entra_timeout"}


OUTAGES = {
    "Partner Center": ("partner_center", True, 0.0),
    "Entra ID at the exchange": ("entra", True, 0.0),
    "Entra ID before it gave its keys": ("entra", False, PAUSE_WITHOUT_KEYS_SECONDS),
}


@pytest.mark.parametrize("calls", [20, pytest.param(200, marks=pytest.mark.soak)])
@pytest.mark.parametrize(("side", "warm", "pause_seconds"), OUTAGES.values(), ids=OUTAGES)
async def test_after_the_worst_outage_the_next_calls_succeed_and_nothing_is_left(
    live: LiveFunction, side: str, warm: bool, pause_seconds: float, calls: int
) -> None:
    """In each of two rounds, many calls at once get no answer to their TLS hello; then 20 calls at once succeed.

    The settings do not change, so the service that met the outage also serves the next calls. Each call has its own
    token, so no exchange is shared. Only a service that holds no signing keys has to pause, for one second.
    """
    live.allow(1)
    sockets = open_sockets()
    if warm:
        assert (await live.call()).status == 200
        close_kept()
    server = getattr(live.sandbox, side).server
    held: list[tuple[int, int]] = []
    for round_number in range(ROUNDS):
        live.allow_in_place(1)
        server.hang_at_tls_hello = True
        answers = await asyncio.gather(*(live.call() for _ in range(calls)))
        if warm or round_number == 0:
            assert {answered.code for answered in answers} <= UNREACHED
        server.hang_at_tls_hello = False
        await asyncio.sleep(pause_seconds)
        live.allow_in_place(60)
        answers = await asyncio.gather(*(live.call() for _ in range(NEXT)))
        assert {answered.code for answered in answers} == {None}
        assert await until_closed(live.sandbox, sockets_before=sockets) == (0, 0)
        held.append((threading.active_count(), len(asyncio.all_tasks())))
    # What the first round needed is all that is held.
    assert max(held) == held[0]


async def test_a_resolver_that_hangs_takes_nobody_down_with_it(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls fail in time while a name is not known, and succeed once it is."""
    live.allow(2)
    exchanged = live.sandbox.entra.sign_in("alice")
    gate, look_up = threading.Event(), socket.getaddrinfo

    def hang(*arguments: Any, **options: Any) -> Any:
        gate.wait(30)
        return look_up(*arguments, **options)

    async def call_all() -> set[str | None]:
        calls = [live.call(token=exchanged if number % 2 else None) for number in range(NEXT)]
        return {answered.code for answered in await asyncio.gather(*calls)}

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started_at = time.monotonic()
    assert await call_all() <= UNREACHED
    assert time.monotonic() - started_at < 20
    assert sum("lookup" in thread.name for thread in threading.enumerate()) <= 2  # one for each name
    gate.set()
    await asyncio.sleep(PAUSE_WITHOUT_KEYS_SECONDS)
    live.allow_in_place(60)
    assert await call_all() == {None}


@pytest.mark.parametrize("calls", [20, pytest.param(100, marks=pytest.mark.soak)])
async def test_calls_that_are_all_given_up_leave_nothing_behind(live: LiveFunction, calls: int) -> None:
    """Many calls at once are cancelled while Entra ID or Partner Center is awaited, and each is answered."""
    sockets = open_sockets()
    for stand_in, endpoint in ((live.sandbox.entra, "token"), (live.sandbox.partner_center, "profile")):
        gate = threading.Event()
        live.allow(20)
        stand_in.script(Answer.true(gate=gate), times=None)
        tasks = [live.start(live.sandbox.entra.sign_in("alice")) for _ in range(calls)]
        await asyncio.to_thread(stand_in.journal.wait_for, 10, endpoint)
        for task in tasks:
            task.cancel()
        codes = {Answered.of(answer).code for answer in await asyncio.gather(*tasks)}
        assert codes <= {"unexpected", "partner_center_timeout"}
        gate.set()
        stand_in.clear_script()
        assert (await live.call()).status == 200
    assert await until_closed(live.sandbox, sockets_before=sockets) == (0, 0)


async def test_a_caller_who_disconnects_is_served_to_the_end(live: LiveFunction) -> None:
    """The host cancels nothing when the caller leaves, and the next caller is served."""
    gate = threading.Event()
    live.sandbox.partner_center.script(Answer.true(gate=gate))
    headers = {"Authorization": f"Bearer {live.sandbox.entra.sign_in('alice')}"}
    async with running_host(ROOT) as address:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            leaving = asyncio.create_task(client.post(ROUTE, json=EXAMPLE, headers=headers))
            await asyncio.to_thread(live.sandbox.partner_center.journal.wait_for, 1, "profile")
            leaving.cancel()
            await asyncio.wait({leaving})
        gate.set()
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            assert (await client.post(ROUTE, json=EXAMPLE, headers=headers)).status_code == 200
    stored = live.sandbox.partner_center.profiles[live.sandbox.entra.tenants[0]]
    assert stored["email"] == EXAMPLE["Email"]


async def test_a_call_that_is_cancelled_while_it_waits_to_try_again_tells_the_last_answer(live: LiveFunction) -> None:
    """Partner Center's 503 tells the caller more than the cancellation would."""
    live.sandbox.partner_center.script(Answer(status=503, headers=(("Retry-After", "10"),)))
    task = live.start(live.sandbox.entra.sign_in("alice"))
    await asyncio.to_thread(live.sandbox.partner_center.journal.wait_for, 1, "profile")
    await asyncio.sleep(0.2)
    task.cancel()
    answered = Answered.of(await task)
    assert (answered.status, answered.code, answered.headers["retry-after"]) == (503, "partner_center_failed", "10")
    assert len(live.puts) == 1


@pytest.mark.parametrize("applied", [True, False])
async def test_a_call_that_is_cancelled_while_it_reads_back_is_of_unknown_outcome(
    live: LiveFunction, applied: bool
) -> None:
    """A cancelled call has no time for another read."""
    gate = threading.Event()
    live.sandbox.partner_center.script(Answer(fault=Fault.CLOSE, apply=applied), method="PUT")
    live.sandbox.partner_center.script(Answer.true(gate=gate), method="GET")
    task = live.start(live.sandbox.entra.sign_in("alice"))
    await asyncio.to_thread(live.sandbox.partner_center.journal.wait_for, 2, "profile")
    task.cancel()
    answered = Answered.of(await task)
    gate.set()
    assert (answered.status, answered.code, answered.json["outcome"]) == (504, "partner_center_timeout", "unknown")


ENDS = {
    "at the first document of Entra's": (1, 500, "unexpected"),
    "at the second": (2, 500, "unexpected"),
    "at the exchange": (3, 500, "unexpected"),
    "at Partner Center": (4, 500, "unexpected"),
}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("place", ENDS)
async def test_what_would_end_the_process_ends_one_call_alone(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch, error: BaseException, place: str
) -> None:
    """The error is raised while a connection is made; that call is answered, and the next one succeeds."""
    connection, status, code = ENDS[place]
    exchange, exchanges = Connection.exchange, itertools.count(1)

    async def exchange_or_end(self: Connection, *arguments: Any, **options: Any) -> Received:
        if next(exchanges) == connection:
            self.close()
            raise error
        return await exchange(self, *arguments, **options)

    monkeypatch.setattr(Connection, "exchange", exchange_or_end)
    answered = await live.call()
    assert (answered.status, answered.code) == (status, code)
    assert not live.puts
    await asyncio.sleep(PAUSE_WITHOUT_KEYS_SECONDS if connection < 3 else 0)
    assert (await live.call()).status == 200


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
async def test_what_would_end_the_process_inside_msal_ends_one_call_alone(
    live: LiveFunction, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """msal runs in a worker thread, and the calls wait for it through a separate task."""

    def end(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(msal.ConfidentialClientApplication, "acquire_token_on_behalf_of", end)
        answers = await asyncio.gather(*(live.call() for _ in range(5)))
    assert {(answered.status, answered.code) for answered in answers} == {(500, "unexpected")}
    assert (await live.call()).status == 200


def test_another_event_loop_starts_anew(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed event loop leaves no state behind that would break the next one."""
    for name, value in sandbox.settings().items():
        monkeypatch.setenv(name, value)

    async def call() -> Reply:
        services = ServiceHolder()
        headers = {"authorization": f"Bearer {sandbox.entra.sign_in('alice')}"}
        reply = await handler.update_profile(an_incoming(headers=headers), service=services.get)
        close_kept()
        await asyncio.sleep(0)
        return reply

    assert [asyncio.run(call()).status for _ in range(3)] == [200, 200, 200]


@pytest.mark.skipif(os.name != "posix", reason="sends SIGTERM")
def test_a_host_that_is_told_to_stop_answers_what_it_has_accepted(sandbox: Sandbox) -> None:
    """The host waits for a slow Partner Center, the caller gets its answer, and the process exits with 0."""
    gate = threading.Event()
    sandbox.partner_center.script(Answer.true(gate=gate))
    environment = {**os.environ, **sandbox.settings(), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "sandbox.host", "--port", "0"]
    with subprocess.Popen(  # noqa: S603  our own module
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        address = _address(process)
        answers: list[httpx.Response] = []
        headers = {"Authorization": f"Bearer {sandbox.entra.sign_in('alice')}"}

        def call() -> None:
            with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
                answers.append(client.post(ROUTE, json=EXAMPLE, headers=headers))

        caller = threading.Thread(target=call)
        caller.start()
        sandbox.partner_center.journal.wait_for(1, "profile")
        process.send_signal(signal.SIGTERM)
        gate.set()
        caller.join(20)
        assert process.wait(20) == 0
        assert [answer.status_code for answer in answers] == [200]
        described_api().check("POST", ROUTE, as_sent(answers[0]))


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Serving at "):
            return line.split()[2]
    raise AssertionError("the host does not serve")


def test_the_host_is_started_from_here() -> None:
    """The test above starts the host in ROOT, so ROOT must contain this app."""
    assert (Path(ROOT) / "function_app.py").exists()
