"""The pages for callers are complete, short, and hold examples that work."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from update_profile.errors import InvalidProfile
from update_profile.support_profile import read_profile

ROOT = Path(__file__).parents[2]
CALLERS = ROOT / "docs" / "callers"
PAGES = sorted(CALLERS.glob("*.md"))
RECIPES = [page for page in PAGES if page.stem not in ("README", "without-a-users-token")]
SECTIONS = ("Time-outs and retries", "What each status does", "Chunked bodies", "Tried")
DELEGATED = ("servicenow", "power-automate", "logic-apps", "jira-automation", "service-with-msal", "curl")
BRIDGED = ("zendesk", "halopsa", "autotask", "connectwise", "freshservice")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in this language."""
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


JSON_BLOCKS = [(page.stem, text) for page in PAGES for text in blocks(page, "json")]
LINKS = [
    (page.stem, line)
    for page in PAGES
    for text in blocks(page, "text")
    for line in text.splitlines()
    if "/api/approve" in line
]


def test_there_is_a_page_for_each_system() -> None:
    assert {page.stem for page in RECIPES} == {*DELEGATED, *BRIDGED}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_less_than_80_lines(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) < 80


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_a_recipe_says_how_long_how_often_what_a_status_does_and_what_was_tried(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [heading for heading in headings if heading in SECTIONS] == list(SECTIONS)
    assert re.search(r"\bacts?\b", text), "who is acting"
    assert "cost" in text.lower()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert not [target for target in targets if "://" not in target and not (page.parent / target).exists()]


@pytest.mark.parametrize(("page", "text"), JSON_BLOCKS)
def test_a_json_body_of_a_page_is_a_profile_once_it_is_filled_in(page: str, text: str) -> None:
    """Before that, the function refuses it by the names of its members, and writes no template."""
    body = json.loads(text)
    if "Email" not in body:
        return
    if any("{{" in value for value in body.values()):
        with pytest.raises(InvalidProfile):
            read_profile(list(body.items()))
    else:
        read_profile(list(body.items()))


def test_the_body_of_jira_s_rule_is_a_profile_once_its_values_are_encoded() -> None:
    """asJsonString brings its own quotes, so a value with a quote or a backslash cannot break the body."""
    (body,) = (text for text in blocks(CALLERS / "jira-automation.md", "text") if "Email" in text)
    values = iter([*map(json.dumps, ('"help"@contoso.com', "+1 425 555 0100", "www.contoso.com"))])
    filled = json.loads(re.sub(r"\{\{issue\.\w+\.asJsonString\}\}", lambda _: next(values), body))
    assert filled["Email"] == '"help"@contoso.com'
    read_profile(list(filled.items()))


@pytest.mark.parametrize("page", RECIPES, ids=lambda page: page.stem)
def test_no_delivery_id_of_a_bridge_holds_the_time_of_the_ticket_s_last_update(page: Path) -> None:
    """What the flow writes back changes that time, so the ticket would start the flow for ever."""
    if page.stem in BRIDGED:
        assert not re.search(r"lastUpdated|dateupdated|updated_at", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_an_approval_link_has_the_documented_names(page: str, link: str) -> None:
    parts = urlsplit(link.replace("<host>", "host.example"))
    assert (parts.path, parts.query) == ("/api/approve", "")
    assert [name for name, _ in parse_qsl(parts.fragment)] == ["email", "telephone", "website", "from"]


def test_each_system_without_a_users_token_has_a_link() -> None:
    assert {page for page, _ in LINKS} >= {*BRIDGED}


def test_the_claims_challenge_in_the_api_page_decodes_to_what_it_says() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    encoded, decoded = re.findall(r"Decode it: `([^`]+)` is\s+`([^`]+)`", text)[0]
    assert base64.b64decode(encoded).decode() == decoded
    assert json.loads(decoded)["access_token"]
