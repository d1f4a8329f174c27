"""scripts/deploy-package against a fake Azure CLI that says what the real one says (tests/azure_cli_messages.py)."""

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from azure_cli_messages import FINAL, IN_PLACE, UNKNOWN, YOUNG

from scripts import deploy_health, deploy_package, deploy_verdict
from scripts.deploy_verdict import Verdict

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "deploy-package"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake az is a shell script")

# Each call takes the next answer: the file's first line is the exit status, the rest goes to standard error, or to
# standard output where the status is 0.
FAKE_AZ = """#!/bin/sh
echo "$@" >> "$FAKE/calls"
count=$(wc -l < "$FAKE/calls" | tr -d ' ')
status=$(sed -n 1p "$FAKE/answer-$count")
if [ "$status" = 0 ]; then sed 1d "$FAKE/answer-$count"; else sed 1d "$FAKE/answer-$count" >&2; fi
exit "$status"
"""
OK = (0, "")


class Deployment:
    """Runs the script in this process with a fake az on the PATH."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capture = folder, monkeypatch, capture
        self.calls: list[str] = []
        self.package = folder / "a.zip"
        self.package.touch()
        (folder / "az").write_text(FAKE_AZ, encoding="utf-8")
        (folder / "az").chmod(0o755)
        self.environment = {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "FAKE": str(folder),
            "DEPLOY_PAUSE_SECONDS": "0",
            "DEPLOY_PATIENCE_SECONDS": "30",
        }

    def answer(self, *answers: tuple[int, str]) -> None:
        """Lay the answers of the fake az ready."""
        (self.folder / "calls").unlink(missing_ok=True)
        for number, (status, text) in enumerate(answers, start=1):
            (self.folder / f"answer-{number}").write_text(f"{status}\n{text}\n", encoding="utf-8")

    def run(self, *answers: tuple[int, str], storage: tuple[str, ...] = (), **environment: str) -> tuple[int, str]:
        """Return the exit status and everything that was said."""
        self.answer(*answers)
        told = self.run_with(["group", "app", str(self.package), *storage], **environment)
        self.calls = (self.folder / "calls").read_text(encoding="utf-8").splitlines()
        return told

    def run_with(self, arguments: list[str], **environment: str) -> tuple[int, str]:
        """Run with these arguments and the answers that lie ready."""
        for name, value in (self.environment | environment).items():
            self._monkeypatch.setenv(name, value)
        status = deploy_package.main(arguments)
        said = self._capture.readouterr()
        return status, said.out + said.err


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Deployment:
    """Return a deployment with a fake az."""
    monkeypatch.delenv("DEPLOY_HEALTH_URL", raising=False)
    return Deployment(tmp_path, monkeypatch, capsys)


class HealthRoute:
    """A loopback server that answers like the function's health route."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str, object]] = [(200, "OK", {"status": "ok", "version": "9.9.9"})]
        self.asked = 0
        route = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, reason, document = route.answers[min(route.asked, len(route.answers) - 1)]
                route.asked += 1
                body = json.dumps(document).encode()
                self.send_response(status, reason)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/health"


