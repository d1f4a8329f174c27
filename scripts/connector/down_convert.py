"""Schemas of OpenAPI 3.1 -> schemas of OpenAPI 2.0 as Power Platform reads them.

Power Platform ignores allOf and oneOf, and knows null only as `x-nullable`. What 2.0 has no words for is left out: a
connector describes, and the function checks.
"""

import re
from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]
# Members that are taken as they are (OpenAPI 2.0, "Schema Object").
KEPT = {"type", "format", "description", "enum", "minimum", "maximum", "minLength", "maxLength", "maxItems", "required"}
FORMATS = {"uri", "uuid"}
ACRONYMS = {"id": "ID", "uri": "URI", "mfa": "MFA"}


def title_of(name: str) -> str:
    """Return a name as a title: `correlationId` is `Correlation ID`."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)
    return " ".join(ACRONYMS.get(word.lower(), word.capitalize()) for word in words)


def down_convert(schema: Mapping[str, Any], components: Mapping[str, Schema], name: str = "") -> Schema:
    """Return a schema without references, unions, conditions and patterns.

    Args:
        schema: The schema of OpenAPI 3.1.
        components: What its references name.
        name: The member that it describes, of which its title is made; "" for none.
    """
    schema, nullable = _without_null(_resolved(schema, components))
    converted: Schema = {"x-ms-summary": title_of(name)} if name else {}
    converted |= {key: value for key, value in schema.items() if key in KEPT}
    if converted.get("format") not in FORMATS:
        converted.pop("format", None)
    if "const" in schema:
        converted["enum"] = [schema["const"]]
    if schema.get("examples"):
        converted["example"] = schema["examples"][0]
    if nullable:
        converted["x-nullable"] = True
    if "items" in schema:
        converted["items"] = down_convert(schema["items"], components)
    if "properties" in schema:
        members = schema["properties"].items()
        converted["properties"] = {key: down_convert(member, components, key) for key, member in members}
    return converted


def _resolved(schema: Mapping[str, Any], components: Mapping[str, Schema]) -> Schema:
    if "$ref" not in schema:
        return dict(schema)
    return {**components[schema["$ref"].rpartition("/")[2]], **{key: schema[key] for key in schema if key != "$ref"}}


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    """Return the schema of what is not null, and whether null is allowed as well. The first of several types counts."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        kind = next(kind for kind in kinds if kind != "null")
        return {**schema, "type": kind}, "null" in kinds
    if "anyOf" in schema:
        (one,) = (part for part in schema["anyOf"] if part.get("type") != "null")
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**one, **rest}, len(schema["anyOf"]) > 1
    return schema, False
