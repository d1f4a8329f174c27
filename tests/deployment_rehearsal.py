"""A dress rehearsal: the life of a deployment, with stand-ins for Azure CLI, azd and GitHub (fake_azure.py).

`make rehearse` prints the transcript. tests/repository/test_rehearsal.py runs the same and checks it. What runs is the
repository's own: azure.yaml's hooks and workflow, the steps of .github/workflows/deploy.yml, scripts/deploy-package.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
FAKE = Path(__file__).with_name("fake_azure.py")
COPIED = ("azure.yaml", "infra/main.bicepparam", ".github/workflows/deploy.yml", "function_app.py")
SHA_SHOWN = 12
BY_ZIP = "azd deploy update-profile --from-package dist/update-profile.zip"
PROTECTED = {
    "name": "prod",
    "deployment_branch_policy": {"custom_branch_policies": True},
    "protection_rules": [{"type": "required_reviewers", "reviewers": [{"type": "User"}]}],
}
ONLY_MAIN = {"total_count": 1, "branch_policies": [{"name": "main", "type": "branch"}]}
VARIABLES = {"AZURE_RESOURCE_GROUP": "rg-prod", "AZURE_ENV_NAME": "prod", "AZURE_PRINCIPAL_ID": "a-guid"}


class Rehearsal:
    """A copy of the repository, a pretended Azure, and the transcript of what happens to them."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.clone, self.home, self._say = folder / "clone", folder / "azure", say
        self.transcript: list[str] = []
        binary = folder / "bin"
        for made in (self.clone, self.home, binary):
            made.mkdir()
        for name in COPIED:
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, self.clone / name)
        shutil.copytree(ROOT / "scripts", self.clone / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        for tool in ("az", "azd", "gh", "make"):
            (binary / tool).write_text(
                f'#!/bin/sh\nexec "{sys.executable}" -I -S "{FAKE}" {tool} "$@"\n', encoding="utf-8"
            )
            (binary / tool).chmod(0o755)
        (self.home / "azure.json").write_text(json.dumps(_yaml("azure.yaml")), encoding="utf-8")
        (self.home / "calls.jsonl").touch()
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(binary), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "FAKE_AZURE": str(self.home),
            "DEPLOY_PAUSE_SECONDS": "0",
            "DEPLOY_PATIENCE_SECONDS": "60",
        }
        for name in ("AZURE_PRINCIPAL_TYPE", "DEPLOY_HEALTH_URL"):
            self.environment.pop(name, None)

    @property
    def state(self) -> dict[str, Any]:
        """What the pretended Azure holds."""
        held: dict[str, Any] = json.loads((self.home / "state.json").read_text(encoding="utf-8"))
        return held

    @property
    def calls(self) -> list[list[str]]:
        """Each call of a tool, with its arguments."""
        lines = (self.home / "calls.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def change(self, **values: Any) -> None:
        """Change the pretended Azure."""
        state = self.state if (self.home / "state.json").exists() else {}
        (self.home / "state.json").write_text(json.dumps(state | values), encoding="utf-8")

    def pull(self, version: str) -> None:
        """Bring another version of the code, as `git pull` or a fresh clone does."""
        code = self.clone / "update_profile" / "__init__.py"
        code.parent.mkdir(exist_ok=True)
        code.write_text(f'__version__ = "{version}"\n', encoding="utf-8")

    def tell(self, text: str) -> None:
        """Add lines to the transcript."""
        for line in text.splitlines():
            self.transcript.append(line)
            self._say(line)

    def chapter(self, title: str) -> None:
        """Begin a part of the transcript."""
        self.tell(f"\n=== {title} ===")

    def run(self, command: str, *, shown: str = "", **environment: str) -> int:
        """Run a command in the clone; return its exit status."""
        self.tell(f"\n$ {shown or command}")
        ran = subprocess.run(
            ["/bin/bash", "-e", "-c", command], env=self.environment | environment, cwd=self.clone,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
        )  # fmt: skip
        self.tell(ran.stdout.replace(str(self.clone), "."))
        if ran.returncode:
            self.tell(f"[exit status {ran.returncode}]")
        return ran.returncode

    def look(self) -> None:
        """Say what Azure holds now."""
        app = self.state["app"]
        if app is None or app["package"] is None:
            self.tell(f"-> Azure: {'no function app' if app is None else 'a function app without a package'}.")
            return
        self.tell(f"-> Azure: version {app['version']}, SHA-256 {app['package'][:SHA_SHOWN]}: {self.provenance()}.")

    def provenance(self) -> str:
        """Return what the package in Azure is."""
        app, tested = self.state["app"], self.state["tested"]
        if app["package"] in tested:
            return "a zip that make package built and tested"
        return "the files of a tested zip, packed anew" if app["files"] in tested.values() else "not a tested package"

    def deploy_from_github(self, *, branch: str = "main") -> int:
        """Run the `run:` steps of deploy.yml. The `uses:` steps are GitHub's and are only named."""
        self.tell(f"\n(GitHub) Run workflow deploy, environment prod, branch {branch}")
        outputs: dict[str, str] = {}
        jobs = _yaml(".github/workflows/deploy.yml")["jobs"]
        for name in ("protected", "deploy"):
            if jobs[name]["if"] != f"github.ref == 'refs/heads/{branch}'":
                self.tell(f"(GitHub) Job {name}: skipped, as {jobs[name]['if']} does not hold.")
                return 1
            for step in jobs[name]["steps"]:
                if "uses" in step:
                    self.tell(
                        f"(GitHub) Job {name} uses {step['uses'].partition('@')[0]}: not a part of this rehearsal."
                    )
                elif status := self._github_step(step, outputs):
                    return status
        return 0

    def _github_step(self, step: dict[str, Any], outputs: dict[str, str]) -> int:
        known = {f"vars.{name}": value for name, value in VARIABLES.items()}
        known |= {f"steps.infra.outputs.{name}": value for name, value in outputs.items()}
        known |= {"inputs.environment": "prod", "github.repository": "o/r", "github.token": "made-up"}
        environment = {
            name: re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: known.get(found[1], ""), value)
            for name, value in step.get("env", {}).items()
        }
        written = self.home / "github-output"
        written.write_text("", encoding="utf-8")
        status = self.run(step["run"], shown=f"({step['name']})", GITHUB_OUTPUT=str(written), **environment)
        outputs |= dict(line.split("=", 1) for line in written.read_text(encoding="utf-8").splitlines())
        return status


