"""The local host treats requests as the real Functions host was measured to treat them.

On Python 3.13 and later the calls go through Azure's own worker library, before that through the fallback.
"""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.host_process import host_process

ECHO_APP = Path(__file__).parents[1] / "samples" / "echo_app"


@pytest.fixture(scope="module")
def caller() -> Iterator[httpx.Client]:
    """A client of the running host."""
    with host_process(ECHO_APP) as host, httpx.Client(base_url=host.address, trust_env=False) as client:
        yield client


@pytest.fixture
def raw(caller: httpx.Client) -> Callable[[bytes], bytes]:
    """Return a function that sends bytes on a new connection and returns all that the host answers."""

    def send(request: bytes) -> bytes:
        with socket.create_connection((caller.base_url.host, caller.base_url.port or 0), timeout=10) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    return send


def echoed(caller: httpx.Client, path: str = "/api/echo", **request: Any) -> dict[str, Any]:
    """Return what the function saw of this request."""
    response = caller.request(request.pop("method", "POST"), path, **request)
    assert response.status_code == 200, response
    seen: dict[str, Any] = response.json()
    return seen


# What a function sees of a request.


def test_header_names_arrive_in_lower_case_and_repeats_joined_by_a_comma(caller: httpx.Client) -> None:
    """Two Authorization headers arrive as one; an empty value is kept."""
    headers = [("Authorization", "Bearer a"), ("AUTHORIZATION", "Bearer b"), ("X-Empty", "")]
    seen = echoed(caller, headers=headers)["headers"]
    assert (seen["authorization"], seen["x-empty"]) == ("Bearer a,Bearer b", "")


def test_a_utf_8_header_value_arrives_decoded(caller: httpx.Client) -> None:
    """Kestrel reads header values as UTF-8."""
    assert echoed(caller, headers={"X-Name": "Zoë".encode()})["headers"]["x-name"] == "Zoë"


def test_query_names_are_joined_without_case_and_empty_values_are_dropped(caller: httpx.Client) -> None:
    """The URL still holds the query as it was sent."""
    seen = echoed(caller, "/api/echo?a=1&A=2&blank=&flag&b=x%20y+z")
    assert seen["query"] == {"a": "1,2", "b": "x y z"}
    assert seen["url"] == f"{caller.base_url}/api/echo?a=1&A=2&blank=&flag&b=x%20y+z"


def test_a_wrong_function_key_does_not_matter_to_an_anonymous_function(caller: httpx.Client) -> None:
    """The key arrives like any other parameter."""
    assert echoed(caller, "/api/echo?code=wrong", headers={"x-functions-key": "wrong"})["query"] == {"code": "wrong"}


def test_a_body_arrives_only_with_a_content_length(caller: httpx.Client) -> None:
    """A chunked body arrives empty, and the connection stays usable."""
    assert echoed(caller, content=b"abc")["body"] == "abc"
    assert echoed(caller, content=iter([b"abc", b"def"]))["body"] == ""
    assert echoed(caller, content=b"next")["body"] == "next"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/api/echo", {}),
        ("/api/echo/", {}),
        ("/API/Echo/One", {"first": "One"}),
        ("/api/echo/a%2Fb%20c", {"first": "a%2Fb c"}),
    ],
)
def test_routes_match_without_case_and_with_a_trailing_slash(
    caller: httpx.Client, path: str, params: dict[str, str]
) -> None:
    """An encoded slash stays as it was sent."""
    assert echoed(caller, path)["params"] == params


def test_a_catch_all_takes_the_rest_of_the_path_and_a_text_goes_out_as_plain_text(caller: httpx.Client) -> None:
    """The function runs in a thread and takes a context."""
    response = caller.get("/api/files/a/b")
    assert (response.text, response.headers["content-type"]) == ("files a/b", "text/plain; charset=utf-8")


# What the host itself answers.


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/api/echo"), ("OPTIONS", "/api/echo"), ("HEAD", "/api/echo"), ("GET", "/api//echo"), ("GET", "/echo")],
)
def test_an_unknown_path_and_another_method_are_the_same_empty_404(
    caller: httpx.Client, method: str, path: str
) -> None:
    """The answer has no Allow header and carries the customHeaders of host.json."""
    response = caller.request(method, path)
    assert (response.status_code, response.content) == (404, b"")
    assert "allow" not in response.headers
    assert (response.headers["x-content-type-options"], response.headers["cache-control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /api/echo HTTP/1.1\r\nHost: a\r\nX: caf\xe9\r\n\r\n", b"400"),
        (b"GET /api/echo HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", b"400"),
        (b"GET /api/echo HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n", b"431"),
        (b"GET /api/echo HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 32_768 + b"\r\n\r\n", b"431"),
        (b"GET /api/echo?" + b"y" * 8_192 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
    ],
    ids=["latin-1", "NUL", "101 headers", "32 kB of headers", "8 kB of URL"],
)
def test_the_web_server_refuses_what_it_does_not_read(
    raw: Callable[[bytes], bytes], request_head: bytes, status: bytes
) -> None:
    """The answer is empty, has no customHeaders, and ends the connection."""
    answer = raw(request_head)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.endswith(b"\r\n\r\n")
    assert b"nosniff" not in answer


def test_a_body_over_the_limit_is_an_empty_500_and_ends_the_connection(raw: Callable[[bytes], bytes]) -> None:
    """The host does not answer 413 and does not wait for the body."""
    answer = raw(b"POST /api/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 104857601\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500")
    assert answer.endswith(b"\r\n\r\n")


def test_100_continue_is_sent_only_when_the_body_is_wanted(raw: Callable[[bytes], bytes]) -> None:
    """An unknown route is answered at once."""
    rest = b"Host: a\r\nConnection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab"
    assert raw(b"POST /api/echo HTTP/1.1\r\n" + rest).startswith(b"HTTP/1.1 100")
    assert raw(b"POST /api/unknown HTTP/1.1\r\n" + rest).startswith(b"HTTP/1.1 404")


def test_the_host_has_a_home_page_and_a_ping(caller: httpx.Client) -> None:
    """The host answers both itself; the app has no such routes."""
    assert "text/html" in caller.get("/").headers["content-type"]
    assert caller.get("/admin/host/ping").status_code == 200
