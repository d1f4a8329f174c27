"""apiDefinition.swagger.json: the actions of the connector, in OpenAPI 2.0."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from update_profile.request import VALIDATE_ONLY
from update_profile.request_ids import CORRELATION_ID, REQUEST_ID
from update_profile.support_profile import VALUE_NAMES

from .down_convert import Schema, down_convert, title_of

Object = dict[str, Any]
PATH = "/update_profile"
JSON = "application/json"
DELIVERY_ID = "Idempotency-Key"
OUTCOME = "Update-Outcome"
# The members of a failure that a maker branches on come first and are always shown.
BRANCHED_ON = ("code", "reason", "actor", "retryable")
TITLES = {
    "code": "Error code",
    "reason": "Error reason",
    "actor": "Who must act",
    "retryable": "Retry can help",
    "detail": "Error detail",
}
LEFT_OUT = {"type", "title", "status"}  # repeat the code, or stand in the action's outputs anyway
ABOUT = (
    "Reads, checks, replaces and changes the support profile that a partner's customers see: email, telephone and"
    " website. It acts on behalf of the user who signed in to the connection, and every failure"
    " says who must act and whether a retry can help."
)


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action. ``dry_run`` fixes the query parameter of that name; None leaves it out."""

    name: str
    method: str
    summary: str
    description: str
    dry_run: bool | None = None


ACTIONS = (
    Action(
        name="ReadSupportProfile",
        method="get",
        summary="Read support profile",
        description="Reads the support profile of the signed-in user's partner.",
    ),
    Action(
        name="ReplaceSupportProfile",
        method="put",
        summary="Replace support profile",
        description="Replaces email, telephone and website. All three are required.",
    ),
    Action(
        name="PreviewSupportProfile",
        method="post",
        summary="Preview support profile",
        description="Shows what a replacement would change, makes every check, and writes nothing.",
        dry_run=True,
    ),
    Action(
        name="ChangeSupportProfile",
        method="patch",
        summary="Change support profile",
        description="Changes one or more of email, telephone and website. The others stay as they are stored.",
    ),
)


def definition(description: Mapping[str, Any], *, host: str, login: str, tenant: str) -> Object:
    """Return the definition.

    Args:
        description: The description of the API.
        host: The host name of the function.
        login: The address of Entra ID, without a trailing slash.
        tenant: The tenant whose users sign in; ``common`` for any.
    """
    operations = description["paths"][PATH]
    authority = f"{login}/{tenant}/oauth2"
    return {
        "swagger": "2.0",
        "info": {
            "title": "Support Profile Update",
            "description": ABOUT,
            "version": description["info"]["version"],
            "contact": {"name": "Operator of the function", "url": f"https://{host}/api/health"},
        },
        "host": host,
        "basePath": description["servers"][0]["url"],
        "schemes": ["https"],
        "consumes": [JSON],
        "produces": [JSON],
        "paths": {
            PATH: {
                action.method: _operation(action, operations[action.method], description["components"])
                for action in ACTIONS
            }
        },
        "definitions": {},
        "parameters": {},
        "responses": {},
        "securityDefinitions": {
            "oauth2-auth": {
                "type": "oauth2",
                "flow": "accessCode",
                "authorizationUrl": f"{authority}/authorize",
                "tokenUrl": f"{authority}/token",
                "scopes": {},
            }
        },
        "security": [{"oauth2-auth": []}],
        "tags": [],
        "x-ms-connector-metadata": [
            {
                "propertyName": "Website",
                "propertyValue": "https://learn.microsoft.com/partner-center/developer/update-support-profile",
            },
            {"propertyName": "Privacy policy", "propertyValue": "https://privacy.microsoft.com/privacystatement"},
            {"propertyName": "Categories", "propertyValue": "IT Operations"},
        ],
    }


def _operation(action: Action, operation: Mapping[str, Any], components: Mapping[str, Any]) -> Object:
    return {
        "operationId": action.name,
        "summary": action.summary,
        "description": action.description,
        "x-ms-visibility": "important",
        "parameters": [
            *([_dry_run(components)] if action.dry_run else []),
            *(_body(operation["requestBody"], components) if "requestBody" in operation else ()),
            *(_header(name, components) for name in (DELIVERY_ID, CORRELATION_ID, REQUEST_ID)),
        ],
        "responses": _responses(action, operation["responses"], components),
    }


def _dry_run(components: Mapping[str, Any]) -> Object:
    return {
        "name": VALIDATE_ONLY,
        "in": "query",
        "description": components["parameters"][VALIDATE_ONLY]["description"],
        "required": True,
        "type": "boolean",
        "default": True,
        "x-ms-summary": "Validate only",
        "x-ms-visibility": "internal",
    }


def _body(body: Mapping[str, Any], components: Mapping[str, Any]) -> list[Object]:
    schema = down_convert(body["content"][JSON]["schema"], components["schemas"])
    members = schema["properties"]
    for name in [name for name, member in members.items() if member["type"] == "object"]:
        del members[name]  # neither examined nor sent: nothing to fill in
    for name, member in members.items():
        member["x-ms-visibility"] = "important" if name in VALUE_NAMES else "advanced"
    return [{"name": "body", "in": "body", "required": True, "x-ms-summary": "Profile", "schema": schema}]


def _header(name: str, components: Mapping[str, Any]) -> Object:
    parameter = components["parameters"][name]
    return {
        "name": name,
        "in": "header",
        "description": parameter["description"],
        "required": False,
        "type": "string",
        "x-ms-summary": title_of(name.removeprefix("MS-")),
        "x-ms-visibility": "advanced",
    }


def _responses(action: Action, responses: Mapping[str, Any], components: Mapping[str, Any]) -> Object:
    """Describe each status. Only 200 has a schema, as the certification rules ask; it has a failure's members too.

    A flow keeps the body of a failed action, and offers the members of the schema of 200 as dynamic content. So the
    steps that run after a failure can branch on them without an expression.
    """
    schemas = components["schemas"]
    shown = schemas["DryRun" if action.dry_run else "StoredProfile"]
    members = {**down_convert(shown, schemas)["properties"], **_failure(schemas)}
    described: Object = {
        status: {"description": _text(components["responses"][response["$ref"].rpartition("/")[2]])}
        for status, response in sorted(responses.items())
        if status.isdecimal()
    }
    described["200"]["schema"] = {"type": "object", "properties": members}
    if not action.dry_run and action.method != "get":
        described["200"]["headers"] = {OUTCOME: _answer_header(components["headers"][OUTCOME])}
    return {**described, "default": {"description": "Any other failure."}}


def _answer_header(header: Mapping[str, Any]) -> Object:
    schema = header["schema"]
    return {"type": schema["type"], "enum": schema["enum"], "description": header["description"]}


def _text(response: Mapping[str, Any]) -> str:
    return str(response["description"]).replace("- `", "`").replace("\n", " ")


def _failure(schemas: Mapping[str, Schema]) -> Object:
    members: Object = down_convert(schemas["Problem"], schemas)["properties"]
    ordered = [*BRANCHED_ON, *(name for name in members if name not in (*BRANCHED_ON, *LEFT_OUT))]
    for name in ordered:
        member = members[name]
        member["x-ms-summary"] = TITLES.get(name, title_of(name))
        member["description"] = f"Only in a failure. {member.get('description', '')}".strip()
        member["x-ms-visibility"] = "important" if name in BRANCHED_ON else "advanced"
    return {name: members[name] for name in ordered}
