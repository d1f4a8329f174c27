"""The programs in examples/ sign in, show a dry run, write, and live through what a caller can meet."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
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
    """The Node.js example with the packages of its lock file."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on this machine: the Node.js example is NOT tested")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "update-support-profile.mjs"):
        shutil.copy(EXAMPLES / "node" / name, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stderr
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

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*program, *(arguments or PROFILE)]
        return subprocess.run(  # noqa: S603 - our own
            command,
            cwd=tmp_path,
            env=served.environment(),
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