def _yaml(name: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))
    return document


@contextmanager
def begun(folder: Path, say: Callable[[str], None]) -> Iterator[Rehearsal]:
    """Give a rehearsal with an empty Azure, whose function app has a health route on loopback."""
    rehearsal = Rehearsal(folder, say)

    class HealthRoute(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            app = rehearsal.state["app"]
            runs = app is not None and app["package"] is not None and not app["stopped"]
            sound = {"status": "ok", "version": app["version"]} if runs else {}
            body = json.dumps(rehearsal.state["wrong_settings"] or sound).encode()
            self.send_response(200 if runs and not rehearsal.state["wrong_settings"] else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), HealthRoute)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    rehearsal.change(
        app=None, registration="none", host_key="given", wrong_settings=None, environment={}, signed_in="user",
        azd_version="1.39.1", tested={}, github_environment=PROTECTED, github_branches=ONLY_MAIN,
        plan="FlexConsumption", network_rule=False, missing_output="", origin=f"http://127.0.0.1:{server.server_port}",
    )  # fmt: skip
    try:
        yield rehearsal
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def first_deployment(rehearsal: Rehearsal) -> None:
    """Azd from a fresh clone. The role is too young, so azd deploys the same zip again."""
    rehearsal.chapter("1. First deployment, from a fresh clone")
    rehearsal.pull("0.1.0")
    rehearsal.change(azd_version="1.34.1")
    rehearsal.run("azd up")
    rehearsal.tell("# That azd has an older Bicep. After the update:")
    rehearsal.change(azd_version="1.39.1")
    rehearsal.run("azd up")
    rehearsal.look()
    rehearsal.tell(
        "# The role of the function's identity is not in force yet. azd does not wait, so its last step is repeated:"
    )
    rehearsal.run(BY_ZIP)
    rehearsal.run("scripts/deploy-package rg-prod func-prod-x")
    rehearsal.look()


def second_deployment(rehearsal: Rehearsal) -> None:
    """A new version, by azd alone and from GitHub."""
    rehearsal.chapter("2. Second deployment")
    shutil.copyfile(rehearsal.clone / "dist/update-profile.zip", rehearsal.home / "update-profile-0.1.0.zip")
    rehearsal.pull("0.2.0")
    rehearsal.tell("# After git pull. azd builds anew; it packs the same files in a zip of its own:")
    rehearsal.run("azd deploy")
    rehearsal.look()
    rehearsal.tell("# The zip itself:")
    rehearsal.run(BY_ZIP)
    rehearsal.look()
    rehearsal.pull("0.3.0")
    rehearsal.tell("# From GitHub: the job test builds version 0.3.0 and hands on its zip.")
    rehearsal.run("make package")
    rehearsal.deploy_from_github(branch="feature")
    rehearsal.change(github_branches={"total_count": 1, "branch_policies": [{"name": "*", "type": "branch"}]})
    rehearsal.deploy_from_github()
    rehearsal.change(github_branches=ONLY_MAIN)
    rehearsal.deploy_from_github()
    rehearsal.look()


