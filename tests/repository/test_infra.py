"""The template agrees with the code. No compiler is needed here; test_infra_snapshots.py uses one if available."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from bicep_files import FILES, INFRA, MAIN, SNAPSHOTS, VARIANTS, alert_queries, block, deployed, names, of_kind, text
from errors_raised import RAISED

from update_profile.call import AUDIT_EVENT_NAME, AuditEvent
from update_profile.clouds import CLOUDS
from update_profile.settings import NAMES

ROOT = Path(__file__).parents[2]
SOURCE = {path: text(path) for path in FILES}
EVERYTHING = "\n".join(SOURCE.values())
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "update_profile").rglob("*.py")))
SETTINGS = SOURCE[INFRA / "modules" / "settings.bicep"]
SHARED = SOURCE[INFRA / "modules" / "shared.bicep"]
# What the platform and the Functions host read.
PLATFORM = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
    "FUNCTIONS_WORKER_RUNTIME",
    "WEBSITE_LOAD_CERTIFICATES",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
}
OUTPUTS = set(re.findall(r"^output (\w+)", SOURCE[MAIN], re.MULTILINE))


def test_the_template_sets_every_setting_of_the_code_and_no_other() -> None:
    """Some are set under a condition; the platform's own settings are listed separately."""
    assert names(SETTINGS) - PLATFORM == set(NAMES)
    assert names(SETTINGS) >= PLATFORM


def test_settings_that_are_set_under_a_condition_are_documented() -> None:
    """infra/README.md lists the settings that the default deployment does not set."""
    told = (INFRA / "README.md").read_text(encoding="utf-8").partition("Every setting of the function is set, but")[2]
    (settings,) = of_kind(deployed("flex-consumption"), "Microsoft.Web/sites/config", named="/appsettings")
    optional = set(NAMES) - set(settings["properties"])
    assert set(re.findall(r"`([A-Z_]+)`", told.partition("\n\n")[0])) == optional


def test_settings_that_may_differ_are_settings() -> None:
    """The type of otherSettings names only settings of the code, and the template uses each of them."""
    other = names(block(SHARED, "type OtherSettings"))
    assert other < set(NAMES)
    assert other == set(re.findall(r"otherSettings\.\??(\w+)", EVERYTHING))


def test_defaults_in_the_template_are_the_documented_ones() -> None:
    """A blank value in the template stands for the code's own default."""
    example = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    given = dict(re.findall(r"otherSettings\.\?(\w+) \?\? '([^']*)'", EVERYTHING))
    assert len(given) > 5
    for name, value in given.items():
        assert value in ("", example[name]), name


def test_the_clouds_are_those_of_the_code() -> None:
    """The German cloud is closed, so it is not an allowed value."""
    table = dict(re.findall(r"(\w+): \{ azure: '\w+', federatedAudience: '([^']+)' \}", SHARED))
    live = {name: cloud.federated_audience for name, cloud in CLOUDS.items() if cloud.closed is None}
    assert table == live
    (allowed,) = re.findall(r"^param cloud (.+?) = ", SOURCE[MAIN], re.MULTILINE)
    assert re.findall(r"'(\w+)'", allowed) == list(live)