@pytest.fixture
def health() -> Iterator[HealthRoute]:
    """Return a health route that answers 200 unless told otherwise."""
    route = HealthRoute()
    thread = threading.Thread(target=route.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield route
    route.server.shutdown()
    thread.join()
    route.server.server_close()


@pytest.mark.parametrize("name", YOUNG)
def test_a_role_that_is_not_in_force_yet_is_waited_for(deployment: Deployment, name: str) -> None:
    """The third attempt succeeds after two refusals. Each waiting line shows Azure's own words."""
    status, said = deployment.run((1, YOUNG[name]), (1, YOUNG[name]), OK)
    assert (status, len(deployment.calls)) == (0, 3)
    assert said.count("not in force yet") == 2
    assert deploy_verdict.find(YOUNG[name]).words in said
    sent = f"--resource-group group --name app --src {deployment.package} --build-remote false"
    assert all(call.endswith(sent) for call in deployment.calls)


@pytest.mark.parametrize("name", FINAL)
def test_any_other_failure_stops_at_once(deployment: Deployment, name: str) -> None:
    """A number 403 in an id or a time says nothing. The output has the error as Azure CLI wrote it."""
    status, said = deployment.run((1, FINAL[name]), OK)
    assert (status, len(deployment.calls)) == (1, 1)
    assert FINAL[name].strip() in said
    assert "not tried again" in said
    assert "not in force" not in said
    assert deploy_verdict.find(FINAL[name]).words != "ERROR:"


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_lost_answer_is_not_called_a_failure(deployment: Deployment, name: str) -> None:
    """The package may be in place. Nothing is sent twice, and the output says that a second run is safe."""
    status, said = deployment.run((1, UNKNOWN[name]), OK)
    assert (status, len(deployment.calls)) == (1, 1)
    assert "it is not known whether the package is in place. Running this again is safe." in said
    assert UNKNOWN[name] in said
    assert "the deployment failed" not in said


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_package_that_is_in_place_is_not_called_a_failure(
    deployment: Deployment, health: HealthRoute, name: str
) -> None:
    """Azure CLI cannot tell how the app is, and the health route answers 200."""
    status, said = deployment.run((1, IN_PLACE[name]), DEPLOY_HEALTH_URL=health.url)
    assert (status, len(deployment.calls), health.asked) == (0, 1, 1)
    assert "ok, version 9.9.9" in said
    assert IN_PLACE[name] in said


def test_the_health_route_decides_that_the_function_cannot_work(deployment: Deployment, health: HealthRoute) -> None:
    """The function answers what is wrong with its settings, and the output says so."""
    wrong = {
        "code": "misconfigured",
        "detail": "Settings.",
        "errors": [{"field": "ENTRA_CLIENT_ID", "message": "no GUID"}],
    }
    health.answers = [(503, "Service Unavailable", wrong)]
    status, said = deployment.run((1, IN_PLACE["host key"]), DEPLOY_HEALTH_URL=health.url, DEPLOY_PATIENCE_SECONDS="0")
    assert status == 1
    assert "the package is in place, but the function does not work" in said
    assert "misconfigured Settings. ENTRA_CLIENT_ID: no GUID" in said


def test_a_package_that_is_still_starting_is_waited_for(deployment: Deployment, health: HealthRoute) -> None:
    """Until the new package answers, the platform does."""
    health.answers = [(503, "Site Unavailable", None), (502, "Bad Gateway", None), *health.answers]
    status, _ = deployment.run(OK, DEPLOY_HEALTH_URL=health.url)
    assert (status, health.asked) == (0, 3)


def test_an_older_version_that_still_answers_is_not_the_package(deployment: Deployment, health: HealthRoute) -> None:
    """The health route must answer with the version that the package names, whatever else answers 200."""
    with zipfile.ZipFile(deployment.package, "w") as package:
        package.writestr("update_profile/__init__.py", '"""Text."""\n\n__version__ = "10.0.0"\n')
    older = health.answers[0]
    health.answers = [older, (200, "OK", {"status": "ok", "version": "10.0.0"})]
    status, said = deployment.run(OK, DEPLOY_HEALTH_URL=health.url)
    assert (status, health.asked) == (0, 2)
    assert "ok, version 10.0.0" in said
    health.answers = [older]
    status, said = deployment.run(OK, DEPLOY_HEALTH_URL=health.url, DEPLOY_PATIENCE_SECONDS="0")
    assert status == 1
    assert "ok, but version 9.9.9 in place of 10.0.0" in said


def test_the_health_route_is_looked_up_where_none_is_given(deployment: Deployment) -> None:
    """The host name of the app is asked for. Nobody answers there, so nothing is known, and that is said."""
    status, said = deployment.run((1, IN_PLACE["host key"]), (0, "127.0.0.1:9"), DEPLOY_PATIENCE_SECONDS="0")
    assert status == 0
    assert deployment.calls[1].startswith("functionapp show")
    assert deployment.calls[1].endswith("--query defaultHostName --output tsv")
    assert "cannot be asked from here" in said
    assert "https://127.0.0.1:9/api/health" in said


def test_an_unhealthy_app_that_nobody_can_ask_is_a_failure(deployment: Deployment) -> None:
    """The package is in place, which the output says, but two signs speak against it."""
    status, said = deployment.run((1, IN_PLACE["unhealthy"]), (1, "ERROR: x"), DEPLOY_PATIENCE_SECONDS="0")
    assert status == 1
    assert "the package is in place, but nobody answers" in said


def test_an_ip_rule_that_hides_a_good_app_is_no_failure(deployment: Deployment, health: HealthRoute) -> None:
    """Azure CLI then ends with 0 and says so; the front end answers 403 here as well."""
    health.answers = [(403, "Ip Forbidden", None)]
    told = "Deployment was successful but health check failed due to IP restriction."
    host = health.url.removeprefix("http://").removesuffix("/api/health")
    status, said = deployment.run((0, f'"{told}"'), (0, host), DEPLOY_PATIENCE_SECONDS="0")
    assert status == 0
    assert "cannot be asked from here" in said
    assert deploy_health.read(403, "Ip Forbidden", b"").state is deploy_health.State.UNREACHABLE
    assert deploy_health.read(403, "Site Disabled", b"").state is deploy_health.State.UNSOUND


def test_patience_has_an_end(deployment: Deployment) -> None:
    """The output contains the refusal and points to docs/operations.md."""
    status, said = deployment.run((1, YOUNG["msrest"]), OK, DEPLOY_PATIENCE_SECONDS="0")
    assert (status, len(deployment.calls)) == (1, 1)
    assert "docs/operations.md" in said
    assert YOUNG["msrest"] in said


def test_elastic_premium_runs_the_package_from_the_container(deployment: Deployment) -> None:
    """The signed-in user uploads it without a key, and the app restarts. A finished upload is not repeated."""
    answers = ((1, YOUNG["blob"]), OK, (1, YOUNG["msrest"]), OK)
    status, _ = deployment.run(*answers, storage=("account",))
    assert (status, len(deployment.calls)) == (0, 4)
    uploads, restarts = deployment.calls[:2], deployment.calls[2:]
    assert all(call.startswith("storage blob upload") and "--auth-mode login" in call for call in uploads)
    assert "--account-name account --container-name deployments --name update-profile.zip" in uploads[1]
    assert all(call.startswith("functionapp restart") for call in restarts)


def test_what_takes_minutes_is_told_before_it_begins(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Azure CLI says nothing while it works, so the script says first what it does."""
    told: list[str] = []

    def az(command: list[str]) -> deploy_package.Ran:
        told.append(capsys.readouterr().err)
        return deploy_package.Ran(0, "", "")

    monkeypatch.setattr(deploy_package, "_az", az)
    status, _ = deployment.run_with(["group", "app", str(deployment.package), "account"])
    assert status == 0
    assert told == [f"Sending {deployment.package} to app. This takes some minutes.\n", ""]


def test_a_restart_that_fails_says_that_the_package_is_uploaded(deployment: Deployment) -> None:
    """The operator restarts the app, and uploads nothing again."""
    status, said = deployment.run(OK, (1, FINAL["no role"]), storage=("account", "deployments"))
    assert status == 1
    assert "The package is uploaded, but the app did not restart" in said


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["group"], {}, "usage:"),
        (["", "app"], {}, "usage:"),
        (["--help", "app"], {}, "usage:"),
        (["group", "app", "none.zip"], {}, "make package"),
        (["group", "app", "PACKAGE"], {"PATH": "/nowhere"}, "not on the PATH"),
        (["group", "app", "PACKAGE"], {"DEPLOY_PATIENCE_SECONDS": "5 min"}, "DEPLOY_PATIENCE_SECONDS is a number"),
        (["group", "app", "PACKAGE"], {"DEPLOY_PAUSE_SECONDS": "nan"}, "DEPLOY_PAUSE_SECONDS is a number"),
        (["group", "app", "PACKAGE"], {"DEPLOY_HEALTH_URL": "app.example"}, "DEPLOY_HEALTH_URL is the address"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(
    deployment: Deployment,
    arguments: list[str],
    environment: dict[str, str],
    said: str,
) -> None:
    """The exit status is 2, and Azure CLI is not called."""
    given = [str(deployment.package) if argument == "PACKAGE" else argument for argument in arguments]
    status, told = deployment.run_with(given, **environment)
    assert status == 2
    assert said in told
    assert not (deployment.folder / "calls").exists()


@pytest.mark.parametrize("command", [[str(SCRIPT)], ["/bin/sh", str(SCRIPT)], ["./deploy"]])
def test_the_script_needs_nothing_but_a_python(deployment: Deployment, command: list[str]) -> None:
    """It runs from any folder and through links. What the environment would put in Python's way does not count."""
    deployment.answer(OK)
    (deployment.folder / "links").mkdir()
    (deployment.folder / "links" / "first").symlink_to(SCRIPT)
    (deployment.folder / "deploy").symlink_to("links/first")
    (deployment.folder / "subprocess.py").write_text("raise SystemExit('the wrong module')", encoding="utf-8")
    path = f"{deployment.environment['PATH']}{os.pathsep}{Path(sys.executable).parent}"
    environment = os.environ | deployment.environment | {"PYTHONPATH": str(deployment.folder), "PATH": path}
    ran = subprocess.run(  # noqa: S603  our own script
        [*command, "my group", "app", "a.zip"],
        env=environment, cwd=deployment.folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0
    assert ran.stderr == "Sending a.zip to app. This takes some minutes.\n"
    assert "Deployed a.zip to app." in ran.stdout
    assert "--resource-group my group" in (deployment.folder / "calls").read_text(encoding="utf-8")


def test_the_verdict_is_of_the_first_status_that_is_named() -> None:
    """What follows the status is detail, such as the answer of another server."""
    assert deploy_verdict.http_status("ERROR: x. Status Code: 502, Details: (403) Forbidden") == 502
    assert deploy_verdict.http_status("ERROR: (403) Forbidden, status code 502") == 403
    assert deploy_verdict.http_status("ERROR: 4030 and 403 are numbers, and a Forbidden word") is None
    assert deploy_verdict.find(YOUNG["kudu"]).verdict is Verdict.WAIT


def test_a_long_line_is_shown_around_what_matters() -> None:
    """Azure CLI may print a whole log in one line."""
    finding = deploy_verdict.find("x" * 5000 + " AADSTS50076 " + "y" * 5000)
    assert "AADSTS50076" in finding.words
    assert len(finding.words) < 310
