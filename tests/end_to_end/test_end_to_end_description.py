"""The description: served as packaged, valid and generated."""

import json
import subprocess
import sys
from typing import Any

import pytest
from error_rows import ROWS
from live_function import ROOT, LiveFunction
from openapi_spec_validator import OpenAPIV31SpecValidator

from update_profile.description import FILE

DESCRIPTION = "/api/openapi.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_bytes())
IDS = (
    ("MS-CorrelationId", "20604323-50bf-4738-9968-c5486ab32be0"),
    ("MS-RequestId", "603f3cd9-01b8-48f2-b65d-855a246f5bfd"),
)
HOSTS = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))


@pytest.mark.parametrize("setting", [None, "ENTRA_ALLOWED_TENANTS"])
async def test_the_description_is_served_as_packaged_whatever_the_settings(
    live: LiveFunction, setting: str | None
) -> None:
    """It needs no token, ignores its query, and has the headers of every answer."""
    if setting is not None:
        live.set(**{setting: "contoso"})
    target = f"{DESCRIPTION}?validate_only=perhaps"
    answered = await live.call(method="GET", target=target, user=None, body=b"", headers=IDS)
    assert (answered.status, answered.body) == (200, FILE.read_bytes())
    assert answered.headers == {
        "content-type": "application/json",
        **{name.lower(): value for name, value in (*IDS, *HOSTS)},
    }
    assert not live.sandbox.entra.journal


async def test_an_id_that_is_no_guid_is_replaced_as_at_health(live: LiveFunction) -> None:
    answered = await live.call(
        method="GET", target=DESCRIPTION, user=None, body=b"", headers=[("MS-RequestId", "no GUID")]
    )
    assert answered.status == 200
    assert answered.headers["ms-requestid"] != "no GUID"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
async def test_any_other_method_gets_the_hosts_empty_404(live: LiveFunction, method: str) -> None:
    answered = await live.call(method=method, target=DESCRIPTION, user=None, body=b"")
    assert (answered.status, answered.body) == (404, b"")


def test_the_description_is_valid_openapi() -> None:
    """The validator also checks each default against its schema."""
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert not list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())


@pytest.mark.timeout(180)
def test_the_description_is_what_the_code_says() -> None:
    """Generated again, with exchanges made anew, it is the same file byte for byte."""
    command = [sys.executable, "-m", "scripts.openapi", "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=170)  # noqa: S603
    assert (run.returncode, run.stderr) == (0, "")


def examples(document: object) -> list[Any]:
    """Return every example in a part of the description."""
    if isinstance(document, list):
        return [found for part in document for found in examples(part)]
    if not isinstance(document, dict):
        return []
    here = [one["value"] for one in document["examples"].values()] if "examples" in document else []
    return [*here, *(found for name, part in document.items() if name != "examples" for found in examples(part))]


def test_every_code_has_an_example() -> None:
    """A fault of the function itself cannot be provoked from outside."""
    shown = {example.get("code") for example in examples(DOCUMENT["components"]["responses"])}
    assert shown - {None} == {row.code for row in ROWS} - {"unexpected"}
