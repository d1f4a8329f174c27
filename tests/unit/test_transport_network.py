"""Every wait on the network ends by the deadline, and no socket stays open however a call ends."""

import asyncio
import socket

import pytest
from live_service import a_client, open_sockets, until_closed

from sandbox import Answer, Fault, Sandbox
from update_profile.deadline import Deadline
from update_profile.transport.client import HttpClient, create_ssl_context
from update_profile.transport.messages import HttpAnswer, HttpRequest, TransportError
from update_profile.transport.network import Network

SHORT = 0.3
LONG_BODY = b"b" * 1000


def sending(sandbox: Sandbox, *, seconds: float = 10.0, client: HttpClient | None = None) -> asyncio.Task[HttpAnswer]:
    """Start a request to Partner Center."""
    request = HttpRequest(method="PUT", url=sandbox.partner_center.base_url + "/any", body=b"{}")
    return asyncio.create_task((client or a_client(sandbox)).send(request, deadline=Deadline.after(seconds)))


@pytest.mark.parametrize(
    "answer",
    [
        Answer.trouble(Fault.HANG),
        Answer(headers=(("A", "b"),) * 100, head_line_seconds=0.05),
        Answer(delay_seconds=1),
    ],
    ids=["a hang", "headers that drip", "an answer that is late"],
)
async def test_an_answer_that_does_not_come_in_time_is_none(sandbox: Sandbox, answer: Answer) -> None:
    """The request was sent, and the deadline ended it even if single bytes arrived in time."""
    sandbox.partner_center.script(answer)
    with pytest.raises(TransportError) as failed:
        await sending(sandbox, seconds=SHORT)
    assert (failed.value.sent, failed.value.timed_out) == (True, True)


@pytest.mark.parametrize(
    "answer",
    [Answer.trouble(Fault.HANG_AFTER_HEADERS), Answer(body=LONG_BODY, body_byte_seconds=0.02)],
    ids=["a hang behind the headers", "a body that drips"],
)
async def test_a_body_that_does_not_come_in_time_costs_the_body_alone(sandbox: Sandbox, answer: Answer) -> None:
    """The status is known, so it is the answer."""
    sandbox.partner_center.script(answer)
    answered = await sending(sandbox, seconds=SHORT)
    assert (answered.status, answered.body) == (200, None)


async def test_a_handshake_that_hangs_ends_by_the_deadline_with_nothing_sent(sandbox: Sandbox) -> None:
    """Handshake bytes do not count as part of the request."""
    sandbox.partner_center.server.hang_at_tls_hello = True
    with pytest.raises(TransportError) as failed:
        await sending(sandbox, seconds=SHORT)
    assert (failed.value.sent, failed.value.timed_out) == (False, True)


async def test_without_any_time_nothing_is_sent(sandbox: Sandbox) -> None:
    """A deadline that has already passed ends the first wait."""
    with pytest.raises(TransportError) as failed:
        await sending(sandbox, seconds=0)
    assert (failed.value.sent, failed.value.timed_out) == (False, True)
    assert sandbox.partner_center.journal == []


ENDINGS: dict[str, Answer] = {
    "a good answer": Answer.json({}),
    "an answer that keeps the connection": Answer(status=500, body=b"x"),
    "a surplus answer": Answer(body=b"x", surplus=Answer(body=b"y")),
    "a body that is too large": Answer(body=b"b" * 2_000_000),
    "an answer that cannot be read": Answer(headers=(("Request Context", "a"),)),
    **{str(fault): Answer.trouble(fault) for fault in Fault},
}


@pytest.mark.parametrize("name", ENDINGS)
async def test_no_socket_is_left_over_after_an_answer_or_a_fault(sandbox: Sandbox, name: str) -> None:
    """This holds on both sides; hangs end at the deadline."""
    before = open_sockets()
    sandbox.partner_center.script(ENDINGS[name], times=None)
    await asyncio.gather(*(sending(sandbox, seconds=SHORT) for _ in range(5)), return_exceptions=True)
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


@pytest.mark.parametrize("switch", ["hang_at_tls_hello", "reset_at_tls_hello"])
async def test_no_socket_is_left_over_after_a_handshake_that_fails(sandbox: Sandbox, switch: str) -> None:
    """Once the server recovers, the next call gets an answer."""
    before = open_sockets()
    client = a_client(sandbox)
    setattr(sandbox.partner_center.server, switch, True)
    await asyncio.gather(*(sending(sandbox, seconds=SHORT, client=client) for _ in range(20)), return_exceptions=True)
    setattr(sandbox.partner_center.server, switch, False)
    assert (await sending(sandbox, client=client)).status == 401
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_call_cancelled_in_the_handshake_was_not_sent_and_leaves_no_socket(sandbox: Sandbox) -> None:
    """Nothing was sent, so the cancellation propagates to the caller."""
    before = open_sockets()
    sandbox.partner_center.server.hang_at_tls_hello = True
    task = sending(sandbox)
    while not sandbox.partner_center.server.open_connections:  # noqa: ASYNC110  another thread changes it
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_call_cancelled_behind_its_request_says_so_and_leaves_no_socket(sandbox: Sandbox) -> None:
    """The server may have acted, so this is more than a cancellation."""
    before = open_sockets()
    sandbox.partner_center.script(Answer.trouble(Fault.HANG))
    task = sending(sandbox)
    await asyncio.to_thread(sandbox.partner_center.journal.wait_for, 1)
    task.cancel()
    with pytest.raises(TransportError) as failed:
        await task
    assert (failed.value.sent, failed.value.timed_out) == (True, False)
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


async def test_a_call_cancelled_in_the_body_has_its_status_and_leaves_no_socket(sandbox: Sandbox) -> None:
    """The status is known, so it is returned even though the call was cancelled."""
    before = open_sockets()
    sandbox.partner_center.script(Answer.trouble(Fault.HANG_AFTER_HEADERS))
    task = sending(sandbox)
    await asyncio.to_thread(sandbox.partner_center.journal.wait_for, 1)
    await asyncio.sleep(0.5)  # time for the headers to arrive
    task.cancel()
    answer = await task
    assert (answer.status, answer.body) == (200, None)
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


@pytest.mark.parametrize("steps", range(12))
async def test_a_call_cancelled_at_any_step_leaves_no_socket(sandbox: Sandbox, steps: int) -> None:
    """Depending on the time, the cancellation hits name lookup, connect, handshake or request."""
    before = open_sockets()
    sandbox.partner_center.script(Answer.trouble(Fault.HANG), times=None)
    tasks = [sending(sandbox, seconds=2) for _ in range(5)]
    for _ in range(steps):
        await asyncio.sleep(0.001)
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, TransportError | asyncio.CancelledError) for outcome in outcomes)
    assert await until_closed(sandbox, sockets_before=before) == (0, 0)


class SilentNetwork(Network):
    """Never connects."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def connect(self, host: str, port: int) -> socket.socket:
        """Wait forever."""
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_call_cancelled_while_it_connects_was_not_sent(sandbox: Sandbox) -> None:
    """Nothing was sent, so the cancellation propagates to the caller."""
    network = SilentNetwork()
    task = sending(sandbox, client=HttpClient(create_ssl_context(None), network), seconds=7)
    await network.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_connection_attempt_ends_by_the_deadline(sandbox: Sandbox) -> None:
    """It is a time-out with nothing sent."""
    client = HttpClient(create_ssl_context(None), SilentNetwork())
    with pytest.raises(TransportError) as failed:
        await sending(sandbox, client=client, seconds=SHORT)
    assert (failed.value.sent, failed.value.timed_out) == (False, True)
