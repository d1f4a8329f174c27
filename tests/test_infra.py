"""The template and the code say the same. No compiler is needed here; test_infra_snapshots.py uses one where it is."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from bicep_files import FILES, INFRA, MAIN, VARIANTS, block, names, text

from update_profile.audit import EVENT, AuditEvent
from update_profile.clouds import CLOUDS
from update_profile.settings import NAMES

ROOT = Path(__file__).parents[1]
SOURCE = {path: text(path) for path in FILES}
EVERYTHING = "\n".join(SOURCE.values())
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "update_profile").glob("*.py")))
# What the platform and the Functions host read.
PLATFORM = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
}
OUTPUTS = set(re.findall(r"^output (\w+)", SOURCE[MAIN], re.MULTILINE))


def test_the_template_sets_every_setting_of_the_code_and_no_other() -> None:
    """Each by its name, or under a condition; what the platform reads is its own."""
    credentials = "\n".join(line for line in SOURCE[MAIN].splitlines() if line.startswith("var "))
    main = names(block(SOURCE[MAIN], "functionSettings:")) | names(credentials)
    assert main == set(NAMES)
    function = names(SOURCE[INFRA / "modules" / "function.bicep"])
    assert function == PLATFORM


def test_settings_that_may_differ_are_settings() -> None:
    """The type of that parameter names no other, and each is handed on."""
    other = names(block(SOURCE[INFRA / "modules" / "shared.bicep"], "type OtherSettings"))
    assert other < set(NAMES)
    assert other == set(re.findall(r"otherSettings\.\??(\w+)", SOURCE[MAIN]))


def test_defaults_in_the_template_are_the_documented_ones() -> None:
    """A blank one is the code's own default."""
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    given = dict(re.findall(r"(\w+): otherSettings\.\?\w+ \?\? '([^']*)'", SOURCE[MAIN]))
    assert len(given) > 5
    for name, value in given.items():
        assert value in ("", example[name]), name


def test_the_clouds_are_those_of_the_code() -> None:
    """Germany is closed, and not among the allowed values."""
    table = dict(re.findall(r"(\w+): \{ azure: '\w+', federatedAudience: '([^']+)' \}", SOURCE[MAIN]))
    live = {name: cloud.federated_audience for name, cloud in CLOUDS.items() if cloud.closed is None}
    assert table == live
    (allowed,) = re.findall(r"^param cloud (.+?) = ", SOURCE[MAIN], re.MULTILINE)
    assert re.findall(r"'(\w+)'", allowed) == list(live)


def test_no_key_is_read_and_no_secret_put_out() -> None:
    """No list*() call, no connection string, no password in an output; nothing untyped, no host of one cloud."""
    assert not re.findall(r"\blist\w*\(|\bany\(", EVERYTHING)
    told = re.findall(r"^output (\w+) \w+ = (.+)$", EVERYTHING, re.MULTILINE)
    assert len(told) > 10
    assert not [pair for pair in told if re.search(r"(?i)secret|password|connectionstring|key", " ".join(pair))]
    hosts = r"microsoftonline\.|windows\.net|azure\.com|azurewebsites|chinacloudapi|usgovcloudapi|graph\.microsoft\."
    assert not re.findall(hosts, EVERYTHING)


def test_what_is_alerted_on_is_what_is_logged() -> None:
    """Constant names of our own, fields of the audit record, codes that exist."""
    alerts = SOURCE[INFRA / "modules" / "alerts.bicep"]
    for event in re.findall(r'startswith "(update_profile\.\w+)', alerts):
        assert event in CODE, event
    assert f'startswith "{EVENT}"' in alerts
    assert f"substring(message, {len(EVENT) + 1})" in alerts
    fields = {field.name for field in dataclasses.fields(AuditEvent)}
    assert set(re.findall(r"event\.(\w+)", alerts)) <= fields
    queries = "\n".join(re.findall(r"query: '(.*)'", alerts))
    codes = set(re.findall(r'"([a-z_]+)"', queries))
    assert codes == {"misconfigured", "unexpected", "entra_throttled", "partner_center_throttled"}
    assert all(f'code="{code}"' in CODE for code in codes)


