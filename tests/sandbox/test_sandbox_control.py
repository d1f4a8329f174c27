"""The stand-ins can be driven from other processes, run alone, and leave nothing behind."""

import gc
import signal
import socket
import ssl
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from sandbox_clients import client, connected, exchange_form

from sandbox import Answer, Sandbox
from sandbox.certificates import NAMES, Certificates


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def test_a_user_signs_in_over_the_control_api(sandbox: Sandbox) -> None:
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        token = entra.post("/_sandbox/sign-in", json={"user": "bob"}).json()["access_token"]
        form = exchange_form(sandbox, assertion=token)
        answer = entra.post(f"/{sandbox.entra.tenants[0]}/oauth2/v2.0/token", data=form)
    assert answer.status_code == 200
    assert sandbox.entra.journal[-1].user == "bob"


def test_answers_are_scripted_and_cleared_over_the_control_api(sandbox: Sandbox) -> None:
    script = {"answers": [{"status": 503, "headers": [["Retry-After", "7"]], "body": "later"}], "times": None}
    with client(sandbox) as partner_center:
        assert partner_center.post("/_sandbox/script", json=script).status_code == 200
        answers = [partner_center.get("/v1/profiles/support") for _ in range(2)]
        assert [(a.status_code, a.headers["Retry-After"], a.text) for a in answers] == [(503, "7", "later")] * 2
        partner_center.delete("/_sandbox/script")
        assert partner_center.get("/v1/profiles/support").status_code == 200


def test_entra_s_scripts_hold_at_the_token_endpoint_unless_they_name_another(sandbox: Sandbox) -> None:
    tenant = sandbox.entra.tenants[0]
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        entra.post("/_sandbox/script", json={"answers": [{"status": 500}]})
        entra.post("/_sandbox/script", json={"answers": [{"status": 502}], "path": "keys"})
        assert entra.get(f"/{tenant}/v2.0/.well-known/openid-configuration").status_code == 200
        assert entra.get(f"/{tenant}/discovery/v2.0/keys").status_code == 502
        assert entra.post(f"/{tenant}/oauth2/v2.0/token", data=exchange_form(sandbox)).status_code == 500


def test_journal_profiles_and_settings_are_readable_over_the_control_api(sandbox: Sandbox) -> None:
    with client(sandbox) as partner_center:
        partner_center.delete("/_sandbox/journal")
        partner_center.get("/v1/profiles/support")
        (entry,) = partner_center.get("/_sandbox/journal").json()
        assert (entry["method"], entry["user"], entry["status"]) == ("GET", "alice", 200)
        profiles = {sandbox.entra.tenants[0]: {"email": "new@contoso.example"}}
        assert partner_center.put("/_sandbox/profiles", json=profiles).json() == profiles
        assert partner_center.get("/_sandbox/profiles").json() == profiles
        assert partner_center.get("/_sandbox/settings").json() == sandbox.partner_center.settings()


def test_what_the_control_api_does_not_understand_it_says(sandbox: Sandbox) -> None:
    with client(sandbox) as partner_center:
        assert "GET journal" in partner_center.get("/_sandbox/nothing").json()["error"]
        answer = partner_center.post("/_sandbox/script", json={"answers": [{"statuss": 1}]})
        assert answer.status_code == 400
        assert "statuss" in answer.json()["error"]


@pytest.mark.parametrize("bad", [{}, {"bad": "expired"}])
def test_an_unknown_user_is_refused_with_the_names_of_the_known_ones(sandbox: Sandbox, bad: dict[str, str]) -> None:
    with client(sandbox, None, sandbox.entra.base_url) as entra:
        answer = entra.post("/_sandbox/sign-in", json={"user": "nobody", **bad})
    assert answer.status_code == 400
    assert "unknown user: nobody; known: alice, bob" in answer.json()["error"]


def test_the_settings_are_the_function_s(sandbox: Sandbox) -> None:
    settings = sandbox.settings()
    assert settings.keys() == {
        "ENTRA_CLIENT_ID",
        "ENTRA_CLIENT_SECRET",
        "ENTRA_ALLOWED_TENANTS",
        "ENTRA_AUTHORITY_HOST",
        "PARTNER_CENTER_BASE_URL",
        "SSL_CERT_FILE",
    }
    assert settings["ENTRA_ALLOWED_TENANTS"].split(",") == list(sandbox.entra.tenants)
    context = ssl.create_default_context(cafile=settings["SSL_CERT_FILE"])
    with httpx.Client(verify=context, trust_env=False) as anyone:
        assert anyone.get(settings["PARTNER_CENTER_BASE_URL"] + "/v1/profiles/support").status_code == 401


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_is_good_for_the_loopback_and_for_the_real_names(sandbox: Sandbox, name: str) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.entra.server.port), timeout=10) as raw:
        context = sandbox.certificates.client_context()
        with context.wrap_socket(raw, server_hostname=name) as stream:
            assert stream.version() in ("TLSv1.2", "TLSv1.3")


def test_another_authority_s_clients_do_not_trust_it(sandbox: Sandbox) -> None:
    context = Certificates.create().client_context()
    refused = pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED")
    with httpx.Client(verify=context, trust_env=False) as stranger, refused:
        stranger.get(sandbox.entra.base_url)


def test_it_stops_cleanly_with_connections_in_every_state() -> None:
    """No thread, file, socket or warning is left, though one client hangs in TLS, one in an answer and one idles."""
    threads = set(threading.enumerate())
    with warnings.catch_warnings(record=True) as caught, ExitStack() as clients:
        warnings.simplefilter("always")
        with Sandbox() as sandbox:
            server = sandbox.partner_center.server
            sandbox.partner_center.script(Answer.trouble("hang"))
            clients.enter_context(connected(sandbox, server))
            clients.enter_context(connected(sandbox, server)).sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            clients.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            sandbox.partner_center.journal.wait_for(1)
        assert server.open_connections == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
    assert set(threading.enumerate()) == threads
    assert not sandbox.ca_file.parent.exists()


@pytest.mark.parametrize(("module", "path"), [("entra", "settings"), ("partner_center", "profiles")])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_each_stand_in_runs_alone_until_it_is_told_to_stop(module: str, path: str, number: signal.Signals) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", f"sandbox.{module}"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout
        url, ca_file = (process.stdout.readline().strip().partition("=")[2] for _ in range(2))
        context = ssl.create_default_context(cafile=ca_file)
        with httpx.Client(verify=context, trust_env=False) as anyone:
            assert anyone.get(f"{url}/_sandbox/{path}").status_code == 200
        process.send_signal(number)
        assert process.wait(10) == 0
    assert not Path(ca_file).exists()
