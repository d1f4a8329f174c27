"""Kept connections: each serves one user, and only while nothing speaks against it. Over real TLS."""

import asyncio
import socket
import time
import uuid
from dataclasses import replace
from typing import cast

import httpx
import pytest
from live_service import a_client, close_kept, open_sockets, until_closed
from named_network import NamedNetwork

from sandbox import Answer, Fault, Sandbox
from sandbox.http_server import HttpServer
from update_profile.deadline import Deadline
from update_profile.transport import lanes as module
from update_profile.transport.client import HttpClient, create_ssl_context
from update_profile.transport.connection import Connection, Cut
from update_profile.transport.lanes import Chain, Origin, call_chain
from update_profile.transport.messages import HttpAnswer, HttpRequest, Progress, TransportError

ALICE, BOB = ("tenant", "alice"), ("tenant", "bob")
ECHO = Answer(body=b"{}", echo_ids=True)


@pytest.fixture
def client(sandbox: Sandbox) -> HttpClient:
    """A client, and a Partner Center that answers 200 with the request's own ids."""
    sandbox.partner_center.script(ECHO, times=None)
    return a_client(sandbox)


def a_request(sandbox: Sandbox, caller: tuple[str, str] = ALICE, request_id: str = "") -> HttpRequest:
    """Return a request of a caller."""
    request_id = request_id or str(uuid.uuid4())
    return HttpRequest(
        method="PUT",
        url=f"{sandbox.partner_center.base_url}/any",
        headers={"MS-RequestId": request_id},
        body=b"{}",
        caller=caller,
        request_id=request_id,
    )


async def send(client: HttpClient, request: HttpRequest, *, seconds: float = 10) -> HttpAnswer:
    """Send a request."""
    return await client.send(request, deadline=Deadline.after(seconds))


def connections(sandbox: Sandbox) -> list[int]:
    """Return the number of the connection of each request to Partner Center."""
    return [entry.connection for entry in sandbox.partner_center.journal]


async def test_a_caller_uses_one_connection_again_and_another_caller_never_does(
    sandbox: Sandbox, client: HttpClient
) -> None:
    """The same user's second request comes on the kept connection; bob gets one of his own."""
    answers = [await send(client, a_request(sandbox, caller)) for caller in (ALICE, ALICE, BOB, ALICE)]
    first, second, bobs, third = connections(sandbox)
    assert first == second == third != bobs
    assert [answer.reused for answer in answers] == [False, True, False, True]


async def test_a_request_id_is_never_carried_twice_by_a_connection(sandbox: Sandbox, client: HttpClient) -> None:
    """A late copy of the first answer would pass for the second one."""
    request_id = str(uuid.uuid4())
    for spelled in (request_id, request_id, request_id.upper()):
        assert not (await send(client, a_request(sandbox, request_id=spelled))).reused
    assert len(set(connections(sandbox))) == 3


@pytest.mark.parametrize(
    "answer",
    [
        replace(ECHO, echo_ids=False),
        replace(ECHO, status=400),
        replace(ECHO, echo_ids=False, headers=(("MS-RequestId", str(uuid.uuid4())),)),
        replace(ECHO, fault=Fault.TRUNCATE),
        replace(ECHO, surplus=ECHO),
        replace(ECHO, framing="close"),
    ],
    ids=["no id", "a refusal", "another id", "a cut body", "a surplus answer", "no length"],
)
async def test_a_connection_is_kept_only_after_a_whole_success_that_echoes_the_id(
    sandbox: Sandbox, client: HttpClient, answer: Answer
) -> None:
    """Anything else may leave bytes behind."""
    sandbox.partner_center.clear_script()
    sandbox.partner_center.script(answer)
    sandbox.partner_center.script(ECHO)
    await send(client, a_request(sandbox))
    assert not (await send(client, a_request(sandbox))).reused


async def until_the_server_closed(server: HttpServer) -> None:
    """Wait until no connection to a stand-in is open."""
    for _ in range(1_000):
        if not server.open_connections:
            return
        await asyncio.sleep(0.01)


