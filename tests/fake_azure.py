"""Azure CLI, azd, gh and make as a deployment meets them, with one pretended Azure behind them.

    fake_azure.py TOOL ARGUMENT...

The tools keep their state in FAKE_AZURE/state.json and append each call to FAKE_AZURE/calls.jsonl. They succeed and
fail as the sources say:

- azure-cli 2.91.0, command_modules/appservice/custom.py: enable_zip_deploy_flex, check_flex_app_after_deployment
- azure-cli 2.91.0, command_modules/storage/__init__.py: get_handler_suppress_some_400 (azure_cli_messages.py)
- azure-dev (August 2026), cli/azd: pkg/project/service_target_functionapp.go, framework_service_python.go,
  pkg/azsdk/funcapp_host_client.go, pkg/workflow/runner.go, cmd/middleware/hooks.go

What a deleted registration does to the next deployment is documented by Microsoft Graph and was not seen live.
It runs with the standard library alone.
"""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parent))
from azure_cli_messages import BLOB_MEETS_A_NETWORK_RULE, BLOB_NEEDS_A_ROLE

HOME = Path(os.environ["FAKE_AZURE"])
YOUNG_ROLE_REFUSALS = 2
STORAGE_REFUSES = (
    "InaccessibleStorageException: Failed to access storage account for deployment: Response status code does not"
    " indicate success: 403 (This request is not authorized to perform this operation using this permission.)."
)
STOPPED = "Error 403 - This web app is stopped."


class RefusedError(Exception):
    """Azure refuses; the text is Azure's."""


class Azure:
    """The pretended Azure: a group, an app registration and a function app."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.load()

    def load(self) -> None:
        """Read the state, at the start and after a command that this one ran."""
        self.state = json.loads((HOME / "state.json").read_text(encoding="utf-8"))

    def save(self) -> None:
        """Keep the state for the next call."""
        (HOME / "state.json").write_text(json.dumps(self.state, indent=1), encoding="utf-8")

    def provision(self) -> dict[str, str]:
        """Make what infra/ describes; return its outputs."""
        if self.state["registration"] == "in the recycle bin":
            raise RefusedError("Another object with the same value for property identifierUris already exists.")
        self.state["registration"] = "active"
        if self.state["app"] is None:
            self.state["app"] = {"package": None, "version": None, "stopped": False, "refusals": YOUNG_ROLE_REFUSALS}
        self.save()
        return {
            "AZURE_FUNCTION_NAME": "func-prod-x",
            "UPDATE_PROFILE_URL": f"{self.state['origin']}/api/update_profile",
            "HOSTING_PLAN": self.state["plan"],
            "STORAGE_ACCOUNT_NAME": "stprodx",
        }

    def refuse_while_young(self, words: str) -> None:
        """Refuse as long as the role on the storage is not in force."""
        app = self.app()
        if app["refusals"]:
            app["refusals"] -= 1
            self.save()
            raise RefusedError(words)

    def hold(self, package: Path) -> None:
        """Keep a package that has been written to the storage."""
        app = self.app()
        app["package"] = hashlib.sha256(package.read_bytes()).hexdigest()
        app["version"], app["files"] = version_of(package), files_of(package)
        self.save()

    def publish(self, package: Path) -> None:
        """Take a package through /api/publish. The app's identity writes it to the storage."""
        app = self.app()
        if app["stopped"]:
            raise RefusedError(STOPPED)
        self.refuse_while_young(STORAGE_REFUSES)
        self.hold(package)

    def app(self) -> dict[str, Any]:
        """Return the function app."""
        app: dict[str, Any] | None = self.state["app"]
        if app is None:
            raise RefusedError("(ResourceNotFound) The Resource 'Microsoft.Web/sites/func-prod-x' was not found.")
        return app


def version_of(package: Path) -> str:
    """Return the version of the code in a package."""
    with zipfile.ZipFile(package) as opened:
        source = opened.read("update_profile/__init__.py").decode()
    return source.partition('__version__ = "')[2].partition('"')[0]