def test_the_queries_of_operations_md_ask_for_fields_that_are_there() -> None:
    """Of the audit record; and every event that it names is logged."""
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    fields = {field.name for field in dataclasses.fields(AuditEvent)}
    assert set(re.findall(r"event\.(\w+)", operations)) == fields
    assert f"substring(message, {len(EVENT) + 1})" in operations
    assert [event for event in re.findall(r"`(update_profile\.\w+)`", operations) if event not in CODE] == []


def test_each_alert_is_explained() -> None:
    """By its name, with what it means and who acts."""
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    alerts = re.findall(r"^    name: '([a-z]+)'$", SOURCE[INFRA / "modules" / "alerts.bicep"], re.MULTILINE)
    assert len(alerts) == 6
    assert [name for name in alerts if f"| `{name}` |" not in operations] == []


def test_azd_finds_the_app_by_its_tag() -> None:
    """The service of azure.yaml, and what its parameter file gives."""
    azure = (ROOT / "azure.yaml").read_text(encoding="utf-8")
    (service,) = re.findall(r"^services:\n  ([\w-]+):$", azure, re.MULTILINE)
    (tag,) = re.findall(r"'azd-service-name': '([^']+)'", EVERYTHING)
    assert service == tag
    parameters = set(json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"])
    declared = re.findall(r"^param (\w+) .+$", SOURCE[MAIN], re.MULTILINE)
    required = set(re.findall(r"^param (\w+) [^=]+$", SOURCE[MAIN], re.MULTILINE))
    assert required == {"environmentName"}
    assert required <= parameters <= set(declared)
    plain = set(re.findall(r"^param (\w+) =", (INFRA / "main.bicepparam").read_text(encoding="utf-8"), re.MULTILINE))
    assert required <= plain <= set(declared)


def test_production_runs_one_python() -> None:
    """The template, the package, CI and the project name the same."""
    (template,) = re.findall(r"^var pythonVersion = '([\d.]+)'", SOURCE[MAIN], re.MULTILINE)
    (ci,) = re.findall(r"^production=([\d.]+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    package = re.findall(
        r'^PYTHON_VERSION = "([\d.]+)"', (ROOT / "scripts" / "package.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [template, ci, *package] == [template] * 3
    assert f'"Programming Language :: Python :: {template}"' in pyproject


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_is_told_and_has_its_snapshot(name: str) -> None:
    """A change shows what it would really deploy."""
    assert f"`{name}`" in (INFRA / "README.md").read_text(encoding="utf-8")
    resources = json.loads((INFRA / "snapshots" / f"{name}.json").read_text(encoding="utf-8"))["predictedResources"]
    kinds = {resource["type"] for resource in resources}
    assert {"Microsoft.Web/sites", "Microsoft.Storage/storageAccounts"} <= kinds
    assert ("Microsoft.Graph/applications@v1.0" in kinds) == ("existingClientId" not in text(VARIANTS[name]))


def test_no_snapshot_is_of_a_variant_that_is_gone() -> None:
    """They go together."""
    assert {path.stem for path in (INFRA / "snapshots").iterdir()} == set(VARIANTS)


def test_files_can_be_read_at_a_glance() -> None:
    """Each module under 200 lines; the whole template names what it makes."""
    lengths = {path.name: path.read_text(encoding="utf-8").count("\n") for path in FILES}
    assert {name for name, lines in lengths.items() if lines > 200 and name != "main.bicep"} == set()
    assert lengths["main.bicep"] <= 300
    for path in FILES:
        assert path.read_text(encoding="utf-8").startswith("//"), path


def test_outputs_are_few_and_named_for_azd() -> None:
    """What a deployment and its next step need."""
    assert {
        "AZURE_FUNCTION_NAME",
        "UPDATE_PROFILE_URL",
        "ENTRA_CLIENT_ID",
        "ENTRA_SCOPE",
        "HOSTING_PLAN",
        "IDENTITY_PRINCIPAL_ID",
        "STORAGE_ACCOUNT_NAME",
        "STORAGE_CONTAINER_NAME",
    } == OUTPUTS
