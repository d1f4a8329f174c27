"""The examples are pinned like the product, and name no registry."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PROGRAMS = sorted(path for path in EXAMPLES.glob("*/*") if path.suffix in (".py", ".mjs", ".ps1", ".cs"))
PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def test_the_python_example_is_pinned_to_what_the_function_is_tested_with() -> None:
    product = dict(PIN.findall((ROOT / "requirements.txt").read_text(encoding="utf-8")))
    example = dict(PIN.findall((EXAMPLES / "python" / "requirements.txt").read_text(encoding="utf-8")))
    assert example == {name: product[name] for name in ("httpx", "msal")}


def test_the_node_example_s_lock_pins_every_package_by_hash_and_names_no_registry() -> None:
    """npm takes a package from the registry that it is configured with, so that a mirror works too."""
    lock = json.loads((EXAMPLES / "node" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert {"node_modules/@azure/msal-node", "node_modules/undici"} <= packages.keys()
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())
    manifest = json.loads((EXAMPLES / "node" / "package.json").read_text(encoding="utf-8"))
    for name, version in manifest["dependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version


@pytest.mark.parametrize("example", PROGRAMS, ids=lambda path: path.name)
def test_an_example_names_the_four_settings_and_repeats_under_one_delivery_id(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    for name in ("FUNCTION_URL", "AUTHORITY", "CLIENT_ID", "SCOPE"):
        assert name in text
    for needed in ("idempotency-key", "retry-after", "www-authenticate", "validate_only"):
        assert needed in text.lower()


REQUESTS = (ROOT / "docs" / "requests.http").read_text(encoding="utf-8")


def test_the_requests_of_the_editor_s_file_are_sendable() -> None:
    """Each has a method, a route that exists, and a body that is JSON where it has one."""
    requests = [part.partition("\n")[2] for part in REQUESTS.split("### ")[1:]]
    assert len(requests) > 6
    for request in requests:
        head, _, body = request.strip().partition("\n\n")
        assert re.match(r"(GET|PUT|PATCH) \{\{function\}\}/api/(update_profile|health)", head)
        assert isinstance(json.loads(body or "{}"), dict)


def test_the_development_container_has_production_s_python() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(re.sub(r"^//.*\n", "", text, flags=re.MULTILINE))
    assert container["image"].endswith(":3.13")
    assert container["forwardPorts"] == [7071]
