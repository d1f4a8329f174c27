"""Workflows are pinned, least-privileged and run the Makefile. `make lint` runs zizmor and the schema check."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from scripts import check_environment, package, release_notes

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
DOCUMENTS: dict[str, dict[str, Any]] = {name: YAML(typ="safe").load(text) for name, text in WORKFLOWS.items()}
AZURE: dict[str, Any] = YAML(typ="safe").load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
BICEP = "0.49.2"  # made the snapshots; infra/README.md names it
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_its_commit_and_says_its_version(name: str) -> None:
    """A tag can be moved to another commit."""
    used = re.findall(r"uses: (\S+)(?: # (.*))?", WORKFLOWS[name])
    assert used
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r"v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_is_allowed_but_what_a_job_needs(name: str) -> None:
    """The top level grants nothing, each job has its own permissions, and a checkout keeps no token."""
    text = WORKFLOWS[name]
    assert "\npermissions: {}\n" in text
    jobs = re.findall(r"^  ([\w-]+):$", text.partition("\njobs:\n")[2], re.MULTILINE)
    assert len(re.findall(r"^    permissions:", text, re.MULTILINE)) == len(jobs)
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert "secrets." not in text
    assert "pull_request_target" not in text


def test_only_the_deployment_may_sign_in() -> None:
    """It signs in by OIDC, in a protected environment, after the tests of the same commit."""
    assert "id-token" not in WORKFLOWS["test.yml"]
    deploy = WORKFLOWS["deploy.yml"]
    assert deploy.count("id-token: write") == 1
    assert "id-token" not in WORKFLOWS["release.yml"] + WORKFLOWS["audit.yml"]
    assert "needs: [test, protected]" in deploy
    assert "environment: ${{ inputs.environment }}" in deploy
    assert "scripts/deploy-package" in deploy


def test_the_commands_are_the_makefiles() -> None:
    """CI runs the same commands as a developer does."""
    assert "bash .ci/run" in WORKFLOWS["test.yml"]
    texts = [*WORKFLOWS.values(), (ROOT / ".ci" / "run").read_text(encoding="utf-8")]
    targets = {target for text in texts for target in re.findall(r"make ([a-z-]+)", text)}
    assert {"test", "lint", "soak", "package", "sbom", "licenses", "audit"} <= targets
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets)


def test_one_job_says_that_all_is_green() -> None:
    """The all-green job waits for every other job."""
    jobs = set(re.findall(r"^  ([\w-]+):$", WORKFLOWS["test.yml"].partition("\njobs:\n")[2], re.MULTILINE))
    (needed,) = re.findall(r"needs: \[(.+)\]", WORKFLOWS["test.yml"])
    assert set(needed.split(", ")) == jobs - {"all-green"}


def steps(workflow: str, job: str) -> list[dict[str, Any]]:
    """Return the steps of a job."""
    found: list[dict[str, Any]] = DOCUMENTS[workflow]["jobs"][job]["steps"]
    return found


def test_two_deployments_never_end_each_other() -> None:
    """Deployments to one environment wait in a queue. A called workflow has its caller's name, so no group has it."""
    assert DOCUMENTS["deploy.yml"]["concurrency"] == {
        "group": "deploy-${{ inputs.environment }}",
        "cancel-in-progress": False,
        "queue": "max",
    }
    tests = DOCUMENTS["test.yml"]["concurrency"]
    assert tests["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    assert "|| github.run_id }}" in tests["group"]
    assert DOCUMENTS["release.yml"]["concurrency"]["cancel-in-progress"] is False
    assert not [name for name, document in DOCUMENTS.items() if "github.workflow" in document["concurrency"]["group"]]


def test_each_job_that_compiles_pins_the_compiler() -> None:
    """Azure CLI takes the runner's own Bicep otherwise. The snapshots are compared only where BICEP names this one."""
    compiling = {
        (name, job): [str(step.get("run", "")) for step in described.get("steps", ())]
        for name, document in DOCUMENTS.items()
        for job, described in document["jobs"].items()
        if re.search(r"az deployment|bash \.ci/run", str(described))
    }
    assert set(compiling) == {("test.yml", "ci"), ("deploy.yml", "deploy")}
    for runs in compiling.values():
        (place,) = [number for number, run in enumerate(runs) if f"az bicep install --version v{BICEP}" in run]
        assert not [run for run in runs[:place] if "az deployment" in run]
    assert "az config set bicep.use_binary_from_path=false" in "\n".join(compiling["deploy.yml", "deploy"])
    assert "BICEP=$HOME/.azure/bin/bicep" in "\n".join(compiling["test.yml", "ci"])
    assert f"Bicep {BICEP}" in (ROOT / "infra" / "README.md").read_text(encoding="utf-8")


def test_only_main_is_deployed_and_only_to_a_protected_environment() -> None:
    """Each job that leads to Azure refuses another branch. The protection is checked before the environment is used."""
    jobs = DOCUMENTS["deploy.yml"]["jobs"]
    assert {job["if"] for job in jobs.values()} == {"github.ref == 'refs/heads/main'"}
    assert set(jobs["deploy"]["needs"]) == {"test", "protected"}
    assert jobs["protected"]["permissions"] == {"actions": "read", "contents": "read"}
    assert "scripts/check_environment.py" in steps("deploy.yml", "protected")[-1]["run"]


PROTECTED = {
    "name": "prod",
    "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
    "protection_rules": [{"type": "branch_policy"}, {"type": "required_reviewers", "reviewers": [{"type": "User"}]}],
}
ONLY_MAIN = {"total_count": 1, "branch_policies": [{"name": "main", "type": "branch"}]}


