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
