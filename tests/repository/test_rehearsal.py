"""The dress rehearsal of a deployment (tests/deployment_rehearsal.py; `make rehearse` prints it)."""

import os
import shutil
from pathlib import Path

import deployment_rehearsal
import pytest
from deployment_rehearsal import BY_ZIP, CHAPTERS, Rehearsal

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        os.name != "posix" or not shutil.which("jq"),
        reason="the workflow's steps need bash and jq, as GitHub's runners have",
    ),
]


def text_of(rehearsal: Rehearsal, begin: int) -> str:
    """Return the transcript from a line on."""
    return "\n".join(rehearsal.transcript[begin:])


def test_a_deployments_life(tmp_path: Path) -> None:
    """First deployment, second, failures, roll-back, deletion and again: each ends as docs/operations.md says."""
    told: list[str] = []
    with deployment_rehearsal.begun(tmp_path, told.append) as rehearsal:
        checks = (_first, _second, _failed, _rolled_back, _deleted, _made_again, _elastic_premium)
        for chapter, check in zip(CHAPTERS, checks, strict=True):
            begin, calls = len(rehearsal.transcript), len(rehearsal.calls)
            chapter(rehearsal)
            check(rehearsal, text_of(rehearsal, begin), rehearsal.calls[calls:])
    assert told == rehearsal.transcript
    assert str(tmp_path) not in "\n".join(told)


def _first(rehearsal: Rehearsal, text: str, calls: list[list[str]]) -> None:
    assert "this project requires a version of azd" in text
    assert calls.count(["make", "package"]) == 1  # the fresh clone has no dist/
    assert ["azd", *BY_ZIP.split()[1:]] in calls
    assert rehearsal.state["environment"] == {"AZURE_PRINCIPAL_TYPE": "User"}
    assert rehearsal.state["app"]["version"] == "0.1.0"
    assert rehearsal.provenance() == "a zip that make package built and tested"


def _second(rehearsal: Rehearsal, text: str, calls: list[list[str]]) -> None:
    assert "the files of a tested zip, packed anew" in text  # azd deploy alone, after a pull: not the old dist/app
    assert "version 0.2.0" in text
    assert "Job protected: skipped" in text
    assert "::error title=The environment prod is not protected::Not main alone may deploy" in text
    (created,) = [call for call in calls if call[1:4] == ["deployment", "group", "create"]]
    installed = calls.index(["az", "bicep", "install", "--version", "v0.49.2"])
    assert installed < calls.index(created)
    assert "infra/main.bicepparam" in created
    assert "ok, version 0.3.0" in text
    assert rehearsal.provenance() == "a zip that make package built and tested"


def _failed(rehearsal: Rehearsal, text: str, calls: list[list[str]]) -> None:
    sent = [call for call in calls if "config-zip" in call]
    assert len(sent) == 3  # the stopped app was tried once
    assert all(call[call.index("--build-remote") + 1] == "false" for call in sent)
    assert "The function app is stopped." in text
    assert "version 0.3.0" in text  # still there after the failure
    assert "the package is in place, but the function does not work" in text
    assert "ENTRA_CLIENT_ID: is not a GUID" in text
    assert "ok, version 0.4.0" in text
    assert rehearsal.state["app"]["version"] == "0.4.0"


def _rolled_back(rehearsal: Rehearsal, text: str, calls: list[list[str]]) -> None:
    assert ["make", "package"] not in calls
    assert rehearsal.state["app"]["version"] == "0.1.0"
    assert "a zip that make package built and tested" in text


def _deleted(rehearsal: Rehearsal, text: str, calls: list[list[str]]) -> None:
    assert rehearsal.state["app"] is None
    assert rehearsal.state["registration"] == "in the recycle bin"
    assert [call[0] for call in calls] == ["azd", "az"]
    assert "no function app" in text


def _made_again(rehearsal: Rehearsal, text: str, calls: list[list[str]]) -> None:
    assert "Another object with the same value for property identifierUris" in text
    assert text.count("not in force yet. Waited") == 1  # azd met the first refusal, the script waited for the second
    assert rehearsal.state["environment"] == {"AZURE_PRINCIPAL_TYPE": "ServicePrincipal"}
    assert rehearsal.state["app"]["version"] == "0.4.0"
    assert rehearsal.provenance() == "a zip that make package built and tested"
    assert len([call for call in calls if call[:2] == ["azd", "up"]]) == 2


def _elastic_premium(rehearsal: Rehearsal, text: str, calls: list[list[str]]) -> None:
    uploads = [call for call in calls if call[1:4] == ["storage", "blob", "upload"]]
    assert len(uploads) == 4  # two refusals, a success, and the network rule that is met once
    assert text.count("not in force yet. Waited") == 2
    assert text.count("Azure: You do not have the required permissions needed to perform this operation.") == 2
    restarts = [call for call in calls if call[1:3] == ["functionapp", "restart"]]
    assert len(restarts) == 1
    assert calls.index(uploads[2]) < calls.index(restarts[0])
    assert "ok, version 0.4.0" in text
    assert "it is not tried again. A network rule of the storage account refuses this address." in text
    assert rehearsal.provenance() == "a zip that make package built and tested"


@pytest.mark.parametrize(
    "missing", ["AZURE_FUNCTION_NAME", "UPDATE_PROFILE_URL", "HOSTING_PLAN", "STORAGE_ACCOUNT_NAME"]
)
def test_a_deployment_whose_outputs_are_not_whole_ends_there(tmp_path: Path, missing: str) -> None:
    """The workflow sends no package to an app without a name, and none of Elastic Premium's to Flex Consumption."""
    with deployment_rehearsal.begun(tmp_path, lambda line: None) as rehearsal:
        rehearsal.pull("0.1.0")
        rehearsal.run("make package")
        rehearsal.change(plan="ElasticPremium", missing_output=missing)
        assert rehearsal.deploy_from_github() != 0
        assert rehearsal.calls[-1][1:4] == ["deployment", "group", "create"]


def test_the_kind_of_whoever_deploys_is_found_out_each_time(tmp_path: Path) -> None:
    """Nobody signed in is no user, another sign-in counts at once, and an operator's own choice is above both."""
    with deployment_rehearsal.begun(tmp_path, lambda line: None) as rehearsal:
        found = []
        for kind in ("", "servicePrincipal", "user", ""):
            rehearsal.change(signed_in=kind)
            assert rehearsal.run("azd provision") == 0
            found.append(rehearsal.state["environment"].get("AZURE_PRINCIPAL_TYPE"))
        assert found == [None, "ServicePrincipal", "User", "User"]
        assert rehearsal.run("azd env set DEPLOYER_PRINCIPAL_TYPE ServicePrincipal && azd provision") == 0
        assert rehearsal.state["environment"]["AZURE_PRINCIPAL_TYPE"] == "ServicePrincipal"


def test_a_hook_that_fails_deploys_nothing(tmp_path: Path) -> None:
    """If the package is not sound, `make package` fails, and azd stops before it touches Azure."""
    with deployment_rehearsal.begun(tmp_path, lambda line: None) as rehearsal:
        rehearsal.pull("0.1.0")
        (rehearsal.clone / "function_app.py").unlink()
        assert rehearsal.run("azd up") == 1
        assert rehearsal.state["app"] is None
    assert "failed running pre hooks: 'prepackage' hook failed" in "\n".join(rehearsal.transcript)