@pytest.mark.parametrize(
    ("changed", "without_reviewers", "lacks"),
    [
        ({}, "", []),
        ({"deployment_branch_policy": None}, "", ["Not main alone"]),
        (
            {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}},
            "",
            ["Not main alone"],
        ),
        ({"protection_rules": []}, "", ["Nobody has to approve"]),
        ({"protection_rules": [{"type": "required_reviewers", "reviewers": []}]}, "", ["Nobody has to approve"]),
        ({"protection_rules": []}, "true", []),
        ({"deployment_branch_policy": None, "protection_rules": None}, "true", ["Not main alone"]),
    ],
)
def test_an_unprotected_environment_is_refused(
    changed: dict[str, Any], without_reviewers: str, lacks: list[str], tmp_path: Path
) -> None:
    """The answer of GitHub's API says who may deploy, and from where."""
    found = check_environment.lacking(PROTECTED | changed, ONLY_MAIN, without_reviewers=bool(without_reviewers))
    assert len(found) == len(lacks)
    assert all(sentence.startswith(begin) for sentence, begin in zip(found, lacks, strict=True))
    files = [tmp_path / "environment.json", tmp_path / "branches.json"]
    for file, document in zip(files, (PROTECTED | changed, ONLY_MAIN), strict=True):
        file.write_text(json.dumps(document), encoding="utf-8")
    assert check_environment.main([*map(str, files), without_reviewers]) == int(bool(lacks))


@pytest.mark.parametrize(
    "policies",
    [
        [],
        [{"name": "*", "type": "branch"}],
        [{"name": "mai*", "type": "branch"}],
        [{"name": "main", "type": "tag"}],
        [{"name": "main", "type": "branch"}, {"name": "release/*", "type": "branch"}],
    ],
)
def test_an_environment_for_other_branches_than_main_is_refused(policies: list[dict[str, str]]) -> None:
    """A policy of the environment may name any pattern. Only one that names main alone protects it."""
    (sentence,) = check_environment.lacking(PROTECTED, {"branch_policies": policies})
    assert sentence.startswith("Not main alone")


def test_the_package_step_has_a_sign_in_of_its_own() -> None:
    """On Elastic Premium it asks for its first token then, and GitHub's assertion lives for minutes (AADSTS700024)."""
    used = [step.get("uses", step.get("name", "")).partition("@")[0] for step in steps("deploy.yml", "deploy")]
    assert used[-2] == "azure/login"
    assert used.count("azure/login") == 2
    first, second = (step["with"] for step in steps("deploy.yml", "deploy") if "azure/login" in step.get("uses", ""))
    assert first == second


def test_every_path_sends_the_very_zip_that_was_tested() -> None:
    """One name from `make package` to Azure: azd, the workflows and the script's default."""
    path = f"dist/{package.ZIP_NAME}"
    (upload,) = [step for step in steps("test.yml", "ci") if "actions/upload-artifact" in step.get("uses", "")]
    assert path in upload["with"]["path"].split()
    runs = [step.get("run", "") for step in steps("test.yml", "ci")]
    assert runs.index("bash .ci/run") < steps("test.yml", "ci").index(upload)
    for name, job in (("deploy.yml", "deploy"), ("release.yml", "release")):
        (download,) = [step for step in steps(name, job) if "actions/download-artifact" in step.get("uses", "")]
        assert download["with"] == {"name": upload["with"]["name"], "path": "dist"}
    assert f'scripts/deploy-package "$GROUP" "$APP" {path} ' in WORKFLOWS["deploy.yml"]
    assert "make " not in WORKFLOWS["deploy.yml"] + WORKFLOWS["release.yml"]
    up = [step["azd"] for step in AZURE["workflows"]["up"]["steps"]]
    assert up == ["package update-profile", "provision", f"deploy update-profile --from-package {path}"]


def test_azd_builds_before_each_deployment() -> None:
    """A hook under the service runs for `azd up`, `azd package` and `azd deploy`. One at the root would not."""
    service = AZURE["services"]["update-profile"]
    assert (service["project"], service["dist"], service["remoteBuild"]) == (".", "dist/app", False)
    hook = service["hooks"]["prepackage"]
    assert hook["posix"] == {"shell": "sh", "run": "make package"}
    assert hook["windows"]["run"].startswith("throw ")
    assert "prepackage" not in AZURE["hooks"]
    assert AZURE["requiredVersions"] == {"azd": ">= 1.39.1"}


def test_the_tag_of_this_version_has_its_notes() -> None:
    """The release workflow prints them, and fails unless tag, version and changelog agree."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = release_notes.package_version()
    assert AZURE["metadata"]["template"].endswith(f"@{version}")
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == version
    assert "### Added" in release_notes.notes(changelog, f"v{version}", version)


def test_notes_are_of_one_version_alone() -> None:
    """The section ends where the next begins, and link definitions are left out."""
    older = "## [1.1.0] - 2025-01-01\n\n- old\n\n[1.1.0]: x\n"
    changelog = f"# C\n\n## [Unreleased]\n\n- new\n\n## [1.2.0] - 2026-01-01\n\n- this\n\n{older}"
    assert release_notes.notes(changelog, "v1.2.0", "1.2.0") == "- this\n"
    assert release_notes.notes(changelog, "v1.1.0", "1.1.0") == "- old\n"
    for tag, version, reason in (
        ("1.2.0", "1.2.0", "no version"),
        ("v1.2.0", "1.3.0", "says 1.3.0"),
        ("v9.9.9", "9.9.9", "no"),
    ):
        with pytest.raises(ValueError, match=reason):
            release_notes.notes(changelog, tag, version)