def files_of(package: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a package."""
    with zipfile.ZipFile(package) as opened:
        return {name: hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist()}


def option(arguments: list[str], name: str) -> str:
    """Return the value of an option; the call is refused without it."""
    if name not in arguments:
        raise RefusedError(f"the following arguments are required: {name}")
    return arguments[arguments.index(name) + 1]


def az(azure: Azure, arguments: list[str]) -> None:
    """Azure CLI."""
    words = " ".join(arguments)
    for begin, carry_out in AZ.items():
        if words.startswith(begin):
            carry_out(azure, arguments)
            return
    raise RefusedError(f"'{words}' is misspelled or not recognized by the system.")


def _create_group_deployment(azure: Azure, _: list[str]) -> None:
    outputs = azure.provision()
    outputs.pop(azure.state["missing_output"], None)
    print(json.dumps({name: {"type": "String", "value": value} for name, value in outputs.items()}))


def _stop_or_start(azure: Azure, arguments: list[str]) -> None:
    azure.app()["stopped"] = arguments[1] == "stop"


def _restart(azure: Azure, _: list[str]) -> None:
    azure.app()


def _show_host(azure: Azure, _: list[str]) -> None:
    print(azure.state["origin"].partition("//")[2])


def _delete_registration(azure: Azure, _: list[str]) -> None:
    azure.state["registration"] = "in the recycle bin"


def _delete_for_good(azure: Azure, arguments: list[str]) -> None:
    if "/directory/deletedItems/" not in " ".join(arguments):
        raise RefusedError("Not Found")
    azure.state["registration"] = "none"


def _set_up(*_: object) -> None:
    """Do what changes nothing in Azure."""


def _config_zip(azure: Azure, arguments: list[str]) -> None:
    if option(arguments, "--build-remote") != "false":
        raise RefusedError("the package would be built remotely")
    package = Path(option(arguments, "--src"))
    try:
        azure.publish(package)
    except RefusedError as refusal:
        if str(refusal) == STORAGE_REFUSES:
            status = {"id": "1", "status": 3, "status_text": "failed"}
            logs = json.dumps([str(refusal)])
            raise RefusedError(f"Zip deployment failed. {status}. These are the deployment logs: \n{logs}") from refusal
        if str(refusal) == STOPPED:
            raise RefusedError(f"An error occured during deployment. Status Code: 403, Details: {STOPPED}") from refusal
        raise
    if azure.state["host_key"] == "refused":
        raise RefusedError("Failed to fetch host key to check for function app status")
    print('"Deployment was successful."')


def _upload(azure: Azure, arguments: list[str]) -> None:
    """Write the blob as whoever is signed in."""
    if azure.state["plan"] != "ElasticPremium" or option(arguments, "--auth-mode") != "login":
        raise RefusedError("Key based authentication is not permitted on this storage account.")
    if azure.state["network_rule"]:
        raise RefusedError(BLOB_MEETS_A_NETWORK_RULE.removeprefix("ERROR: "))
    azure.refuse_while_young(BLOB_NEEDS_A_ROLE.removeprefix("ERROR: "))
    azure.hold(Path(option(arguments, "--file")))


AZ: dict[str, Callable[[Azure, list[str]], None]] = {
    "functionapp deployment source config-zip": _config_zip,
    "functionapp stop": _stop_or_start,
    "functionapp start": _stop_or_start,
    "functionapp restart": _restart,
    "functionapp show": _show_host,
    "storage blob upload": _upload,
    "deployment group create": _create_group_deployment,
    "ad app delete": _delete_registration,
    "rest --method delete": _delete_for_good,
    "bicep install --version v": _set_up,
    "config set ": _set_up,
}


def azd(azure: Azure, arguments: list[str]) -> None:
    """Azure Developer CLI, in the folder of azure.yaml."""
    project = json.loads((HOME / "azure.json").read_text(encoding="utf-8"))
    required = project["requiredVersions"]["azd"]
    if _numbers(azure.state["azd_version"]) < _numbers(required.removeprefix(">= ")):
        raise RefusedError(
            f"this project requires a version of azd within the range '{required}', but you have"
            f" '{azure.state['azd_version']}'. Visit https://aka.ms/azure-dev/install to install a supported version."
        )
    command = " ".join(arguments)
    for begin, carry_out in AZD.items():
        if command.startswith(begin):
            carry_out(azure, project, arguments)
            return
    raise RefusedError(f"unknown command {command}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _up(azure: Azure, project: dict[str, Any], _: list[str]) -> None:
    print("Note: Running custom 'up' workflow from azure.yaml")
    for step in project["workflows"]["up"]["steps"]:
        _azd_step(step["azd"])
    azure.load()


def _provision(azure: Azure, project: dict[str, Any], _: list[str]) -> None:
    _hook(azure, project.get("hooks", {}), "preprovision")
    azure.load()
    azure.provision()
    print("SUCCESS: Your application was provisioned in Azure.")


def _down(azure: Azure, *_: object) -> None:
    azure.state["app"] = None
    print("SUCCESS: Your application was removed from Azure.")


def _auth_status(azure: Azure, *_: object) -> None:
    kind = azure.state["signed_in"]  # empty: nobody. The exit status is 0 all the same
    print(json.dumps({"status": "authenticated" if kind else "unauthenticated", "type": kind}, indent=2))


def _env_set(azure: Azure, _: object, arguments: list[str]) -> None:
    azure.state["environment"][arguments[2]] = arguments[3]


def _azd_step(step: str) -> None:
    """Run a step of a workflow as a command of its own, as azd does."""
    print(f"== azd {step}", flush=True)
    if subprocess.run(["azd", *step.split()], check=False).returncode:
        raise RefusedError(f"error executing step command '{step}'")


def _hook(azure: Azure, hooks: dict[str, Any], name: str) -> None:
    """Run a hook, which is given the values of azd's environment."""
    if name in hooks:
        script, environment = hooks[name]["posix"], os.environ | azure.state["environment"]
        if subprocess.run([script["shell"], "-c", script["run"]], env=environment, check=False).returncode:
            raise RefusedError(f"failed running pre hooks: '{name}' hook failed")


def _package(azure: Azure, project: dict[str, Any], _: list[str]) -> Path:
    """Run the service's hook, then pack `dist`: in a zip of azd's own, with other bytes."""
    service = project["services"]["update-profile"]
    _hook(azure, service.get("hooks", {}), "prepackage")
    azure.load()
    stage = Path(service["project"]) / service["dist"]
    if not stage.is_dir() or not any(stage.iterdir()):
        raise RefusedError(f"package source '{stage}' is empty or does not exist")
    archive = HOME / "azddeploy.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(stage.rglob("*")):
            if path.is_file() and path.name != ".funcignore":
                target.write(path, path.relative_to(stage).as_posix())
    return archive


def _deploy(azure: Azure, project: dict[str, Any], arguments: list[str]) -> None:
    if azure.state["app"] is None:
        raise RefusedError("infrastructure has not been provisioned. Run 'azd provision' first.")
    given = "--from-package" in arguments
    package = Path(option(arguments, "--from-package")) if given else _package(azure, project, [])
    if not package.is_file():  # azd then takes the name for that of a container
        raise RefusedError("function app 'func-prod-x' is configured for zip deployment")
    try:
        azure.publish(package)
    except RefusedError as refusal:
        words = f"deployment failed: {refusal}" if str(refusal) == STORAGE_REFUSES else f"RESPONSE 403: {refusal}"
        raise RefusedError(f"failed deploying service 'update-profile': {words}") from refusal
    print("SUCCESS: Your application was deployed to Azure.")


AZD: dict[str, Callable[..., object]] = {
    "up": _up,
    "package": _package,
    "provision": _provision,
    "deploy": _deploy,
    "down": _down,
    "auth status": _auth_status,
    "env set": _env_set,
}


def gh(azure: Azure, arguments: list[str]) -> None:
    """GitHub CLI: answers for the environment."""
    if arguments[0] != "api" or "/environments/" not in arguments[1]:
        raise RefusedError(f"unknown command {arguments[0]}")
    branches = arguments[1].endswith("/deployment-branch-policies")
    print(json.dumps(azure.state["github_branches" if branches else "github_environment"]))


def make(azure: Azure, arguments: list[str]) -> None:
    """`make package` in little: stages the code of this folder, writes the zip as scripts/package.py does."""
    if arguments != ["package"]:
        raise RefusedError(f"No rule to make target '{' '.join(arguments)}'.")
    sys.path.insert(0, str(Path.cwd()))
    from scripts import package

    stage = Path("dist/app")
    (stage / "update_profile").mkdir(parents=True, exist_ok=True)
    for name in ("function_app.py", "update_profile/__init__.py"):
        (stage / name).write_bytes(Path(name).read_bytes())
    (stage / ".funcignore").write_text("# Nothing is ignored.\n", encoding="utf-8")
    archive = Path("dist") / package.ZIP_NAME
    package.write_zip(stage, archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    azure.state["tested"][digest] = files_of(archive)
    print(f"make package: {archive} is version {version_of(archive)}, SHA-256 {digest[:12]}")


def main(tool: str, arguments: list[str]) -> NoReturn:
    """Note the call, carry it out, keep the state."""
    with (HOME / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps([tool, *arguments]) + "\n")
    azure = Azure()
    try:
        {"az": az, "azd": azd, "gh": gh, "make": make}[tool](azure, arguments)
    except RefusedError as refusal:
        print(f"ERROR: {refusal}", file=sys.stderr)
        sys.exit(1)
    azure.save()
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