def test_an_administrator_is_told_the_issuer_and_audience_of_the_code() -> None:
    """A federated credential that is made by hand with other values would not be trusted."""
    page = (INFRA / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(https://[^`]+)` \| `(api://[^`]+)` \|$", page, re.MULTILINE)
    live = {name: cloud for name, cloud in CLOUDS.items() if cloud.closed is None}
    assert rows == [(name, cloud.authority_host, cloud.federated_audience) for name, cloud in live.items()]


def test_no_key_is_read_and_no_secret_put_out() -> None:
    """There is no list*() call, no secret in an output, no any(), and no host name of a single cloud."""
    assert not re.findall(r"\blist\w*\(|\bany\(", EVERYTHING)
    told = re.findall(r"^output (\w+) \w+ = (.+)$", EVERYTHING, re.MULTILINE)
    assert len(told) > 10
    assert not [pair for pair in told if re.search(r"(?i)secret|password|connectionstring|key", " ".join(pair))]
    hosts = r"microsoftonline\.|windows\.net|azure\.com|azurewebsites|chinacloudapi|usgovcloudapi|graph\.microsoft\."
    assert not re.findall(hosts, EVERYTHING)


def test_what_is_alerted_on_is_what_is_logged() -> None:
    """Alerts use only events that are logged, fields of the audit record, and codes that exist."""
    alerts = SOURCE[INFRA / "modules" / "alerts.bicep"]
    for event in re.findall(r'startswith "(update_profile\.\w+)', alerts):
        assert event in CODE, event
    assert f'startswith "{AUDIT_EVENT_NAME}"' in alerts
    assert set(re.findall(r"substring\(message, (\d+)\)", alerts)) == {str(len(AUDIT_EVENT_NAME) + 1)}
    fields = {field.name for field in dataclasses.fields(AuditEvent)}
    assert set(re.findall(r"event\.(\w+)", alerts)) <= fields
    queries = "\n".join(re.findall(r"query: '(.*)'", alerts))
    writes = {"post", "put", "patch", "true", "ok"}
    codes = set(re.findall(r'"([a-z_]+)"', queries)) - writes
    reasons = {"credential", "identity_endpoint", "application_missing"}
    assert codes - reasons == {
        "misconfigured",
        "unexpected",
        "entra_throttled",
        "partner_center_throttled",
        "partner_center_timeout",
    }
    assert reasons < codes
    assert all(f'code="{code}"' in CODE for code in codes - reasons)
    assert all(any(reason in kind.reasons for kind in RAISED) for reason in reasons)


def test_the_queries_of_operations_md_ask_for_fields_that_are_there() -> None:
    """The queries use the fields of the audit record, and every event that the page names is logged."""
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    fields = {field.name for field in dataclasses.fields(AuditEvent)}
    assert set(re.findall(r"event\.(\w+)", operations)) == fields
    assert f"substring(message, {len(AUDIT_EVENT_NAME) + 1})" in operations
    named = set(re.findall(r"`(update_profile\.\w+)`", operations))
    assert named == {event for event in re.findall(r'"(update_profile\.\w+)', CODE) if event != "update_profile."}


def test_each_alert_is_explained() -> None:
    """docs/operations.md has a table row for the name of every alert."""
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    alerts = re.findall(r"^    name: '([a-z]+)'$", SOURCE[INFRA / "modules" / "alerts.bicep"], re.MULTILINE)
    assert len(alerts) == 10
    assert [name for name in alerts if f"| `{name}` |" not in operations] == []


def test_the_query_of_each_alert_can_be_copied_from_operations_md() -> None:
    """At night, nobody looks for it in the template. The page has the query after its own definition of ``calls``."""
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^// (\w+)\n(.+)$", operations, re.MULTILINE))
    assert told == alert_queries(completed="calls")


def test_azd_finds_the_app_by_its_tag() -> None:
    """The service name in azure.yaml equals the azd-service-name tag in the template."""
    azure = (ROOT / "azure.yaml").read_text(encoding="utf-8")
    (service,) = re.findall(r"^services:\n  ([\w-]+):$", azure, re.MULTILINE)
    (tag,) = re.findall(r"'azd-service-name': '([^']+)'", EVERYTHING)
    assert service == tag


def test_the_parameter_file_gives_what_has_no_default() -> None:
    """azd and the plain CLI read the same file. Each name in it is a parameter of the template."""
    declared = dict(re.findall(r"^param (\w+) (.+)$", SOURCE[MAIN], re.MULTILINE))
    given = re.findall(
        r"^param (\w+) = readEnvironmentVariable\('(\w+)', '.*'\)$",
        (INFRA / "main.bicepparam").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert {name for name, rest in declared.items() if "=" not in rest} <= {name for name, _ in given}
    assert {name for name, _ in given} <= set(declared)
    assert ("environmentName", "AZURE_ENV_NAME") in given
    assert not (INFRA / "main.parameters.json").exists()  # azd prefers main.bicepparam: the other file would be dead


def test_the_deployment_from_github_hands_on_what_the_parameters_read() -> None:
    """A variable that the workflow does not pass could not be set in a deployment from GitHub."""
    workflow = (ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    read = re.findall(r"readEnvironmentVariable\('(\w+)'", (INFRA / "main.bicepparam").read_text(encoding="utf-8"))
    passed = set(re.findall(r"^ +([A-Z_]+): \S", workflow, re.MULTILINE))
    assert set(read) - passed == set()


def test_production_runs_one_python() -> None:
    """The template, the package, CI and the project name the same version."""
    (template,) = re.findall(r"^var pythonVersion = '([\d.]+)'", EVERYTHING, re.MULTILINE)
    (ci,) = re.findall(r"^production=([\d.]+)$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    package = re.findall(
        r'^PYTHON_VERSION = "([\d.]+)"', (ROOT / "scripts" / "package.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [template, ci, *package] == [template] * 3
    assert f'"Programming Language :: Python :: {template}"' in pyproject


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_is_told_and_has_its_snapshot(name: str) -> None:
    """The snapshot shows in a review what a change would deploy."""
    assert f"`{name}`" in (INFRA / "README.md").read_text(encoding="utf-8")
    kinds = {resource["type"] for resource in deployed(name)}
    assert {"Microsoft.Web/sites", "Microsoft.Storage/storageAccounts"} <= kinds
    assert ("Microsoft.Graph/applications@v1.0" in kinds) == ("existingClientId" not in text(VARIANTS[name]))


def test_no_snapshot_is_of_a_variant_that_is_gone() -> None:
    """Each snapshot has the name of an existing variant."""
    assert {path.stem for path in SNAPSHOTS.iterdir()} == set(VARIANTS)


def test_files_can_be_read_at_a_glance() -> None:
    """A file has at most 250 lines and starts with a comment that says what it creates."""
    assert [path.name for path in FILES if path.read_text(encoding="utf-8").count("\n") > 250] == []
    for path in FILES:
        assert path.read_text(encoding="utf-8").startswith("//"), path


def test_outputs_are_few_and_named_for_azd() -> None:
    """The outputs are those that a deployment and its next step need."""
    assert {
        "APPROVAL_URL",
        "AZURE_FUNCTION_NAME",
        "UPDATE_PROFILE_URL",
        "ENTRA_CLIENT_ID",
        "ENTRA_SCOPE",
        "HOSTING_PLAN",
        "IDENTITY_PRINCIPAL_ID",
        "STORAGE_ACCOUNT_NAME",
    } == OUTPUTS
