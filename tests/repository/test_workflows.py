"""Workflows are pinned, least-privileged and run the Makefile. `make lint` runs zizmor and the schema check."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
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
    assert "needs: test" in deploy
    assert "environment: ${{ inputs.environment }}" in deploy
    assert "scripts/deploy-package" in deploy


def test_the_commands_are_the_makefiles() -> None:
    """CI runs the same commands as a developer does."""
    assert "bash .ci/run" in WORKFLOWS["test.yml"]
    texts = [*WORKFLOWS.values(), (ROOT / ".ci" / "run").read_text(encoding="utf-8")]
    targets = {target for text in texts for target in re.findall(r"make ([a-z-]+)", text)}
    assert {"test", "lint", "soak", "package"} <= targets
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets)


def test_one_job_says_that_all_is_green() -> None:
    """The all-green job waits for every other job."""
    jobs = set(re.findall(r"^  ([\w-]+):$", WORKFLOWS["test.yml"].partition("\njobs:\n")[2], re.MULTILINE))
    (needed,) = re.findall(r"needs: \[(.+)\]", WORKFLOWS["test.yml"])
    assert set(needed.split(", ")) == jobs - {"all-green"}
