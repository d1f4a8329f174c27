"""scripts/deploy_health.py against servers that break off, hang, or are none."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scripts import deploy_health
from scripts.deploy_health import State

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n{"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + b'{"status": "ok", '
NO_HTTP = b"SSH-2.0-OpenSSH_9.9\r\n"


@contextmanager
def answering(sent: bytes, *, how: str) -> Iterator[str]:
    """Give the address of a server that sends these bytes, and then closes, resets or holds the connection."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(sent)
                if how == "hangs":
                    over.wait(30)
                if how == "resets":  # closing with a linger of 0 s sends RST
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/api/health"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("sent", "how", "state", "words"),
    [
        (BUSY, "resets", State.UNSOUND, "503 Service Unavailable"),
        (BUSY, "hangs", State.UNSOUND, "503 Service Unavailable"),
        (BUSY, "closes", State.UNSOUND, "503 Service Unavailable"),
        (NO_HTTP, "closes", State.UNREACHABLE, "SSH-2.0"),
        (b"", "closes", State.UNREACHABLE, "closed connection"),
        (CHUNKED, "closes", State.UNREACHABLE, "IncompleteRead"),
        (CHUNKED, "resets", State.UNREACHABLE, ""),
        (CHUNKED, "hangs", State.UNREACHABLE, "timed out"),
    ],
)
def test_an_answer_that_breaks_off_is_no_crash(
    sent: bytes, how: str, state: State, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status that was read counts, with or without its body. Without a whole 200 nothing is known."""
    monkeypatch.setattr(deploy_health, "TIMEOUT_SECONDS", 1)
    with answering(sent, how=how) as url:
        health = deploy_health.ask(url, 0, 0, version=None)
    assert health.state is state
    assert words in health.words
    assert health.words
