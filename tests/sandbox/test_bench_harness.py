"""The harness of `make bench` drives the function: its own processes, its far side, its relay."""

import asyncio
import json

import httpx
import pytest

from benchmarks.far_side.lean_server import Connection, LeanServer
from benchmarks.far_side.relay import Relay
from benchmarks.far_side.surplus import MOMENTS
from benchmarks.lab import BODY, NULL, OURS, Lab
from benchmarks.measures import _none_failed
from benchmarks.surplus import surplus
from sandbox.certificates import Certificates
from sandbox.http_request import Request
from sandbox.script import Answer


async def test_the_lean_server_answers_a_real_client_through_the_relay() -> None:
    """Head and body arrive in pieces, and several requests use one connection."""

    def respond(request: Request, connection: Connection) -> None:
        connection.send(Answer(body=b"%d" % len(request.body), headers=(("X-Path", request.path),)))

    certificates = Certificates.create()
    server = LeanServer(respond, certificates.server_context)
    await server.start()
    relay = Relay(server.port, round_trip_seconds=0.01)
    await relay.start()
    try:
        async with httpx.AsyncClient(verify=certificates.client_context(), trust_env=False) as client:
            sizes = (0, 1, 300_000)
            answers = [
                await client.put(f"https://localhost:{relay.port}/{size}", content=b"x" * size) for size in sizes
            ]
    finally:
        relay.close()
        server.close()
    assert [(answer.text, answer.headers["X-Path"]) for answer in answers] == [
        ("0", "/0"),
        ("1", "/1"),
        ("300000", "/300000"),
    ]
    assert server.connections == 1


async def test_the_relay_passes_on_what_a_side_sends_in_order_and_its_end() -> None:
    ended = asyncio.Event()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()
        ended.set()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    relay = Relay(server.sockets[0].getsockname()[1], round_trip_seconds=0.01)
    await relay.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    pieces = [b"%d " % number for number in range(500)]
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0)
    whole = b"".join(pieces)
    assert await reader.readexactly(len(whole)) == whole
    writer.close()
    await ended.wait()
    relay.close()
    server.close()


def test_the_lab_calls_the_function_in_a_process_of_its_own() -> None:
    """Each call is one of the runtime's: body, token, exchange and upstream, with the answer's status told."""
    with Lab() as lab, lab.running([NULL, OURS]) as channels:
        for one in (NULL, OURS):
            told = channels[one].ask("calls", tokens=lab.tokens(one, 2), count=4, in_flight=2, body=BODY)
            assert told["statuses"] == {"200": 4}
            assert len(told["milliseconds"]) == 4
        refused = channels[OURS].ask("calls", tokens=lab.tokens(OURS, 1), count=1, in_flight=1, body=json.dumps({}))
        assert refused["statuses"] == {"422": 1}
        assert channels[OURS].ask("profile", tokens=lab.tokens(OURS, 1), count=2, in_flight=1, body=BODY)["rows"]
        assert channels[OURS].ask("held")["descriptors"] > 0


def test_new_users_arrive_beside_cached_traffic_and_at_once() -> None:
    with Lab() as lab, lab.running([OURS]) as channels:
        channel = channels[OURS]
        cached, new = lab.tokens(OURS, 2), lab.tokens(OURS, 3)
        told = channel.ask("beside", tokens=new, cached=cached, in_flight=2, body=BODY, over_seconds=0.1)
        assert told["failed"] == 0
        assert 0 < told["p50_ms"] <= told["max_ms"]
        assert told["cached_calls"] > 0
        told = channel.ask("stalls", tokens=lab.tokens(OURS, 2), body="{}", over_seconds=0.0)
        assert told["failed"] == 2


def test_a_failed_call_fails_the_measurement() -> None:
    """A refusal is quick, and would make a program look fast."""
    with pytest.raises(RuntimeError, match="2 calls of ours failed"):
        _none_failed(OURS, {"failed": 2})


def test_surplus_answers_reach_nobody() -> None:
    with Lab() as lab:
        found = surplus(lab, calls=64, contestants=[OURS])
    for moment in MOMENTS:
        counts = found["ours"][moment]
        assert counts["surplus"] > 0
        assert (counts["another's"], counts["untrue"]) == (0, 0)
        assert counts["calls"] == 16
