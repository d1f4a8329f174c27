"""Whatever a server can do to its client, a script can make the stand-ins do."""

import asyncio
import gzip
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import httpx
import pytest
from sandbox_clients import client, connected, received

from sandbox import Answer, Fault, Sandbox

REQUEST = b"GET /any HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST_REQUEST = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started: Sandbox) -> Sandbox:
    started.reset()
    return started


def bytes_of(sandbox: Sandbox, answer: Answer) -> bytes:
    """Return the bytes on the wire when `answer` is scripted."""
    sandbox.partner_center.script(answer)
    with connected(sandbox, sandbox.partner_center.server) as stream:
        stream.sendall(LAST_REQUEST)
        return received(stream)


def test_status_reason_and_headers_go_out_as_they_are_given(sandbox: Sandbox) -> None:
    headers = (("Request Context", "a"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    data = bytes_of(sandbox, Answer(status=600, reason="MFA nötig", headers=headers, body=b"x"))
    assert (
        data
        == (
            "HTTP/1.1 600 MFA nötig\r\nRequest Context: a\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
            "Content-Length: 1\r\n\r\nx"
        ).encode()
    )


def test_a_real_client_gets_the_reason_phrase(sandbox: Sandbox) -> None:
    sandbox.partner_center.script(Answer(status=401, reason="Unauthorized - MFA required"))
    with client(sandbox) as partner_center:
        assert partner_center.get("/any").reason_phrase == "Unauthorized - MFA required"


def test_framing_is_a_length_or_chunks_or_the_end_of_the_connection(sandbox: Sandbox) -> None:
    assert bytes_of(sandbox, Answer(body=b"abc")).endswith(b"Content-Length: 3\r\n\r\nabc")
    chunked = bytes_of(sandbox, Answer(body=b"abc", framing="chunked"))
    assert chunked.endswith(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert bytes_of(sandbox, Answer(body=b"abc", framing="close")) == b"HTTP/1.1 200 OK\r\n\r\nabc"
    assert bytes_of(sandbox, Answer(status=204)) == b"HTTP/1.1 204 No Content\r\n\r\n"


def test_lengths_can_be_wrong_or_two(sandbox: Sandbox) -> None:
    lengths = (("Content-Length", "9"), ("Content-Length", "3"))
    data = bytes_of(sandbox, Answer(body=b"abc", headers=lengths, close=True))
    assert data.endswith(b"Content-Length: 9\r\nContent-Length: 3\r\n\r\nabc")


def test_a_slow_answer_is_whole_in_the_end(sandbox: Sandbox) -> None:
    slow = Answer(body=b"abc", delay_seconds=0.01, body_delay_seconds=0.01)
    dripping = replace(slow, head_line_seconds=0.001, body_byte_seconds=0.001)
    assert bytes_of(sandbox, slow) == bytes_of(sandbox, dripping) == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


def test_headers_of_any_number_and_size_go_out(sandbox: Sandbox) -> None:
    headers = tuple((f"X-{number}", "x" * 1_000) for number in range(120))
    head, _, body = bytes_of(sandbox, Answer(headers=headers, body=b"{}")).partition(b"\r\n\r\n")
    assert len(head) > 120_000
    assert head.count(b"\r\nX-") == 120
    assert body == b"{}"


def test_a_body_may_be_packed_and_its_label_may_lie(sandbox: Sandbox) -> None:
    packed = ("Content-Encoding", "gzip")
    sandbox.partner_center.script(Answer(headers=(packed,), body=gzip.compress(b"{}")), Answer(headers=(packed,)))
    sandbox.partner_center.script(Answer(headers=(packed,), body=b"no gzip"))
    with client(sandbox) as partner_center:
        assert [partner_center.get("/any").content for _ in range(2)] == [b"{}", b""]
        with pytest.raises(httpx.DecodingError):
            partner_center.get("/any")


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_an_answer_like_any_other(sandbox: Sandbox, status: int) -> None:
    sandbox.partner_center.script(Answer(status=status, headers=(("Location", "/elsewhere"),)))
    with client(sandbox) as partner_center:
        answer = partner_center.put("/v1/profiles/supportprofile", json={})
        assert (answer.status_code, answer.headers["Location"], answer.content) == (status, "/elsewhere", b"")
        assert partner_center.get("/v1/profiles/support").status_code == 200
    assert len(sandbox.partner_center.journal) == 2


def test_a_whole_answer_may_end_in_a_reset(sandbox: Sandbox) -> None:
    sandbox.partner_center.script(Answer(body=b"abcd", fault=Fault.RESET_AFTER_ANSWER), times=2)
    with connected(sandbox, sandbox.partner_center.server) as stream:
        stream.sendall(LAST_REQUEST)
        stream.setblocking(True)
        with pytest.raises(ConnectionResetError):
            # Read below TLS until the end: Python 3.11's ssl reports a reset as a normal end.
            list(iter(partial(os.read, stream.fileno(), 4096), b""))
    with client(sandbox) as partner_center:
        assert partner_center.get("/any").content == b"abcd"


TROUBLES = {
    Fault.RESET_BEFORE_READING: b"",
    Fault.RESET_AFTER_REQUEST: b"",
    Fault.RESET_AFTER_HEADERS: b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n",
    Fault.RESET_IN_BODY: b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab",
    Fault.CLOSE: b"",
    Fault.TRUNCATE: b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab",
}


@pytest.mark.parametrize("fault", TROUBLES)
def test_a_fault_ends_the_connection_at_its_place(sandbox: Sandbox, fault: Fault) -> None:
    data = bytes_of(sandbox, Answer(body=b"abcd", fault=fault))
    # On a busy machine a reset may overtake the bytes that were sent before it.
    assert data == TROUBLES[fault] or ("reset" in fault and TROUBLES[fault].startswith(data))
    assert len(sandbox.partner_center.journal) == (0 if fault is Fault.RESET_BEFORE_READING else 1)


@pytest.mark.parametrize("fault", TROUBLES)
def test_a_real_client_sees_a_fault_as_a_broken_transport_and_the_next_call_succeeds(
    sandbox: Sandbox, fault: Fault
) -> None:
    sandbox.partner_center.script(Answer.trouble(fault))
    with client(sandbox) as partner_center:
        with pytest.raises(httpx.TransportError):
            partner_center.get("/v1/profiles/support")
        assert partner_center.get("/v1/profiles/support").status_code == 200


def test_a_request_that_is_reset_unread_can_be_bound_to_nothing(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="unbound"):
        sandbox.partner_center.script(Answer.trouble("reset_before_reading"), method="PUT")


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_AFTER_HEADERS])
def test_a_hang_lasts_until_the_client_leaves(sandbox: Sandbox, fault: Fault) -> None:
    sandbox.partner_center.script(Answer.trouble(fault))
    with client(sandbox) as partner_center:
        with pytest.raises(httpx.ReadTimeout):
            partner_center.get("/any", timeout=httpx.Timeout(10, read=0.05))
        assert partner_center.get("/v1/profiles/support").status_code == 200


def test_a_tls_handshake_can_hang_or_be_reset_until_the_switch_is_off(sandbox: Sandbox) -> None:
    server = sandbox.partner_center.server
    with client(sandbox) as partner_center:
        server.hang_at_tls_hello = True
        with pytest.raises(httpx.ConnectTimeout):
            partner_center.get("/any", timeout=0.05)
        server.hang_at_tls_hello, server.reset_at_tls_hello = False, True
        with pytest.raises(httpx.ConnectError):
            partner_center.get("/any")
        server.reset_at_tls_hello = False
        assert partner_center.get("/v1/profiles/support").status_code == 200


def test_a_surplus_answer_comes_in_the_same_piece_behind_the_true_one(sandbox: Sandbox) -> None:
    data = bytes_of(sandbox, Answer(body=b"mine", surplus=Answer(status=201, body=b"a neighbour's")))
    mine = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"
    assert data == mine + b"HTTP/1.1 201 Created\r\nContent-Length: 13\r\n\r\na neighbour's"


def test_the_true_answer_can_be_given_with_something_added(sandbox: Sandbox) -> None:
    sandbox.partner_center.script(Answer.true(headers=(("Retry-After", "5"),), surplus=Answer(body=b"more")))
    with client(sandbox) as partner_center:
        answer = partner_center.get("/v1/profiles/support")
    assert (answer.status_code, answer.headers["Retry-After"]) == (200, "5")
    assert b"contoso" in answer.content


def test_connections_are_kept_alive_and_numbered(sandbox: Sandbox) -> None:
    with client(sandbox) as first, client(sandbox) as second:
        for user in (first, first, second, first):
            user.get("/any")
    numbers = [entry.connection for entry in sandbox.partner_center.journal]
    assert numbers[0] == numbers[1] == numbers[3] != numbers[2]


def test_two_requests_in_one_piece_are_answered_in_turn(sandbox: Sandbox) -> None:
    sandbox.partner_center.script(Answer(body=b"first"), Answer(body=b"second"))
    with connected(sandbox, sandbox.partner_center.server) as stream:
        stream.sendall(REQUEST + LAST_REQUEST)
        data = received(stream)
    assert data.index(b"first") < data.index(b"second")


def test_an_idle_connection_is_closed_after_its_time(sandbox: Sandbox) -> None:
    sandbox.partner_center.server.idle_seconds = 0.01
    with connected(sandbox, sandbox.partner_center.server) as stream:
        assert received(stream) == b""


def test_a_client_that_waits_for_100_continue_gets_it(sandbox: Sandbox) -> None:
    with connected(sandbox, sandbox.partner_center.server) as stream:
        stream.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert stream.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stream.sendall(b"{}")
        assert stream.recv(100).startswith(b"HTTP/1.1 401")


def test_what_is_no_http_is_a_400(sandbox: Sandbox) -> None:
    with connected(sandbox, sandbox.partner_center.server) as stream:
        stream.sendall(b"hello\r\n\r\n")
        assert received(stream).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_gate_holds_an_answer_back_until_the_test_opens_it(sandbox: Sandbox) -> None:
    gate = threading.Event()
    sandbox.partner_center.script(Answer.true(gate=gate))
    with connected(sandbox, sandbox.partner_center.server) as stream:
        stream.sendall(LAST_REQUEST)
        (entry,) = sandbox.partner_center.journal.wait_for(1)
        assert entry.method == "GET"
        gate.set()
        assert received(stream).startswith(b"HTTP/1.1 401")


async def test_a_test_that_blocks_its_own_event_loop_does_not_stall_the_stand_ins(sandbox: Sandbox) -> None:
    with client(sandbox) as blocking:
        assert blocking.get("/v1/profiles/support").status_code == 200
    token = sandbox.entra.partner_center_token("bob")
    async with httpx.AsyncClient(verify=sandbox.certificates.client_context(), trust_env=False) as asynchronous:
        url = sandbox.partner_center.base_url + "/v1/profiles/support"
        calls = [asynchronous.get(url, headers={"Authorization": f"Bearer {token}"}) for _ in range(20)]
        assert {answer.status_code for answer in await asyncio.gather(*calls)} == {200}
