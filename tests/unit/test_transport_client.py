"""The HTTP client: what it sends, and what counts as an answer."""

import gzip
import os
import ssl
import zlib
from pathlib import Path

import pytest
import trustme
from live_service import a_client

from sandbox import Answer, Fault, Sandbox
from update_profile import __version__
from update_profile.deadline import Deadline
from update_profile.errors import Misconfigured
from update_profile.transport.client import HttpClient, create_ssl_context
from update_profile.transport.connection import Connection
from update_profile.transport.messages import MAX_ANSWER_BYTES, HttpAnswer, HttpRequest, TransportError

BODY = b'{"a":"' + b"b" * 1000 + b'"}'


async def get(sandbox: Sandbox, *answers: Answer, seconds: float = 10.0) -> HttpAnswer:
    """Return what the client makes of a scripted answer."""
    sandbox.partner_center.script(*answers)
    request = HttpRequest(method="GET", url=sandbox.partner_center.base_url + "/any")
    return await a_client(sandbox).send(request, deadline=Deadline.after(seconds))


async def test_a_request_bears_what_it_must_and_nothing_else(sandbox: Sandbox) -> None:
    """It sends no Cookie and no Expect, requests no compression, and sends Content-Length."""
    request = HttpRequest(
        method="PUT", url=sandbox.partner_center.base_url + "/a?b=c", headers={"X": "1"}, body="ü".encode()
    )
    await a_client(sandbox).send(request, deadline=Deadline.after(10))
    (entry,) = sandbox.partner_center.journal
    assert (entry.method, entry.path, entry.body) == ("PUT", "/a?b=c", "ü".encode())
    assert {name.lower(): value for name, value in entry.headers} == {
        "host": f"localhost:{sandbox.partner_center.server.port}",
        "user-agent": f"update-profile/{__version__}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-length": "2",
        "x": "1",
    }


async def test_each_request_has_a_connection_of_its_own_and_no_memory(sandbox: Sandbox) -> None:
    """A cookie that was set is not sent back."""
    cookie = Answer(headers=(("Set-Cookie", "a=1"),))
    sandbox.partner_center.script(cookie, cookie)
    client, request = a_client(sandbox), HttpRequest(method="GET", url=sandbox.partner_center.base_url + "/")
    for _ in range(2):
        await client.send(request, deadline=Deadline.after(10))
    first, second = sandbox.partner_center.journal
    assert first.connection != second.connection
    assert second.header("Cookie") is None


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
async def test_what_would_end_the_process_behind_a_request_says_that_it_was_sent(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """It is treated like a cancellation."""

    def end(self: Connection, data: bytes) -> None:
        assert self._waiter is not None
        self._waiter.set_exception(error)

    monkeypatch.setattr(Connection, "data_received", end)
    with pytest.raises(TransportError, match=type(error).__name__) as failed:
        await get(sandbox, Answer())
    assert (failed.value.sent, failed.value.timed_out) == (True, False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["/elsewhere", "https://[bad", "http://\x01/", ""])
async def test_a_redirect_is_an_answer_and_is_not_followed(sandbox: Sandbox, status: int, location: str) -> None:
    """The Location is not even parsed, so a bad one makes no difference."""
    answer = await get(sandbox, Answer(status=status, headers=(("Location", location.replace("\x01", "%01")),)))
    assert answer.status == status
    assert len(sandbox.partner_center.journal) == 1


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 429, 500, 599, 600, 999])
async def test_any_status_that_can_be_read_is_an_answer(sandbox: Sandbox, status: int) -> None:
    """Interpreting the status is left to the caller."""
    assert (await get(sandbox, Answer(status=status))).status == status


async def test_headers_and_reason_come_as_text_whatever_their_bytes(sandbox: Sandbox) -> None:
    """A reason phrase in UTF-8 is decoded; header names are in lower case, and repeated headers are kept."""
    answer = await get(sandbox, Answer(reason="Nö", headers=(("X-A", "ä"), ("x-a", "b"))))
    assert answer.reason == "Nö"
    assert [pair for pair in answer.headers if pair[0] == "x-a"] == [("x-a", "ä"), ("x-a", "b")]


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_body_comes_whole_however_it_is_framed(sandbox: Sandbox, framing: str) -> None:
    """The body ends by its length, in chunks, or with the connection."""
    known = {"length": Answer(body=BODY), "chunked": Answer(body=BODY, framing="chunked")}
    assert (await get(sandbox, known.get(framing, Answer(body=BODY, framing="close")))).body == BODY


CUT = {
    "truncated": Answer(body=BODY, fault=Fault.TRUNCATE),
    "reset in the body": Answer(body=BODY, fault=Fault.RESET_IN_BODY),
    "reset behind the headers": Answer(body=BODY, fault=Fault.RESET_AFTER_HEADERS),
    "a chunk that is none": Answer(body=b"zz\r\nhello\r\n", headers=(("Transfer-Encoding", "chunked"),), close=True),
    "a byte too large": Answer(body=b"b" * (MAX_ANSWER_BYTES + 1)),
    "gzip that is none": Answer(body=BODY, headers=(("Content-Encoding", "gzip"),)),
    "gzip that is cut": Answer(body=gzip.compress(BODY)[:-9], headers=(("Content-Encoding", "gzip"),)),
    "gzip with a wrong sum": Answer(
        body=gzip.compress(BODY)[:-8] + b"12345678", headers=(("Content-Encoding", "gzip"),)
    ),
    "a gzip bomb": Answer(body=gzip.compress(bytes(60_000_000), 9), headers=(("Content-Encoding", "gzip"),)),
    "a coding nobody knows": Answer(body=BODY, headers=(("Content-Encoding", "br"),)),
}


