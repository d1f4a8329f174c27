"""What strangers can run up is bounded, and no audit record is sampled: host.json and the template together."""

import json
import re
from pathlib import Path

import pytest
from bicep_files import VARIANTS, app_settings, deployed, of_kind, properties

from update_profile.errors import Misconfigured
from update_profile.settings import read_settings

ROOT = Path(__file__).parents[2]
HOST = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
LOGGING = HOST["logging"]
FUNCTION_APP = (ROOT / "function_app.py").read_text(encoding="utf-8")
KIND = "Microsoft.Insights/scheduledQueryRules"
each_variant = pytest.mark.parametrize("variant", VARIANTS)


def test_audit_records_are_never_sampled() -> None:
    """They are traces. What any stranger can cause, requests and exceptions of the host, is sampled to one a second."""
    sampling = LOGGING["applicationInsights"]["samplingSettings"]
    assert sampling == {"isEnabled": True, "maxTelemetryItemsPerSecond": 1, "excludedTypes": "Trace"}


@each_variant
def test_open_telemetry_stays_off(variant: str) -> None:
    """It would store records twice, ignore this sampling, and cost half a second of each cold start."""
    assert "telemetryMode" not in HOST
    assert [name for name in app_settings(variant) if "TELEMETRY" in name or name.startswith("OTEL_")] == []


def test_the_host_logs_what_functions_say_and_not_that_they_ran() -> None:
    """Without an entry of its own a function's INFO records, its audit trail, would be dropped with the host's."""
    levels = LOGGING["logLevel"]
    functions = re.findall(r"http_trigger\.(\w+)\)$", FUNCTION_APP, re.MULTILINE)
    assert {"update_profile", "health"} <= set(functions)
    assert levels["Function"] == "Warning"
    assert [name for name in functions if levels.get(f"Function.{name}.User") != "Information"] == []


@each_variant
def test_a_body_is_refused_by_the_host_a_little_above_what_the_function_may_accept(variant: str) -> None:
    """64 KiB above the ceiling of MAX_BODY_BYTES: what is a little too large still gets the function's own answer."""
    limit = int(app_settings(variant)["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"])
    tenant = "11111111-1111-4111-8111-111111111111"
    good = {"ENTRA_CLIENT_ID": tenant, "ENTRA_ALLOWED_TENANTS": tenant, "ENTRA_CLIENT_SECRET": "made-here"}
    assert read_settings(good | {"MAX_BODY_BYTES": str(limit - 65_536)}).max_body_bytes == limit - 65_536
    with pytest.raises(Misconfigured):
        read_settings(good | {"MAX_BODY_BYTES": str(limit - 65_535)})


@each_variant
def test_the_log_has_a_daily_cap_and_is_kept_for_a_year(variant: str) -> None:
    """A deployment may choose no cap."""
    workspace = properties(variant, "Microsoft.OperationalInsights/workspaces")
    assert workspace["workspaceCapping"]["dailyQuotaGb"] == (-1 if variant == "us-government" else 5)
    assert workspace["retentionInDays"] == 365


@each_variant
def test_the_audit_trail_is_stored_once(variant: str) -> None:
    """Resource logs of the function app would store every record a second time; its metrics cost next to nothing."""
    for one in of_kind(deployed(variant), "Microsoft.Insights/diagnosticSettings"):
        if "Microsoft.Web/sites" in one["id"]:
            assert "logs" not in one["properties"]
            break
    else:
        pytest.fail("the function app has no diagnostic setting")


@each_variant
def test_alerts_are_made_before_their_tables_and_last_as_long_as_their_fault(variant: str) -> None:
    """A rule that is checked against tables that do not exist yet would fail the first deployment."""
    rules = {
        rule["properties"]["displayName"].rpartition(" ")[2]: rule["properties"]
        for rule in of_kind(deployed(variant), KIND)
    }
    assert all(rule["skipQueryValidation"] is True for rule in rules.values())
    lasting = {name for name, rule in rules.items() if rule["autoMitigate"] is False}
    assert lasting == {"misconfigured", "credential", "quota"}
    assert all(("muteActionsDuration" in rules[name]) == (name in lasting) for name in rules)
    scopes = {name: rule["scopes"][0].rpartition("Microsoft.")[2] for name, rule in rules.items()}
    assert {name for name, scope in scopes.items() if scope.startswith("OperationalInsights/")} == {"quota"}
