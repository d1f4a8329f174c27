"""The approval page's files and the headers that they go out with."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from builders import CLIENT, OTHER_TENANT, TENANT, some_settings

from update_profile import approval_page
from update_profile.settings import Settings

PAGE_CLIENT = "5a9e0c1f-7f0e-4c7e-8a53-2b1d3f6c9e10"
ROOT = Path(__file__).parents[2]
FILES = sorted(path.name for path in approval_page.FOLDER.iterdir() if path.name != approval_page.PAGE)


def page_settings(**overrides: str | None) -> Settings:
    """Return settings with the page switched on."""
    return some_settings(**{"ENTRA_APPROVAL_CLIENT_ID": PAGE_CLIENT, **overrides})


def metas(page: bytes) -> dict[str, str]:
    """Return the values that the page carries for its scripts."""
    return dict(re.findall(r'<meta name="approve:([a-z-]+)" content="([^"]*)">', page.decode()))


def test_the_page_carries_what_a_sign_in_needs() -> None:
    """With one allowed tenant, people sign in at that tenant. Nothing else of the settings is in the page."""
    reply = approval_page.read("", page_settings())
    assert reply.status == 200
    assert metas(reply.body) == {
        "client-id": PAGE_CLIENT,
        "authority": f"https://login.microsoftonline.com/{TENANT}",
        "scope": f"{CLIENT}/user_impersonation",
        "languages": "en",
    }
    assert b"secret" not in reply.body
    assert not re.search(rb"\{[a-z_]+\}", reply.body)


def test_with_several_tenants_people_of_any_organization_sign_in() -> None:
    """The function's own check decides, and the page names no tenant."""
    page = approval_page.read("", page_settings(ENTRA_ALLOWED_TENANTS=f"{TENANT},{OTHER_TENANT}")).body
    assert metas(page)["authority"] == "https://login.microsoftonline.com/organizations"
    assert TENANT.encode() not in page


def test_a_scope_with_markup_stays_text() -> None:
    """A scope may hold any visible ASCII character but quotes and backslashes."""
    page = approval_page.read("", page_settings(ENTRA_REQUIRED_SCOPE="<script>&'")).body
    assert metas(page)["scope"] == f"{CLIENT}/&lt;script&gt;&amp;&#x27;"


def test_the_headers_of_the_page_are_these() -> None:
    """The page runs its own scripts, calls its own origin and the authority, and stands in no frame."""
    assert approval_page.read("", page_settings(ENTRA_AUTHORITY_HOST="https://login.example:8443")).headers == {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        "connect-src 'self' https://login.example:8443; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Frame-Options": "DENY",
    }


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_under_its_name(name: str) -> None:
    """Its bytes are those in the folder, with a media type that a browser takes under nosniff."""
    reply = approval_page.read(name, page_settings())
    media_type = {"css": "text/css", "js": "text/javascript"}[name.rpartition(".")[2]]
    assert (reply.status, reply.body) == (200, (approval_page.FOLDER / name).read_bytes())
    page = approval_page.read("", page_settings())
    assert reply.headers == {**page.headers, "Content-Type": f"{media_type}; charset=utf-8"}


@pytest.mark.parametrize(
    "name", ["approve.html", "Approve.js", "../settings.py", "..", "approve.js/", "strings.de.js", "%2e%2e", "x" * 9000]
)
def test_any_other_name_is_an_empty_404(name: str) -> None:
    """A name is looked up among the files and never becomes a path. The page itself has only one address."""
    reply, page = approval_page.read(name, page_settings()), approval_page.read("", page_settings())
    assert (reply.status, reply.body) == (404, b"")
    assert {**reply.headers, "Content-Type": page.headers["Content-Type"]} == page.headers


@pytest.mark.parametrize("name", ["", *FILES, "other"])
def test_without_a_client_id_there_is_no_page(name: str) -> None:
    """No file of it is served either."""
    assert approval_page.read(name, some_settings()) == approval_page.NOT_FOUND


def test_a_translation_is_one_more_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page names each language that has a file of texts, and that file is served."""
    for file in approval_page.FOLDER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "strings.de.js").write_text("export const TEXT = {};")
    monkeypatch.setattr(approval_page, "FOLDER", tmp_path)
    approval_page._files.cache_clear()
    try:
        assert metas(approval_page.read("", page_settings()).body)["languages"] == "de en"
        assert approval_page.read("strings.de.js", page_settings()).status == 200
    finally:
        approval_page._files.cache_clear()


def test_the_first_update_pays_for_no_import_of_the_page() -> None:
    """Everything that the module imports is there already."""
    code = (
        "import sys, update_profile.service, update_profile.response; before = set(sys.modules);"
        "import update_profile.approval_page; print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run(  # noqa: S603  our own code
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["update_profile.approval_page"]
