"""The local host treats a function's answer or failure as the real Functions host was measured to treat it.

On Python 3.13 and later the calls go through Azure's own worker library, before that through the fallback.
"""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.host_process import host_process

ECHO_APP = Path(__file__).parents[1] / "samples" / "echo_app"


@pytest.fixture(scope="module")
def caller() -> Iterator[httpx.Client]:
    """A client of the running host."""
    with host_process(ECHO_APP) as host, httpx.Client(base_url=host.address, trust_env=False) as client:
        yield client


def answered(caller: httpx.Client, **wanted: object) -> httpx.Response:
    """Return the host's answer when the function answers with these values."""
    # Escaped by hand: httpx writes raw UTF-8, which has no lone surrogate.
    return caller.post("/api/answer", content=json.dumps(wanted))


# How a function's answer is sent.


def test_a_body_goes_out_in_chunks_and_an_empty_one_with_its_length(caller: httpx.Client) -> None:
    """Both carry a Content-Type, a Date and a Server header."""
    full, empty = answered(caller, body="x", status=201), answered(caller)
    assert (full.status_code, full.headers["transfer-encoding"], full.headers.get("content-length")) == (
        201,
        "chunked",
        None,
    )
    assert empty.headers["content-length"] == "0"
    for response in (full, empty):
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.headers["server"] == "Kestrel"
        assert "date" in response.headers


def test_a_status_that_is_none_is_a_bare_500(caller: httpx.Client) -> None:
    """Neither a word nor 99 is a valid status."""
    for status in ("soon", 99):
        response = answered(caller, body="x", status=status)
        assert (response.status_code, response.content) == (500, b"")


@pytest.mark.parametrize("how", ["raise", "nothing"])
def test_a_failed_function_is_a_bare_500(caller: httpx.Client, how: str) -> None:
    """The function may raise or return None; the answer carries the customHeaders of host.json."""
    response = caller.get(f"/api/behave/{how}")
    assert (response.status_code, response.content, response.headers["cache-control"]) == (500, b"", "no-store")


@pytest.mark.parametrize("value", ["é", "\ud800", "a\r\nb: c"], ids=["not ASCII", "lone surrogate", "CRLF"])
def test_a_header_value_that_cannot_be_sent_is_a_bare_500(caller: httpx.Client, value: str) -> None:
    """No part of the function's answer is sent."""
    response = answered(caller, body="x", headers=[["X-Value", value]])
    assert (response.status_code, response.content) == (500, b"")


def test_a_header_of_the_function_wins_over_one_of_host_json(caller: httpx.Client) -> None:
    """customHeaders are added only where the answer has no header of that name."""
    response = answered(caller, headers=[["cache-control", "private"]])
    assert response.headers.get_list("cache-control") == ["private"]


def test_repeated_response_headers_do_not_both_go_out(caller: httpx.Client) -> None:
    """The last of exact duplicates is sent; of names that differ in case, one is sent at random."""
    exact = answered(caller, headers=[["X-A", "1"], ["X-A", "2"]])
    in_case = answered(caller, headers=[["X-B", "1"], ["x-b", "2"]])
    assert exact.headers.get_list("x-a") == ["2"]
    assert in_case.headers.get_list("x-b") in (["1"], ["2"])


def test_cookies_may_repeat_and_are_written_anew(caller: httpx.Client) -> None:
    """The attributes have ASP.NET's spelling and order."""
    first = "a=1; HttpOnly; Path=/x; Max-Age=5; SameSite=Lax; Secure; Expires=Wed, 01 Jan 2031 00:00:00 GMT"
    response = answered(caller, headers=[["Set-Cookie", first], ["Set-Cookie", "b=2"]])
    written = "a=1; expires=Wed, 01 Jan 2031 00:00:00 GMT; max-age=5; path=/x; secure; samesite=lax; httponly"
    assert response.headers.get_list("set-cookie") == [written, "b=2"]


