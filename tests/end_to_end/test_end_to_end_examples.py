"""The programs in examples/ sign in, show a dry run, write, and live through what a caller can meet."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from served_function import ROOT, ServedFunction, served_function

EXAMPLES = ROOT / "examples"
PROFILE = ["--email", "help@contoso.com", "--telephone", "+1 425 555 0100", "--website", "www.contoso.com"]
STEP_UP = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
BEFORE = {"email": "old@contoso.com", "telephone": "+1 425 555 0100", "website": "www.contoso.com"}
# Downloading packages and waiting for Retry-After take longer than a test usually may.
pytestmark = pytest.mark.timeout(300)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def running() -> Iterator[ServedFunction]:
    with served_function() as served:
        yield served


@pytest.fixture
def served(running: ServedFunction) -> ServedFunction:
    running.reset()
    tenant = running.settings["AUTHORITY"].rpartition("/")[2]
    running.control(running.partner_center, "profiles", {tenant: BEFORE}, method="PUT")
    return running


@pytest.fixture(scope="module")
def node_program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The Node.js example with the packages of its lock file. The processes of one test run share them."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on this machine: the Node.js example is NOT tested")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "node"
    folder.mkdir(exist_ok=True)
    installed = folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists():
            for name in ("package.json", "package-lock.json", "update-support-profile.mjs"):
                shutil.copy(EXAMPLES / "node" / name, folder)
            install = ["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
            assert done.returncode == 0, done.stderr
            installed.touch()
    return ["node", str(folder / "update-support-profile.mjs")]


@pytest.fixture(params=["python", "node"])
def program(request: pytest.FixtureRequest) -> list[str]:
    """The command of an example."""
    if request.param == "python":
        return [sys.executable, str(EXAMPLES / "python" / "update_support_profile.py")]
    command: list[str] = request.getfixturevalue("node_program")
    return command


@pytest.fixture
def run(served: ServedFunction, program: list[str], tmp_path: Path) -> Run:
    """Run the example to its end."""

    def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        command = [*program, *(arguments or PROFILE)]
        return subprocess.run(  # noqa: S603 - our own
            command,
            cwd=tmp_path,
            env={**served.environment(), **settings},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_an_example_shows_what_would_change_and_writes_it(served: ServedFunction, run: Run) -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [
        "Signed in as alice@partner.example.",
        "Dry run: Email: old@contoso.com -> help@contoso.com",
    ]
    assert done.stdout.splitlines()[2].startswith('200 written: {"email":"help@contoso.com"')
    assert len(served.requests("PUT")) == 1


def test_an_example_lives_through_a_challenge_throttling_and_an_unknown_outcome(
    served: ServedFunction, run: Run
) -> None:
    """Entra ID throttles, a policy asks for a second factor, and the connection is cut after the PUT."""
    served.control(served.entra, "switches", {"second_factor_at_sign_in": False, "required_context": "c1"})
    throttled = {"status": 429, "headers": [["Retry-After", "1"]], "body": {"error": "temporarily_unavailable"}}
    served.control(served.entra, "script", {"answers": [throttled]})
    cut = {"answers": [{"fault": "reset_after_request"}], "method": "PUT"}
    served.control(served.partner_center, "script", cut)
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:5] == [
        "Signed in as alice@partner.example.",
        "503 entra_throttled: waiting 1 s, then the same delivery id again",
        f"401 interaction_required: the sign-in must also satisfy {STEP_UP}",
        "Dry run: Email: old@contoso.com -> help@contoso.com",
        "504 partner_center_timeout, outcome unknown: waiting 5 s, then the same delivery id again",
    ]
    assert done.stdout.splitlines()[5].startswith("200 written:")
    first, second = served.requests("PUT")
    assert first["ms-requestid"] == second["ms-requestid"]


def test_an_example_says_what_was_refused_and_who_must_act(served: ServedFunction, run: Run) -> None:
    done = run("--email", "help.contoso.com", *PROFILE[2:])
    assert done.returncode == 1
    assert "422 invalid_profile. To act: caller." in done.stderr
    assert "\n  Email: " in done.stderr
    assert served.requests("PUT") == []


def test_an_example_names_the_settings_that_it_lacks(program: list[str], tmp_path: Path) -> None:
    lacking = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    done = subprocess.run(  # noqa: S603 - our own
        [*program, *PROFILE], cwd=tmp_path, env=lacking, capture_output=True, text=True, check=False
    )
    assert done.returncode > 0
    assert "lacks FUNCTION_URL, AUTHORITY, CLIENT_ID, SCOPE" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_example_gives_up_after_a_second_challenge(served: ServedFunction, run: Run) -> None:
    """A policy that asks for what no sign-in brings must not end in a loop of sign-ins."""
    refused = {"error": "interaction_required", "error_codes": [50076], "claims": STEP_UP}
    served.control(served.entra, "script", {"answers": [{"status": 400, "body": refused}], "times": None})
    done = run()
    assert done.returncode == 1
    assert done.stdout.count("the sign-in must also satisfy") == 1
    assert "401 interaction_required. To act: user." in done.stderr


def test_an_example_stops_after_the_dry_run_where_it_is_asked_to(served: ServedFunction, run: Run) -> None:
    done = run(*PROFILE, "--dry-run")
    assert done.stdout.splitlines()[-1] == "Nothing was written."
    assert served.requests("PUT") == []


def test_an_example_signs_in_on_another_device(served: ServedFunction, program: list[str], tmp_path: Path) -> None:
    command = [*program, *PROFILE, "--dry-run", "--device-code"]
    with subprocess.Popen(  # noqa: S603 - our own
        command, cwd=tmp_path, env=served.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        message = process.stdout.readline()
        found = re.search(r"open the page (\S+) and enter the code (\w+)", message)
        assert found, message
        with served.person("bob") as bob:
            bob.visit(found[1], user_code=found[2])
        rest = process.stdout.read()
    assert process.returncode == 0
    assert rest.splitlines()[0] == "Signed in as bob@partner.example."


def test_an_example_stops_where_another_person_meets_the_challenge(
    served: ServedFunction, program: list[str], tmp_path: Path
) -> None:
    """Alice saw the dry run begin, and Bob answers the challenge: nothing is sent as Bob."""
    served.control(served.entra, "switches", {"second_factor_at_sign_in": False, "required_context": "c1"})
    with subprocess.Popen(  # noqa: S603 - our own
        [*program, *PROFILE, "--device-code"],
        cwd=tmp_path,
        env=served.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        printed = ""
        for name in ("alice", "bob"):
            while not (found := re.search(r"open the page (\S+) and enter the code (\w+)", printed)):
                line = process.stdout.readline()
                assert line, printed
                printed += line
            with served.person(name) as person:
                person.visit(found[1], user_code=found[2])
            printed = ""
        rest = process.stdout.read()
    assert process.returncode == 1
    assert rest.splitlines()[-1] == "bob@partner.example signed in, not alice@partner.example. Nothing more is sent."
    assert served.requests("PUT") == []


def test_an_example_does_not_wait_for_an_hour_and_says_how_to_repeat_the_delivery(
    served: ServedFunction, run: Run
) -> None:
    throttled = {"status": 429, "headers": [["Retry-After", "3600"]], "echo_ids": True}
    served.control(served.partner_center, "script", {"answers": [throttled], "method": "PUT"})
    first = run()
    assert first.returncode == 1, first.stdout
    found = re.search(
        r"429 partner_center_throttled. Run this again after 3600 s with --delivery-id (\S+)\.$", first.stderr
    )
    assert found, first.stderr
    second = run(*PROFILE, "--delivery-id", found[1])
    assert second.returncode == 0, second.stderr
    assert len({put["ms-requestid"] for put in served.requests("PUT")}) == 1


@contextmanager
def gateway(*answers: tuple[int, dict[str, str], str]) -> Iterator[tuple[str, list[str]]]:
    """A gateway in place of the function: its answers in turn, the last one again. Yields address and delivery ids."""
    waiting, seen = list(answers), list[str]()

    class Gateway(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            seen.append(self.headers["Idempotency-Key"])
            self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/update_profile", seen
        finally:
            server.shutdown()
            thread.join()


def test_an_example_reads_a_gateway_s_date_in_retry_after(run: Run) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    with gateway((503, {"Retry-After": later}, "<html>Busy</html>")) as (address, seen):
        done = run(FUNCTION_URL=address)
    assert done.returncode == 1
    found = re.search(r"503 not_from_the_function. Run this again after (\d+) s\.$", done.stderr)
    assert found, done.stderr
    assert int(found[1]) > 300
    assert len(seen) == 1


def test_a_challenge_after_four_repeats_is_met_and_does_not_count_as_an_attempt(run: Run) -> None:
    busy = (502, {"Retry-After": "0"}, "[]")
    encoded = b64encode(STEP_UP.encode()).decode()
    challenge = {"WWW-Authenticate": f'Bearer error="insufficient_claims", claims="{encoded}"'}
    answers = [busy] * 4 + [(401, challenge, '{"code":"interaction_required"}'), busy]
    with gateway(*answers) as (address, seen):
        done = run(FUNCTION_URL=address)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == f"401 interaction_required: the sign-in must also satisfy {STEP_UP}"
    assert "502 not_from_the_function. Run this again after 0 s." in done.stderr
    assert (len(seen), len(set(seen)), len(set(seen[:5]))) == (6, 2, 1)
