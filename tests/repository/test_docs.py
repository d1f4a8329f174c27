"""The documentation agrees with the code."""

import json
import re
from pathlib import Path

import pytest
from errors_raised import RAISED
from pydantic import SecretStr

from update_profile.errors import PartnerCenterRefused, UpdateProfileError
from update_profile.settings import NAMES, read_settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
HOSTS_OWN = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}


def table(heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table under a heading of the README, by the name in their first cell."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0].strip("`"): row[1:] for row in rows}


ERRORS, SETTINGS = table("Errors"), table("Settings")


def test_every_setting_is_in_the_example_file_and_the_other_way_round() -> None:
    """It also has what the Functions host needs. A list of clients would lock every other client out."""
    assert {*EXAMPLE} - HOSTS_OWN == {*NAMES} - {"ENTRA_ALLOWED_CLIENTS"}


def test_every_setting_is_in_the_readme_and_the_other_way_round() -> None:
    """The README lists them in the same order as the code."""
    assert list(SETTINGS) == list(NAMES)


def test_the_example_file_is_sound_once_it_has_a_secret() -> None:
    """The secret is blank in the file; all other values can be used as they are."""
    settings = read_settings(EXAMPLE | {"ENTRA_CLIENT_SECRET": "filled-in"})
    assert settings.client_secret == SecretStr("filled-in")
    assert settings.allowed_clients is None
    assert EXAMPLE["ENTRA_CLIENT_SECRET"] == ""


@pytest.mark.parametrize("name", [name for name, value in EXAMPLE.items() if value and name in NAMES])
def test_defaults_stand_in_the_readme_as_in_the_example(name: str) -> None:
    """Where there is no default, the README says required or any."""
    default = SETTINGS[name][0]
    if default.startswith("`"):
        assert EXAMPLE[name] == default.strip("`")
    else:
        assert default in ("required", "any")


def test_every_error_is_in_the_readme_and_the_other_way_round() -> None:
    """Errors are compared by their code."""
    assert sorted(ERRORS) == sorted(kind.code for kind in RAISED)


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: str(kind.code))
def test_the_readme_says_of_an_error_what_its_class_says(kind: type[UpdateProfileError]) -> None:
    """Status, actor and retry advice agree; where the upstream's answer decides, the table says so."""
    status, actor, retry, _ = ERRORS[kind.code]
    if issubclass(kind, PartnerCenterRefused):
        assert re.fullmatch(r"upstream's [45]xx|401|429", status)
    else:
        assert int(status[:3]) == kind.status
    assert actor == ("by status" if kind.code == "partner_center_rejected" else kind.actor)
    assert retry.partition(" ")[0].strip(",") == ("yes" if kind.retryable else "no")


def test_every_link_into_the_repository_leads_somewhere() -> None:
    """Every relative link in the README leads to an existing file or folder."""
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target]
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]