def failed_deployments(rehearsal: Rehearsal) -> None:
    """A stopped app, a host key that cannot be had, and wrong settings."""
    rehearsal.chapter("3. Failed deployment")
    rehearsal.pull("0.4.0")
    rehearsal.run("make package")
    rehearsal.run("az functionapp stop --resource-group rg-prod --name func-prod-x")
    rehearsal.run("scripts/deploy-package rg-prod func-prod-x")
    rehearsal.look()
    rehearsal.run("az functionapp start --resource-group rg-prod --name func-prod-x")
    health = f"{rehearsal.state['origin']}/api/health"
    rehearsal.tell("# Started again. Now the deployer may not read the host key, and a setting is wrong:")
    wrong = {"field": "ENTRA_CLIENT_ID", "message": "is not a GUID"}
    rehearsal.change(
        host_key="refused", wrong_settings={"code": "misconfigured", "detail": "A setting is wrong.", "errors": [wrong]}
    )
    command = "scripts/deploy-package rg-prod func-prod-x"
    rehearsal.run(
        command, DEPLOY_HEALTH_URL=health, DEPLOY_PATIENCE_SECONDS="0", shown=f"{command}   # DEPLOY_HEALTH_URL is set"
    )
    rehearsal.tell("# The setting is mended. The host key still cannot be read, and the health route decides:")
    rehearsal.change(wrong_settings=None)
    rehearsal.run(command, DEPLOY_HEALTH_URL=health, shown=f"{command}   # DEPLOY_HEALTH_URL is set")
    rehearsal.look()
    rehearsal.change(host_key="given")


def roll_back(rehearsal: Rehearsal) -> None:
    """The older zip goes out as it was."""
    rehearsal.chapter("4. Roll-back")
    shutil.copyfile(rehearsal.home / "update-profile-0.1.0.zip", rehearsal.clone / "update-profile-0.1.0.zip")
    rehearsal.run("scripts/deploy-package rg-prod func-prod-x update-profile-0.1.0.zip")
    rehearsal.look()


def deletion(rehearsal: Rehearsal) -> None:
    """The registration is not in the group. It goes to the recycle bin, and has to leave it."""
    rehearsal.chapter("5. Deletion")
    rehearsal.run("azd down")
    rehearsal.look()
    rehearsal.run('az ad app delete --id "$ENTRA_CLIENT_ID"', ENTRA_CLIENT_ID="a-guid")


def again(rehearsal: Rehearsal) -> None:
    """The registration is still in the recycle bin; then everything is made anew."""
    rehearsal.chapter("6. And again")
    rehearsal.pull("0.4.0")
    rehearsal.change(signed_in="servicePrincipal", environment={})
    rehearsal.run("azd up")
    rehearsal.tell("# The deleted registration holds its identifier URI for 30 days. Delete it for good:")
    rehearsal.run("az rest --method delete --url https://graph.microsoft.com/v1.0/directory/deletedItems/an-object-id")
    rehearsal.run("azd up")
    rehearsal.tell("# A new identity, a young role again:")
    rehearsal.run("scripts/deploy-package rg-prod func-prod-x")
    rehearsal.look()


def elastic_premium(rehearsal: Rehearsal) -> None:
    """Another environment, whose app runs the package from a container. Whoever deploys uploads it."""
    rehearsal.chapter("7. Elastic Premium, from GitHub")
    rehearsal.change(app=None, registration="none", plan="ElasticPremium")
    rehearsal.deploy_from_github()
    rehearsal.look()
    rehearsal.tell("# With privateNetwork, from outside. Waiting would not help, and the script does not wait:")
    rehearsal.change(network_rule=True)
    rehearsal.run("scripts/deploy-package rg-prod func-prod-x dist/update-profile.zip stprodx")
    rehearsal.look()


CHAPTERS = (first_deployment, second_deployment, failed_deployments, roll_back, deletion, again, elastic_premium)


def main() -> int:
    """Print the whole transcript."""
    print("A deployment's life against stand-ins: nothing here reaches Azure. Lines with # are remarks.")
    with tempfile.TemporaryDirectory() as folder, begun(Path(folder), print) as rehearsal:
        for chapter in CHAPTERS:
            chapter(rehearsal)
    return 0


if __name__ == "__main__":
    sys.exit(main())
