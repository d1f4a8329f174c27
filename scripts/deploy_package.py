"""Deploy the built package with Azure CLI: scripts/deploy-package.

    scripts/deploy-package RESOURCE_GROUP FUNCTION_APP [ZIP [STORAGE_ACCOUNT [CONTAINER]]]

ZIP is dist/update-profile.zip unless given. It is sent as it is, and never built remotely. Flex Consumption takes the
zip itself. Elastic Premium runs it from the container, so it needs the storage account; CONTAINER is `deployments`.

A role that was assigned in the same run takes minutes to be in force. Until then the storage refuses with 403: the
command is repeated. Any other failure ends at once, with Azure's own words (deploy_verdict.py decides). Where the
connection broke off, nobody knows whether the package is in place, and the output says so.

Azure CLI looks at the app once the package is in place. If that look fails, the health route of the function decides:
it must answer 200, with the version that the package names. A version stays the same between two releases: an old
instance's 200 then counts for the new package.

Environment:
    DEPLOY_PATIENCE_SECONDS  how long a role is waited for (300), and after that the health route (at most 120)
    DEPLOY_PAUSE_SECONDS     the pause between two tries (15)
    DEPLOY_HEALTH_URL        the health route. If given, it is asked after each deployment. Else it is asked at the
                             app's default host name, and only if Azure CLI could not tell how the app is.

Exit status: 0 deployed; 1 not deployed, or the function does not work; 2 wrong usage.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from scripts import deploy_verdict
from scripts.deploy_health import Health, State, ask
from scripts.deploy_verdict import Finding, Verdict

USAGE = "usage: scripts/deploy-package RESOURCE_GROUP FUNCTION_APP [ZIP [STORAGE_ACCOUNT [CONTAINER]]]"
PACKAGE = "dist/update-profile.zip"
CONTAINER = "deployments"
BLOB = "update-profile.zip"  # infra/modules/settings.bicep names it to Elastic Premium
LONGEST_HEALTH_WAIT_SECONDS = 120.0
IP_RESTRICTION = "health check failed due to IP restriction"  # azure-cli says so on standard output, with exit status 0


class WrongUsageError(Exception):
    """The script cannot start; the text says why."""


class FailedError(Exception):
    """The deployment failed; the text says why, and what to do."""


@dataclass(frozen=True)
class Target:
    """What is deployed, and where to. ``account`` is empty on Flex Consumption; ``health_url`` is if none was given."""

    group: str
    app: str
    package: Path
    account: str
    container: str
    patience_seconds: float
    pause_seconds: float
    health_url: str


@dataclass(frozen=True)
class Ran:
    """How a command of Azure CLI ended."""

    exit_status: int
    output: str
    errors: str


def main(arguments: list[str]) -> int:
    """Deploy. Returns the exit status."""
    try:
        target = read_target(arguments)
        doubt = _deploy(target)
        _decide_by_health(target, doubt)
    except WrongUsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except FailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted. Running this again is safe.", file=sys.stderr)
        return 130
    return 0


def read_target(arguments: list[str]) -> Target:
    """Return what the arguments and the environment ask for.

    Raises:
        WrongUsageError: An argument is missing or too many, a number is none, the package or Azure CLI is not there.
    """
    if not 2 <= len(arguments) <= 5 or not all(arguments[:2]) or arguments[0].startswith("-"):
        raise WrongUsageError(USAGE)
    group, app, package, account, container = [*arguments, "", "", ""][:5]
    health_url = os.environ.get("DEPLOY_HEALTH_URL", "")
    if health_url and not health_url.startswith(("https://", "http://")):
        raise WrongUsageError("DEPLOY_HEALTH_URL is the address of the health route, with its scheme.")
    path = Path(package or PACKAGE)
    if not path.is_file():
        raise WrongUsageError(f"{path} is not there: run make package first.")
    if shutil.which("az") is None:
        raise WrongUsageError("Azure CLI (az) is not on the PATH.")
    return Target(
        group=group,
        app=app,
        package=path,
        account=account,
        container=container or CONTAINER,
        patience_seconds=_seconds("DEPLOY_PATIENCE_SECONDS", 300),
        pause_seconds=_seconds("DEPLOY_PAUSE_SECONDS", 15),
        health_url=health_url,
    )


def commands(target: Target) -> list[list[str]]:
    """Return the commands of Azure CLI that deploy, in order."""
    app = ["--resource-group", target.group, "--name", target.app]
    if not target.account:
        source = ["--src", str(target.package), "--build-remote", "false"]  # without it Azure builds Python again
        return [["functionapp", "deployment", "source", "config-zip", "--only-show-errors", *app, *source]]
    blob = ["--account-name", target.account, "--container-name", target.container, "--name", BLOB]
    upload = ["--auth-mode", "login", *blob, "--file", str(target.package), "--overwrite", "true"]
    return [
        ["storage", "blob", "upload", "--only-show-errors", *upload],
        ["functionapp", "restart", "--only-show-errors", *app],
    ]


def version_of(package: Path) -> str | None:
    """Return the version of the code in a package; None if it names none."""
    try:
        with zipfile.ZipFile(package) as opened:
            source = opened.read("update_profile/__init__.py").decode("utf-8", "replace")
    except (OSError, KeyError, zipfile.BadZipFile):
        return None
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    return found[1] if found else None


def _deploy(target: Target) -> Finding | None:
    """Run the commands, and wait for roles. Returns why Azure CLI doubts the app; None where it does not.

    Raises:
        FailedError: The package is not in place.
    """
    print(f"Sending {target.package} to {target.app}. This takes some minutes.", file=sys.stderr, flush=True)
    began = time.monotonic()
    for number, command in enumerate(commands(target)):
        while True:
            ran = _az(command)
            if ran.exit_status == 0:
                break
            finding = deploy_verdict.find(ran.errors)
            if finding.verdict is Verdict.IN_PLACE:
                return finding
            waited = int(time.monotonic() - began)
            if finding.verdict is not Verdict.WAIT or waited >= target.patience_seconds:
                raise FailedError(_failure(finding, ran, waited, uploaded=number > 0))
            patience = f"Waited {waited} of at most {target.patience_seconds:g} s."
            print(f"Refused (403): {finding.advice} {patience} Azure: {finding.words}", file=sys.stderr)
            time.sleep(target.pause_seconds)
        if IP_RESTRICTION in ran.output:
            return Finding(Verdict.IN_PLACE, "Deployment was successful but " + IP_RESTRICTION, "")
    return None


def _failure(finding: Finding, ran: Ran, waited_seconds: int, *, uploaded: bool) -> str:
    done = "The package is uploaded, but the app did not restart: run az functionapp restart." if uploaded else ""
    if finding.verdict is Verdict.WAIT:
        advice = (
            f"still refused (403) after {waited_seconds} s. A role is missing, or the storage's network rule refuses."
            " docs/operations.md says what a deployment needs."
        )
    elif finding.verdict is Verdict.UNKNOWN:
        advice = f"it is not known whether the package is in place. {finding.advice}"
    else:
        advice = f"the deployment failed, and it is not tried again. {finding.advice}"
    return " ".join(part for part in (advice, done) if part) + f"\nAzure CLI said:\n{ran.errors.strip()}"


def _decide_by_health(target: Target, doubt: Finding | None) -> None:
    """Say how the deployment ended; ask the health route where that is wanted or needed.

    Raises:
        FailedError: The package is in place, and the function does not work.
    """
    sent = f"Deployed {target.package} to {target.app}."
    if doubt is None and not target.health_url:
        print(sent)
        return
    if doubt is not None:
        print(f"{sent} Azure CLI could not tell how the app is: {doubt.words}", file=sys.stderr)
    url = target.health_url or _default_health_url(target)
    patience_seconds = min(target.patience_seconds, LONGEST_HEALTH_WAIT_SECONDS)
    health = Health(State.UNREACHABLE, "its host name is not known")
    if url:
        health = ask(url, patience_seconds, target.pause_seconds, version=version_of(target.package))
    if health.state is State.SOUND:
        print(f"{sent} {url} answers: {health.words}")
    elif health.state is State.UNSOUND:
        raise FailedError(f"the package is in place, but the function does not work. {url} answers: {health.words}")
    elif doubt is None or "unhealthy" in doubt.words:
        raise FailedError(f"the package is in place, but nobody answers at {url or 'its health route'}: {health.words}")
    else:
        print(f"{sent} Its health route cannot be asked from here ({health.words}). Ask it from inside: {url}")


def _default_health_url(target: Target) -> str:
    show = ["functionapp", "show", "--only-show-errors", "--resource-group", target.group, "--name", target.app]
    ran = _az([*show, "--query", "defaultHostName", "--output", "tsv"])
    host = ran.output.strip()
    return f"https://{host}/api/health" if ran.exit_status == 0 and host else ""


def _az(command: list[str]) -> Ran:
    ran = subprocess.run(  # the user's own Azure CLI
        [shutil.which("az") or "az", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def _seconds(name: str, default: float) -> float:
    value = os.environ.get(name, "")
    try:
        seconds = float(value) if value else default
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 86_400:
        raise WrongUsageError(f"{name} is a number of seconds from 0 to 86400.")
    return seconds
