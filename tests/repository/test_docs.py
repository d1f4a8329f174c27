"""The documentation agrees with the code."""

import itertools
import json
import re
from pathlib import Path

import pytest
from errors_raised import RAISED
from pydantic import SecretStr

from sandbox.serve import curl_command
from update_profile.errors import Misconfigured, PartnerCenterRefused, UpdateProfileError
from update_profile.field_rules import EMAIL_LENGTH, TELEPHONE_LENGTH, WEBSITE_LENGTH
from update_profile.settings import NAMES, read_settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
PAGE = ROOT / "update_profile" / "page"
TEXTS = (PAGE / "strings.en.js").read_text(encoding="utf-8")
LINKS = (ROOT / "docs" / "approval-links.md").read_text(encoding="utf-8")
HOSTS_OWN = {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"}


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of every row of the first table under a heading."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = list(itertools.takewhile(bool, section[section.index("\n|") + 1 :].splitlines()))[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def table(page: str, heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table under a heading, by the name in their first cell."""
    found = rows(page, heading)
    assert len({row[0] for row in found}) == len(found)
    return {row[0].strip("`"): row[1:] for row in found}


ERRORS, SETTINGS = table(API, "Errors"), table(README, "Settings")
LONGEST = {"Email": EMAIL_LENGTH, "Telephone": TELEPHONE_LENGTH, "Website": WEBSITE_LENGTH}


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


def test_every_error_is_in_the_api_page_and_the_other_way_round() -> None:
    """Errors are compared by their code."""
    assert sorted(ERRORS) == sorted(kind.code for kind in RAISED)


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: str(kind.code))
def test_the_api_page_says_of_an_error_what_its_class_says(kind: type[UpdateProfileError]) -> None:
    """Status, actor and retry advice agree; where the upstream's answer decides, the table says so."""
    status, actor, retry, _ = ERRORS[kind.code]
    if issubclass(kind, PartnerCenterRefused):
        assert re.fullmatch(r"upstream's [45]xx|401|429", status)
    else:
        assert int(status[:3]) == kind.status
    assert actor == ("by status" if kind.code == "partner_center_rejected" else kind.actor)
    assert retry.partition(" ")[0].strip(",") == ("yes" if kind.retryable else "no")


def test_every_reason_is_in_the_api_page_in_the_order_of_the_code() -> None:
    """Each row gives a code and one of its reasons."""
    told = [(row[0].strip("`"), row[1].strip("`")) for row in rows(API, "Reasons")]
    assert told == [(kind.code, reason) for kind in RAISED for reason in kind.reasons]


@pytest.mark.parametrize(
    ("page", "heading", "unit"), [(README, "The API in short", "characters"), (API, "Body", "code points")]
)
@pytest.mark.parametrize("name", LONGEST)
def test_the_limit_of_a_field_is_the_codes(page: str, heading: str, unit: str, name: str) -> None:
    """The longest accepted value is accepted, and the number is in the table of the page."""
    accepted = table(page, heading)[name][-1]
    assert accepted.startswith(f"at most {LONGEST[name]:,} {unit}")


@pytest.mark.parametrize(
    ("setting", "numbers"), [("MAX_BODY_BYTES", (65536, 1024, 1048576)), ("REQUEST_BUDGET_SECONDS", (20, 1, 110))]
)
def test_the_range_of_a_number_is_the_settings(setting: str, numbers: tuple[int, int, int]) -> None:
    """Default, least and most are in README, and the settings refuse what is outside."""
    default, least, most = numbers
    assert SETTINGS[setting][0] == f"`{default}`"
    assert f"{least:,} to {most:,}" in SETTINGS[setting][1]
    good = EXAMPLE | {"ENTRA_CLIENT_SECRET": "filled-in"}
    for number in (least, most):
        read_settings(good | {setting: str(number)})
    for number in (least - 1, most + 1):
        with pytest.raises(Misconfigured):
            read_settings(good | {setting: str(number)})


def test_the_limits_of_an_approval_link_are_the_pages() -> None:
    """The page for whoever builds links gives both, and the page's own text gives the longest link."""
    script = (PAGE / "proposal.js").read_text(encoding="utf-8")
    link, label = (re.search(rf"const {name} = (\d+);", script) for name in ("LONGEST_LINK", "LONGEST_LABEL"))
    assert link
    assert label
    assert f"at most {int(link[1]):,} characters" in LINKS
    assert table(f"\n## Link\n{LINKS}", "Link")["from"][0] == f"{label[1]} characters"
    assert f"longer than {int(link[1]):,} characters" in TEXTS


def test_the_approval_page_says_what_its_document_says() -> None:
    """Every heading in the document's table is a text of the page."""
    told = rows((ROOT / "docs" / "approval-page.md").read_text(encoding="utf-8"), "What the page may say")
    assert len(told) > 12
    assert not [row[0] for row in told if f'"{row[0]}"' not in TEXTS]


def test_make_serve_prints_the_readmes_command() -> None:
    """A reader can paste either one."""
    assert curl_command("http://127.0.0.1:7071") in README


def test_the_readme_is_read_in_two_minutes() -> None:
    """It has less than 120 lines, none over 140 characters, and says early what the function does not do."""
    lines = README.splitlines()
    assert len(lines) < 120
    assert max(map(len, lines)) <= 140
    headings = [line for line in lines if line.startswith("## ")]
    assert headings[0] == "## What it does not do"
    assert README.index("make serve ") < README.index("$ASSERTION")


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "connector/README.md",
        *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
    ],
)
def test_every_link_into_the_repository_leads_somewhere(page: str) -> None:
    """Every relative link leads to an existing file or folder."""
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in target]
    assert not [target for target in targets if not ((ROOT / page).parent / target).exists()]


def test_every_module_is_in_the_table_of_contributing() -> None:
    """A newcomer finds each file there; a file that is gone is not named."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w/]+\.py)` \| [^|]+ \|$", text, re.MULTILINE)
    package = ROOT / "update_profile"
    modules = {str(path.relative_to(package)) for path in package.rglob("*.py") if path.name != "__init__.py"}
    assert sorted(named) == sorted(modules)


def test_every_decision_that_code_or_documents_name_exists() -> None:
    """A reader who follows the name finds the decision."""
    sources = [*(ROOT / "update_profile").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md"]
    named = {name for path in sources for name in re.findall(r"\d{4}-[a-z0-9-]+\.md", path.read_text(encoding="utf-8"))}
    assert named
    assert not [name for name in named if not (ROOT / "docs" / "adr" / name).exists()]
