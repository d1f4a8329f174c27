"""The schemas: pydantic's, with the limits of the code and the texts of docs/api.md."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from update_profile import documents, field_rules, response
from update_profile.errors import ConsentRequired
from update_profile.formats import GUID
from update_profile.partner_center import answer
from update_profile.partner_center.answer import Outcome
from update_profile.support_profile import VALUE_NAMES, SupportProfile

from . import failures, pages
from .exchanges import PROFILE

Schema = dict[str, Any]
REF = "#/components/schemas/"
GUID_SCHEMA: Schema = {"type": "string", "format": "uuid", "pattern": f"^{GUID.pattern}$"}
LENGTHS = {
    "Email": field_rules.EMAIL_LENGTH,
    "Telephone": field_rules.TELEPHONE_LENGTH,
    "Website": field_rules.WEBSITE_LENGTH,
}
# What every accepted value has. The rules of field_rules.py are stricter: JSON Schema has no words for some of them.
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
PATTERNS = {
    "Email": rf"^[^@\s{_CONTROL}]+@[^@\s{_CONTROL}]+$",
    "Telephone": rf"^[^\s{_CONTROL}]([^{_CONTROL}]*[^\s{_CONTROL}])?$",
    "Website": rf"^[^\s{_CONTROL}]+$",
}
OUTCOMES = get_args(Outcome)


def components() -> dict[str, Schema]:
    """Return the schemas by name."""
    profile = _of(SupportProfile, "validation")
    definitions: dict[str, Schema] = {}
    for model in (documents.Problem, documents.DryRun, documents.Health):
        schema = _of(model, "serialization")
        definitions |= schema.pop("$defs", {})
        definitions[model.__name__] = schema
    definitions["Problem"] = _problem(definitions["Problem"])
    definitions["FieldError"]["properties"]["field"]["maxLength"] = response.MAX_FIELD_NAME_LENGTH
    upstream = definitions["UpstreamFault"]["properties"]
    upstream["description"]["anyOf"][0]["maxLength"] = answer.MAX_DESCRIPTION_LENGTH
    upstream["code"]["anyOf"][0]["maxLength"] = answer.MAX_CODE_LENGTH
    return {
        "SupportProfile": _request(profile, required=True),
        "SupportProfileChanges": _request(profile, required=False),
        "StoredProfile": _stored(definitions["DryRun"]),
        **{name: _tidy(schema) for name, schema in sorted(definitions.items())},
    }


def _of(model: Any, mode: JsonSchemaMode) -> Schema:  # noqa: ANN401 - whatever pydantic can describe
    return TypeAdapter(model).json_schema(mode=mode, ref_template=REF + "{model}")


def _tidy(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Leave out the titles that pydantic makes of names, and the default None of a member that may be absent."""
    if isinstance(schema, list):
        return [_tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: part for name, part in schema.items() if not (name == "title" and isinstance(part, str))}
    if kept.get("default", "") is None:
        del kept["default"]
    if "description" in kept and isinstance(kept["description"], str):
        kept["description"] = kept["description"].replace("``", "`").partition("\n\n")[0].replace("\n", " ")
    return {name: _tidy(part) for name, part in kept.items()}


def _request(profile: Schema, *, required: bool) -> Schema:
    texts = {row[0]: row[3] for row in pages.rows("member") if len(row) == 4 and row[0] in profile["properties"]}
    schema: Schema = _tidy(profile)
    for name, member in schema["properties"].items():
        member["description"] = f"Accepted: {texts[name]}."
        if name in VALUE_NAMES:
            member |= {"minLength": 1, "maxLength": LENGTHS[name], "pattern": PATTERNS[name]}
            member["examples"] = [PROFILE[name]]
    if not required:
        del schema["required"]
        schema["description"] = "A JSON merge patch (RFC 7396). Absent members stay as they are stored."
    return schema


def _stored(dry_run: Schema) -> Schema:
    """Describe what is relayed of Partner Center: only the three values are read, and numbers are taken for texts."""
    texts = {name.lower(): {"type": ["string", "integer", "null"]} for name in VALUE_NAMES}
    return {
        "type": "object",
        "description": "The profile as Partner Center sends it. A value that is not set is absent.",
        "properties": {
            **texts,
            **{name: {"description": "As Partner Center sends it."} for name in ("profileType", "attributes", "links")},
        },
        "not": {"required": dry_run["required"], "properties": {"validateOnly": {"const": True}}},
    }


def _problem(schema: Schema) -> Schema:
    texts = {name: _cell(row) for row in pages.rows("member") for name in row[0].split(", ") if len(row) == 4}
    members: dict[str, Schema] = schema["properties"]
    codes = {kind.code: kind for kind in failures.classes()}
    members["type"]["format"] = "uri"
    members["code"]["enum"] = list(codes)
    members["detail"]["minLength"] = 1
    members["reason"]["enum"] = list(dict.fromkeys(reason for kind in codes.values() for reason in kind.reasons))
    members["correlationId"] |= GUID_SCHEMA
    members["requestId"] |= GUID_SCHEMA
    members["errors"]["maxItems"] = response.MAX_FIELD_ERRORS
    members["errorsOmitted"]["minimum"] = 1
    members["retryable"]["type"] = "boolean"
    for name, member in members.items():
        if "$ref" not in member:
            member["description"] = texts[name]
    return {**schema, "allOf": [_case(code) for code in codes]}


def _cell(row: list[str]) -> str:
    """Join the cells that say when a member is present and what it means."""
    return pages.sentence(row[3]) + ("" if row[2] == "always" else f" Present: {row[2]}.")


def _case(code: str) -> Schema:
    """Say what else is known of a problem with this code."""
    seen = [failure for failure in (*failures.of_calls(), *failures.of_health()) if failure.code == code]
    kind = type(seen[0].error)
    then: Schema = {
        "properties": {
            "type": {"const": response.PROBLEM_TYPE + code},
            "title": {"const": seen[0].error.title},
            "status": _one_of({failure.reply.status for failure in seen}),
            "actor": _one_of({failure.error.actor for failure in seen}),
            "retryable": _one_of({failure.error.retryable for failure in seen}),
        }
    }
    if kind.reasons:
        then["properties"]["reason"] = {"enum": list(kind.reasons)}
    never = [name for name, kinds in failures.EVIDENCE.items() if not issubclass(kind, kinds)]
    then["properties"] |= dict.fromkeys(never if kind.reasons else ["reason", *never], False)
    always = [*(["reason"] if kind.reasons else []), *(["consentUri"] if kind is ConsentRequired else [])]
    if always:
        then["required"] = always
    return {"if": {"properties": {"code": {"const": code}}, "required": ["code"]}, "then": then}


def _one_of(values: set[Any]) -> Schema:
    if len(values) == 1:
        return {"const": values.pop()}
    if len(values) > 20:  # every status of a class of statuses
        return {"minimum": min(values), "maximum": max(values)}
    return {"enum": sorted(values)}


def for_failures(seen: list[failures.Failure]) -> Mapping[str, Any]:
    """Return the schema of a problem that is one of these failures."""
    codes = list(dict.fromkeys(failure.code for failure in seen))
    members = {
        "status": _one_of({failure.reply.status for failure in seen}),
        "code": {"enum": codes},
        "actor": _one_of({failure.error.actor for failure in seen}),
        "retryable": _one_of({failure.error.retryable for failure in seen}),
    }
    return {"$ref": f"{REF}Problem", "properties": members}