@pytest.mark.parametrize("name", CUT)
async def test_what_befalls_a_body_costs_the_body_alone(sandbox: Sandbox, name: str) -> None:
    """Status and headers were read, so there is an answer; a cut, unreadable or too large body is None."""
    answer = await get(sandbox, CUT[name])
    assert (answer.status, answer.body) == (200, None)


WHOLE = {
    "the most that is taken": Answer(body=b"b" * MAX_ANSWER_BYTES),
    "gzip": Answer(body=gzip.compress(BODY), headers=(("Content-Encoding", " GZIP "),)),
    "deflate": Answer(body=zlib.compress(BODY), headers=(("Content-Encoding", "deflate"),)),
    "identity": Answer(body=BODY, headers=(("Content-Encoding", "identity"),)),
    "gzip of the most that is taken": Answer(
        body=gzip.compress(b"b" * MAX_ANSWER_BYTES), headers=(("Content-Encoding", "gzip"),)
    ),
}


@pytest.mark.parametrize("name", WHOLE)
async def test_a_body_that_some_server_packs_all_the_same_is_unpacked(sandbox: Sandbox, name: str) -> None:
    """No compression was requested, but it is accepted up to the size limit."""
    assert (await get(sandbox, WHOLE[name])).body in (BODY, b"b" * MAX_ANSWER_BYTES)


UNREADABLE = {
    "an illegal header": Answer(headers=(("Request Context", "told"),)),
    "an illegal header without a colon behind it": Answer(headers=(("told@example", "a"),)),
    "two lengths": Answer(body=b"abc", headers=(("Content-Length", "9"), ("Content-Length", "3")), close=True),
    "a length that is none": Answer(headers=(("Content-Length", "told"),), close=True),
    "a status of two digits": Answer(status=20, reason="told"),
    "endless headers": Answer(headers=(("A", "told" * 30_000),) * 4),
    "closed without an answer": Answer.trouble(Fault.CLOSE),
    "reset behind the request": Answer.trouble(Fault.RESET_AFTER_REQUEST),
    "reset unread": Answer.trouble(Fault.RESET_BEFORE_READING),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_none_though_the_request_was_sent(sandbox: Sandbox, name: str) -> None:
    """The server may have acted on the request; the reason quotes nothing of what was received."""
    with pytest.raises(TransportError) as failed:
        await get(sandbox, UNREADABLE[name])
    assert (failed.value.sent, failed.value.timed_out) == (True, False)
    assert "told" not in failed.value.reason


async def a_failure(client: HttpClient, url: str, **headers: str) -> TransportError:
    """Send a request that must fail, and return the error."""
    with pytest.raises(TransportError) as failed:
        await client.send(HttpRequest(method="GET", url=url, headers=headers), deadline=Deadline.after(10))
    return failed.value


@pytest.mark.parametrize(
    "url", ["https://localhost:1/", "https://name.invalid/", "https://\x00/", "https://xn--☃.example/", "https://a..b/"]
)
async def test_where_nobody_can_be_reached_nothing_was_sent(sandbox: Sandbox, url: str) -> None:
    """The connection is refused, or the host name is unknown or invalid."""
    error = await a_failure(a_client(sandbox), url)
    assert (error.sent, error.timed_out) == (False, False)
    assert error.reason


async def test_a_certificate_of_another_authority_is_refused_before_anything_is_sent(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The reason says what is wrong with the certificate."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    error = await a_failure(HttpClient(create_ssl_context(str(other))), sandbox.partner_center.base_url)
    assert not error.sent
    assert "certificate verify failed" in error.reason
    assert sandbox.partner_center.journal == []


async def test_a_reset_in_the_place_of_a_handshake_comes_before_anything_is_sent(sandbox: Sandbox) -> None:
    """Handshake bytes do not count as part of the request."""
    sandbox.partner_center.server.reset_at_tls_hello = True
    assert not (await a_failure(a_client(sandbox), sandbox.partner_center.base_url)).sent


@pytest.mark.parametrize("value", ["ü", "\ud800", "a\r\nb: c", "a\x00"])
async def test_a_header_that_cannot_be_sent_is_not_sent_and_not_told(sandbox: Sandbox, value: str) -> None:
    """A value can neither inject another header nor reach the log through the error."""
    error = await a_failure(a_client(sandbox), sandbox.partner_center.base_url, Authorization=f"told{value}")
    assert not error.sent
    assert "told" not in error.reason
    assert sandbox.partner_center.journal == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate", "directory"])
def test_a_ca_bundle_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path, content: bytes | str | None) -> None:
    """The error names the setting but not its value."""
    path = tmp_path / "told.pem"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    with pytest.raises(Misconfigured) as refused:
        create_ssl_context(str(path))
    (fault,) = refused.value.fields
    assert fault.field == "SSL_CERT_FILE"
    assert "told" not in f"{refused.value.detail} {fault.message}"


def test_without_a_bundle_certifi_s_is_trusted_and_certificates_are_checked() -> None:
    """Verification is never switched off."""
    context = create_ssl_context(None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_the_environment_changes_nothing(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    """CA bundles and proxies that other programs use are ignored."""
    monkeypatch.setenv(name, str(tmp_path / "nonsense") if "PROXY" not in name.upper() else "http://localhost:1")
    assert (await get(sandbox, Answer())).status == 200
    assert os.environ[name]
