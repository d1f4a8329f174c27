"""The connector's actions as Power Platform makes them of its files, against the function."""

from typing import Any
from urllib.parse import urlencode

import pytest
from builders import EXAMPLE
from connector_files import DEFINITION, PROPERTIES, operations, schema_of
from jsonschema import Draft4Validator
from live_function import Answered, LiveFunction

from sandbox import Answer
from sandbox.entra import errors as entra

ACTIONS = {operation["operationId"]: (path, method, operation) for path, method, operation in operations()}
WRITES = [name for name in ACTIONS if name != "ReadSupportProfile"]
ADDED_HEADERS = [
    (policy["parameters"]["x-ms-apimTemplateParameter.name"], policy["parameters"]["x-ms-apimTemplateParameter.value"])
    for policy in PROPERTIES["properties"]["policyTemplateInstances"]
]


async def run(live: LiveFunction, name: str, profile: dict[str, Any] | None = None, **call: Any) -> Answered:
    """Make the call of an action, with the defaults of its parameters and the headers that policies add."""
    path, method, operation = ACTIONS[name]
    defaults = {one["name"]: one["default"] for one in operation["parameters"] if "default" in one}
    query = f"?{urlencode(defaults)}" if defaults else ""
    takes_body = any(parameter["in"] == "body" for parameter in operation["parameters"])
    body = {"profile": profile or EXAMPLE} if takes_body else {"body": b""}
    target = f"{DEFINITION['basePath']}{path}{query}"
    return await live.call(method=method.upper(), target=target, headers=ADDED_HEADERS, **body, **call)


def assert_readable(answered: Answered, name: str) -> None:
    """Assert that a flow can read every member of an answer but those that the action leaves out."""
    shown = {member: value for member, value in answered.json.items() if member not in ("type", "title", "status")}
    shown.pop("validateOnly", None)
    schema = schema_of(ACTIONS[name][2])
    assert answered.headers["content-type"] == "application/json"
    assert not [error.message for error in Draft4Validator(schema).iter_errors(shown)]


@pytest.mark.parametrize("name", ACTIONS)
async def test_an_action_succeeds_and_its_answer_is_what_its_schema_says(live: LiveFunction, name: str) -> None:
    answered = await run(live, name)
    assert answered.status == 200
    properties = schema_of(ACTIONS[name][2])["properties"]
    assert answered.json.keys() <= properties.keys()
    assert answered.json["email" if name != "PreviewSupportProfile" else "changes"]


async def test_the_preview_writes_nothing_and_the_replacement_writes(live: LiveFunction) -> None:
    """Both send the same body; only the internal parameter differs."""
    preview = await run(live, "PreviewSupportProfile")
    assert [change["field"] for change in preview.json["changes"]] == ["Email", "Telephone", "Website"]
    assert not live.puts
    await run(live, "ReplaceSupportProfile")
    assert len(live.puts) == 1


@pytest.mark.parametrize("name", ["ReplaceSupportProfile", "ChangeSupportProfile"])
async def test_a_value_that_partner_center_stored_differently_is_in_a_header_of_the_definition(
    live: LiveFunction, name: str
) -> None:
    stored = {**{member.lower(): value for member, value in EXAMPLE.items()}, "telephone": "+1 425 555 5555"}
    live.sandbox.partner_center.script(Answer.json(stored), method="PUT")
    answered = await run(live, name)
    described = ACTIONS[name][2]["responses"]["200"]["headers"]["Update-Outcome"]
    assert answered.status == 200
    assert answered.headers["update-outcome"] == "differs"
    assert "differs" in described["enum"]


@pytest.mark.parametrize("name", WRITES)
async def test_a_refused_value_can_be_branched_on(live: LiveFunction, name: str) -> None:
    answered = await run(live, name, {**EXAMPLE, "Email": "email.sample.com"})
    assert (answered.status, answered.code, answered.json["actor"]) == (422, "invalid_profile", "caller")
    assert_readable(answered, name)


@pytest.mark.parametrize("name", ACTIONS)
async def test_a_refusal_of_entra_can_be_branched_on(live: LiveFunction, name: str) -> None:
    """The four members say what a flow does next: here, a user signs in to the connection again."""
    live.sandbox.entra.script(entra.interaction_required())
    answered = await run(live, name)
    told = {member: answered.json[member] for member in ("code", "reason", "actor", "retryable")}
    assert told == {"code": "interaction_required", "reason": "claims", "actor": "user", "retryable": False}
    assert_readable(answered, name)