async def test_what_comes_while_a_connection_is_idle_ends_it(sandbox: Sandbox, client: HttpClient) -> None:
    """The server closes it, or says something that nobody asked for."""
    server = sandbox.partner_center.server
    await send(client, a_request(sandbox))
    server.idle_seconds = 0.01  # counts from the next answer on
    await send(client, a_request(sandbox))
    await until_the_server_closed(server)
    server.idle_seconds = None
    assert not (await send(client, a_request(sandbox))).reused


async def test_what_comes_behind_a_blocked_event_loop_is_seen(sandbox: Sandbox, client: HttpClient) -> None:
    """The loop has not read it yet when the next request begins."""
    server = sandbox.partner_center.server
    await send(client, a_request(sandbox))
    server.idle_seconds = 0.01  # counts from the next answer on
    await send(client, a_request(sandbox))
    while server.open_connections:
        time.sleep(0.01)  # noqa: ASYNC251
    server.idle_seconds = None
    assert not (await send(client, a_request(sandbox))).reused


async def test_an_idle_connection_is_closed_after_a_while(
    sandbox: Sandbox, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to ask for it."""
    before = open_sockets()
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.02)
    await send(client, a_request(sandbox))
    for _ in range(500):
        if open_sockets() <= before:
            break
        await asyncio.sleep(0.01)
    assert open_sockets() <= before


async def test_the_oldest_idle_connection_makes_room(
    sandbox: Sandbox, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are at most so many in all."""
    monkeypatch.setattr(module, "MAX_IDLE", 2)
    for caller in (ALICE, BOB, ("tenant", "carol")):
        await send(client, a_request(sandbox, caller))
    assert (await send(client, a_request(sandbox, BOB))).reused
    assert not (await send(client, a_request(sandbox, ALICE))).reused


async def test_calls_of_one_caller_at_once_wait_for_nobody(sandbox: Sandbox, client: HttpClient) -> None:
    """Who finds no idle connection opens one."""
    answers = await asyncio.gather(*(send(client, a_request(sandbox)) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert len(set(connections(sandbox))) == 5


async def test_a_prepared_connection_is_the_next_requests(sandbox: Sandbox, client: HttpClient) -> None:
    """It counts as new, is opened once however often it is asked for, and waits for its caller alone."""
    for _ in range(3):
        client.prepare(sandbox.partner_center.base_url, ALICE, deadline=Deadline.after(10))
    assert not (await send(client, a_request(sandbox))).reused
    assert sandbox.partner_center.server.connections == connections(sandbox)[0]
    client.prepare(sandbox.partner_center.base_url, ALICE, deadline=Deadline.after(10))
    assert (await send(client, a_request(sandbox))).reused


async def test_a_prepared_connection_that_nobody_uses_is_kept_and_closed(sandbox: Sandbox, client: HttpClient) -> None:
    """It waits for its caller's next request like one that was used."""
    before = open_sockets()
    client.prepare(sandbox.partner_center.base_url, ALICE, deadline=Deadline.after(10))
    while not client._lanes._idle:  # noqa: ASYNC110  it is being opened
        await asyncio.sleep(0.005)
    await send(client, a_request(sandbox))
    assert len(set(connections(sandbox))) == 1
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_prepared_connection_that_fails_is_the_requests_failure(sandbox: Sandbox, client: HttpClient) -> None:
    """Nothing was sent; a URL that cannot be one is reported by the request as well."""
    sandbox.partner_center.server.reset_at_tls_hello = True
    client.prepare(sandbox.partner_center.base_url, ALICE, deadline=Deadline.after(10))
    with pytest.raises(TransportError) as failed:
        await send(client, a_request(sandbox))
    assert not failed.value.sent
    client.prepare("ftp://a.example/", ALICE, deadline=Deadline.after(10))
    client.prepare("https://\x00/", ALICE, deadline=Deadline.after(10))
    assert not client._lanes._opening


@pytest.mark.parametrize("cancelled", [False, True])
async def test_whoever_gives_up_on_a_prepared_connection_leaves_none(
    sandbox: Sandbox, client: HttpClient, cancelled: bool
) -> None:
    """By its deadline or by going away."""
    before = open_sockets()
    sandbox.partner_center.server.hang_at_tls_hello = True
    client.prepare(sandbox.partner_center.base_url, ALICE, deadline=Deadline.after(10))
    task = asyncio.create_task(send(client, a_request(sandbox), seconds=10 if cancelled else 0.1))
    await asyncio.sleep(0.05)
    if cancelled:
        task.cancel()
    with pytest.raises(asyncio.CancelledError if cancelled else TransportError):
        await task
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_closing_also_ends_a_connection_that_has_just_been_opened(sandbox: Sandbox, client: HttpClient) -> None:
    """Its task is done, but what keeps the connection has not run yet."""
    before = open_sockets()
    client.prepare(sandbox.partner_center.base_url, ALICE, deadline=Deadline.after(10))
    (opening,) = client._lanes._opening.values()
    while not opening.done():  # noqa: ASYNC110  the event loop calls the task's callbacks after this
        await asyncio.sleep(0)
    client._lanes.close()
    assert not client._lanes._idle
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_connection_that_was_opened_just_as_its_request_gave_up_is_closed(
    sandbox: Sandbox, client: HttpClient
) -> None:
    """The end of the wait and the end of the handshake may fall together."""
    lanes, before = client._lanes, open_sockets()
    origin = Origin("https", "localhost", sandbox.partner_center.server.port)
    opened = await lanes.open(origin, Deadline.after(10))
    opening: asyncio.Future[Connection | BaseException] = asyncio.get_running_loop().create_future()
    lanes._opening[origin, ALICE] = cast("asyncio.Task[Connection | BaseException]", opening)
    task = asyncio.create_task(lanes.take(origin, ALICE, "1", Deadline.after(10)))
    await asyncio.sleep(0)
    opening.set_result(opened)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


@pytest.fixture
def chained(sandbox: Sandbox) -> HttpRequest:
    """A request of a call's chain to Entra ID."""
    return HttpRequest(method="GET", url=f"{sandbox.entra.base_url}/common/discovery/instance", chained=True)


def entra_connections(sandbox: Sandbox) -> list[int]:
    """Return the number of the connection of each request to Entra ID."""
    return [entry.connection for entry in sandbox.entra.journal]


async def test_the_requests_of_one_call_to_entra_share_a_connection_that_ends_with_the_call(
    sandbox: Sandbox, chained: HttpRequest
) -> None:
    """The next call opens another one; outside a call each request has its own."""
    client, before = a_client(sandbox), open_sockets()
    for _ in range(2):
        with call_chain():
            for _ in range(3):
                await send(client, chained)
    first, second = (set(entra_connections(sandbox)[start : start + 3]) for start in (0, 3))
    assert (len(first), len(second)) == (1, 1)
    assert first != second
    await send(client, chained)
    await send(client, chained)
    assert len(set(entra_connections(sandbox))) == 4
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_work_that_outlives_its_call_keeps_no_connection(sandbox: Sandbox, chained: HttpRequest) -> None:
    """A fetch that others wait for goes on when the call that began it is over."""
    client, before = a_client(sandbox), open_sockets()
    with call_chain():
        work = asyncio.create_task(send(client, chained))
        await asyncio.sleep(0)
    assert (await work).status == 200
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_chain_takes_the_place_of_what_it_held(sandbox: Sandbox, chained: HttpRequest) -> None:
    """Two requests at once leave one idle connection, and one that the server closed is not used."""
    client, before = a_client(sandbox), open_sockets()
    with call_chain():
        await asyncio.gather(send(client, chained), send(client, chained))
        sandbox.entra.server.idle_seconds = 0.01
        await send(client, chained)
        await until_the_server_closed(sandbox.entra.server)
        sandbox.entra.server.idle_seconds = None
        await send(client, chained)
    assert len(set(entra_connections(sandbox))) == 3
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_failure_of_entra_is_not_asked_again_on_the_same_connection(
    sandbox: Sandbox, chained: HttpRequest
) -> None:
    """Another connection may reach another machine."""
    client = a_client(sandbox)
    sandbox.entra.script(Answer(status=503), path=None)
    with call_chain():
        await send(client, chained)
        await send(client, chained)
    assert len(set(entra_connections(sandbox))) == 2


def test_a_chain_that_holds_nothing_gives_nothing() -> None:
    """Closing it twice does no harm."""
    chain = Chain()
    chain.close()
    chain.close()
    assert chain.take(Origin("https", "a", 443)) is None


async def test_a_connection_that_opens_before_the_caller_is_known_is_that_callers(
    sandbox: Sandbox, client: HttpClient
) -> None:
    """One is opened, however often it is asked for; another caller of the same call gets none of it."""
    url = sandbox.partner_center.base_url
    connections_before = sandbox.partner_center.server.connections
    with call_chain():
        for _ in range(2):
            client.connect_ahead(url, deadline=Deadline.after(10))
        client.prepare(url, ALICE, deadline=Deadline.after(10))
        await send(client, a_request(sandbox))
        assert sandbox.partner_center.server.connections - connections_before == 1
        client.prepare(url, BOB, deadline=Deadline.after(10))
        await send(client, a_request(sandbox, BOB))
    assert len(set(connections(sandbox))) == 2
    assert sandbox.partner_center.server.connections - connections_before == 2


@pytest.mark.parametrize("hangs", [False, True], ids=["open", "opening"])
async def test_a_connection_that_opens_ahead_and_is_not_needed_ends_with_its_call(
    sandbox: Sandbox, client: HttpClient, hangs: bool
) -> None:
    """It ends whether it is open by then or not."""
    server, sockets = sandbox.partner_center.server, open_sockets()
    server.hang_at_tls_hello = hangs
    connections_before = server.connections
    with call_chain():
        client.connect_ahead(sandbox.partner_center.base_url, deadline=Deadline.after(10))
        while server.connections == connections_before:  # noqa: ASYNC110  it is being opened
            await asyncio.sleep(0.005)
        if not hangs:
            await asyncio.sleep(0.05)
    assert await until_closed(sandbox, sockets_before=sockets) == (0, 0)
    assert server.connections == connections_before + 1
    assert not client._lanes._idle


async def test_no_connection_opens_ahead_outside_a_call(sandbox: Sandbox, client: HttpClient) -> None:
    """Neither does one by work that outlives its call, nor one to an address that cannot be one."""
    url, connections_before = sandbox.partner_center.base_url, sandbox.partner_center.server.connections
    over = asyncio.Event()

    async def outlive() -> None:
        await over.wait()
        client.connect_ahead(url, deadline=Deadline.after(10))

    with call_chain():
        work = asyncio.create_task(outlive())
        await asyncio.sleep(0)
        client.connect_ahead("ftp://a.example/", deadline=Deadline.after(10))
    over.set()
    await work
    client.connect_ahead(url, deadline=Deadline.after(10))
    await asyncio.sleep(0.05)
    assert sandbox.partner_center.server.connections == connections_before


async def test_a_connection_that_failed_to_open_ahead_is_the_requests_failure(
    sandbox: Sandbox, client: HttpClient
) -> None:
    """Nothing was sent, so the caller's next request opens another."""
    url, server = sandbox.partner_center.base_url, sandbox.partner_center.server
    connections_before = server.connections
    server.reset_at_tls_hello = True
    with call_chain():
        client.connect_ahead(url, deadline=Deadline.after(10))
        while server.connections == connections_before:  # noqa: ASYNC110  it is being opened
            await asyncio.sleep(0.005)
        client.prepare(url, ALICE, deadline=Deadline.after(10))
        with pytest.raises(TransportError) as failed:
            await send(client, a_request(sandbox))
        assert not failed.value.sent
        server.reset_at_tls_hello = False
        assert (await send(client, a_request(sandbox))).status == 200


async def test_after_churn_of_cancelled_calls_the_next_one_succeeds_and_no_socket_is_left(
    sandbox: Sandbox, client: HttpClient
) -> None:
    """Calls are cancelled at any step, on new and on kept connections."""
    before = open_sockets()
    for step in range(30):
        tasks = [asyncio.create_task(send(client, a_request(sandbox, (str(user), "u")))) for user in range(4)]
        for _ in range(step % 10):
            await asyncio.sleep(0.001)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (await send(client, a_request(sandbox))).status == 200
    close_kept()
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_prepared_connection_that_fails_unused_leaves_nothing(sandbox: Sandbox, client: HttpClient) -> None:
    """Neither does one whose lanes are closed while it is being opened."""
    before = open_sockets()
    sandbox.partner_center.server.reset_at_tls_hello = True
    client.prepare(sandbox.partner_center.base_url, ALICE, deadline=Deadline.after(10))
    while client._lanes._opening:  # noqa: ASYNC110  it is being opened
        await asyncio.sleep(0.005)
    sandbox.partner_center.server.reset_at_tls_hello = False
    sandbox.partner_center.server.hang_at_tls_hello = True
    client.prepare(sandbox.partner_center.base_url, ALICE, deadline=Deadline.after(10))
    await asyncio.sleep(0.02)
    assert not client._lanes._idle
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_connection_that_is_closed_carries_nothing(sandbox: Sandbox, client: HttpClient) -> None:
    """The request was not sent; closing a connection that was never made does no harm."""
    origin = Origin("https", "localhost", sandbox.partner_center.server.port)
    opened = await client._lanes.open(origin, Deadline.after(10))
    opened.close()
    progress = Progress(Deadline.after(10))
    with pytest.raises(Cut):
        await opened.exchange("GET", b"/", [(b"Host", b"a")], None, progress=progress)
    assert not progress.sent
    with socket.socket() as raw:
        unmade = Connection(raw)
        unmade.close()
        assert not unmade.is_idle


async def test_a_system_that_gives_up_connecting_is_a_time_out_with_nothing_sent(sandbox: Sandbox) -> None:
    """The kernel's own time-out may come long before the deadline."""
    network = NamedNetwork()
    network.ports["localhost"] = 1
    network.troubles["localhost"] = [TimeoutError("no time")]
    client = HttpClient(create_ssl_context(str(sandbox.ca_file)), network)
    with pytest.raises(TransportError) as failed:
        await send(client, a_request(sandbox))
    assert (failed.value.sent, failed.value.timed_out) == (False, True)


async def test_the_transport_answers_as_an_httpx_transport_does(sandbox: Sandbox, client: HttpClient) -> None:
    """Its response can be read like any other."""
    request = httpx.Request(
        "PUT",
        f"{sandbox.partner_center.base_url}/any",
        content=b"{}",
        extensions={"request": a_request(sandbox), "progress": Progress(Deadline.after(10))},
    )
    response = await client._transport.handle_async_request(request)
    assert (response.status_code, await response.aread()) == (200, b"{}")


async def test_the_identity_endpoint_is_asked_in_plain_http_on_a_connection_of_its_own(sandbox: Sandbox) -> None:
    """It is on the loopback address."""
    request = HttpRequest(method="GET", url=f"{sandbox.identity.base_url}/msi/token")
    client = a_client(sandbox)
    assert [(await send(client, request)).status for _ in range(2)] == [401, 401]
    assert len({entry.connection for entry in sandbox.identity.journal}) == 2


async def test_bytes_that_nobody_asked_for_end_an_idle_connection(sandbox: Sandbox, client: HttpClient) -> None:
    """They may be a surplus answer; so may the end of the connection be seen before the next request."""
    origin = Origin("https", "localhost", sandbox.partner_center.server.port)
    for ended in (lambda one: one.data_received(b"HTTP/1.1 200 OK"), Connection.eof_received):
        opened = await client._lanes.open(origin, Deadline.after(10))
        assert opened.is_idle
        ended(opened)
        assert not opened.is_idle