def test_a_204_with_a_body_is_clean_and_ends_the_connection(caller: httpx.Client) -> None:
    """Without a body the connection stays open, and the library's Content-Type is still sent."""
    with_body, without = answered(caller, status=204, body="x"), answered(caller, status=204)
    assert (with_body.status_code, with_body.content, with_body.headers.get("connection")) == (204, b"", "close")
    assert (without.status_code, without.headers.get("connection")) == (204, None)
    assert without.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("header", [["Content-Length", "7"], ["Transfer-Encoding", "chunked"]])
def test_a_function_that_frames_its_own_answer_breaks_it(caller: httpx.Client, header: list[str]) -> None:
    """The host sends the header unchanged, so the client sees a protocol error."""
    with pytest.raises(httpx.RemoteProtocolError):
        answered(caller, body="x", headers=[header])


# Disconnects, exits, signals and start-up.


def connected(caller: httpx.Client) -> socket.socket:
    """A bare connection to the same host."""
    return socket.create_connection((caller.base_url.host, caller.base_url.port or 0), timeout=10)


def history(caller: httpx.Client) -> list[str]:
    """Return the steps that the app has recorded."""
    steps: list[str] = caller.get("/api/history").json()
    return steps


def test_a_function_whose_caller_leaves_runs_to_its_end(caller: httpx.Client) -> None:
    """A disconnect cancels nothing; after a disconnect during an upload the function is never called."""
    before = history(caller)
    with connected(caller) as uploading, connected(caller) as leaving:
        uploading.sendall(b"POST /api/answer HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        leaving.sendall(b"GET /api/behave/slow HTTP/1.1\r\nHost: a\r\n\r\n")
        while "slow" not in history(caller)[len(before) :]:
            time.sleep(0.01)
    while history(caller)[-1] == "slow":
        time.sleep(0.01)
    assert history(caller)[len(before) :] == ["slow", "slow, to its end"]


def test_a_function_that_exits_takes_every_request_in_flight_with_it(caller: httpx.Client) -> None:
    """Every request in flight gets a bare 500 at once, and the host keeps running."""
    with connected(caller) as slow:
        slow.sendall(b"GET /api/behave/slow HTTP/1.1\r\nHost: a\r\n\r\n")
        while history(caller)[-1] != "slow":
            time.sleep(0.01)
        assert caller.get("/api/behave/exit").status_code == 500
        assert slow.recv(65536).startswith(b"HTTP/1.1 500")


def test_a_signal_lets_requests_in_flight_end_and_the_host_leaves_in_peace() -> None:
    """The host answers the request in flight, exits with 0, and closes its port."""
    with host_process(ECHO_APP) as host, httpx.Client(base_url=host.address, trust_env=False) as caller:
        with connected(caller) as slow:
            slow.sendall(b"GET /api/behave/slow HTTP/1.1\r\nHost: a\r\n\r\n")
            while "slow" not in history(caller):
                time.sleep(0.01)
            host.process.terminate()
            answer = b"".join(iter(lambda: slow.recv(65536), b""))
        assert b"slow" in answer
        assert host.process.wait(10) == 0
        with pytest.raises(httpx.ConnectError):
            caller.get("/")


def test_a_taken_port_is_exchanged_for_a_free_one_and_the_host_says_so() -> None:
    """Two hosts never share a port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with host_process(ECHO_APP, port=port) as host:
            assert f"Port {port} is taken" in host.announcement
            assert httpx.get(f"{host.address}/api/history", trust_env=False).status_code == 200


def test_an_app_that_cannot_be_loaded_ends_the_host_with_the_reason(tmp_path: Path) -> None:
    """The real host would keep running and answer 404."""
    (tmp_path / "function_app.py").write_text("import a_package_that_is_not_installed")
    (tmp_path / "host.json").write_text("{}")
    with pytest.raises(RuntimeError, match="No module named 'a_package_that_is_not_installed'"), host_process(tmp_path):
        pass
    (tmp_path / "host.json").unlink()
    with pytest.raises(RuntimeError, match=r"No such file or directory.*host\.json"), host_process(tmp_path):
        pass
