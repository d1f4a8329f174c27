"""The approval page's files: no third-party code, nothing that its policy would refuse, and short lines."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "update_profile" / "page"
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.iterdir())}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
LONGEST_FILE = 250
MARKUP = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc|\.on\w+ ="


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_short(name: str) -> None:
    """No line has more than 120 characters, and no file more than 250 lines."""
    lines = FILES[name].splitlines()
    assert len(lines) <= LONGEST_FILE
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_what_it_is_for_and_makes_no_markup(name: str) -> None:
    """Text goes into the page as text."""
    assert SCRIPTS[name].startswith("// ")
    assert not re.findall(MARKUP, SCRIPTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_imports_only_files_beside_it(name: str) -> None:
    """Addresses of other hosts stand in comments alone."""
    imported = re.findall(r'\bfrom "([^"]+)"', SCRIPTS[name])
    assert all(path.removeprefix("./") in FILES for path in imported)
    code = "\n".join(line.partition("// ")[0] for line in SCRIPTS[name].splitlines())
    assert re.findall(r"https?://[\w.]+", code) == []


def test_the_page_loads_only_files_of_its_own() -> None:
    """It has no inline script, style or handler, which its policy would refuse."""
    page = FILES["approve.html"]
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert loaded == ["data:,", "/api/approve/approve.css", "/api/approve/approve.js"]
    assert not re.findall(r"<script>|<style|\bon\w+=|\bstyle=", page)


def test_every_text_of_a_screen_is_a_text_that_exists() -> None:
    """A name that is misspelled would show as `undefined`. A text that nobody shows is not kept."""
    named = {name for text in SCRIPTS.values() for name in re.findall(r"\bTEXT\.(\w+)", text)}
    known = set(re.findall(r"^  (\w+):", FILES["strings.en.js"], re.MULTILINE))
    by_name = {"letters", "domain", "spelled", "itsDomain", "encoded", "noDomain"}  # remarks (proposal.js)
    assert named | by_name == known


def test_app_service_authentication_lets_every_file_through() -> None:
    """Each is a path of its own there; a translation needs one too."""
    template = (ROOT / "infra" / "modules" / "authentication.bicep").read_text(encoding="utf-8")
    excluded = re.findall(r"^\s*'/api/approve/?([\w.]*)'$", template, re.MULTILINE)
    assert sorted(excluded) == sorted(["", *(name for name in FILES if name != "approve.html")])
