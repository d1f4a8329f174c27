"""The Power Platform connector: generated, valid, and what a maker can use."""

import json
import re
import struct
import zlib
from typing import Any, get_args

import pytest
from connector_files import DEFINITION, FOLDER, PROPERTIES, operations, parts, published, schema_of
from jsonschema import Draft4Validator, Draft7Validator

from scripts.connector import __main__ as connector
from scripts.connector.down_convert import down_convert, title_of
from update_profile.description import FILE
from update_profile.errors import Actor

DESCRIPTION: dict[str, Any] = json.loads(FILE.read_bytes())
EXAMPLES = {
    name: example["value"]
    for response in DESCRIPTION["components"]["responses"].values()
    for content in response.get("content", {}).values()
    for name, example in content.get("examples", {}).items()
}
# What Microsoft's schema of 2024 refuses and Power Platform uses: published connectors have it too.
TOLERATED = {"$.properties.connectionParameters.token.oAuthSettings.redirectMode": "GlobalPerConnector"}
MIME_TYPES = {"application/json", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"}
OPERATIONS = {operation["operationId"]: operation for _, _, operation in operations()}


def test_the_files_are_what_the_description_says() -> None:
    """Generated again with the defaults, each is the same byte for byte."""
    generated = connector.files(
        host=connector.HOST,
        client=connector.GUID,
        resource=f"api://{connector.GUID}",
        login=connector.LOGIN,
        tenant="common",
    )
    assert {path.name for path in FOLDER.iterdir()} == {*generated, "README.md"}
    for name, content in generated.items():
        assert (FOLDER / name).read_bytes() == content, f"run `make connector`: {name}"


def test_the_names_of_a_deployment_stand_where_they_belong() -> None:
    """Nothing of the placeholders is left."""
    given = {"host": "f.example", "client": "client-1", "resource": "api://f", "login": "https://l", "tenant": "t-1"}
    made = connector.files(**given)
    definition, settings = (json.loads(made[name]) for name in ("apiDefinition.swagger.json", "apiProperties.json"))
    token = settings["properties"]["connectionParameters"]["token"]["oAuthSettings"]
    assert (definition["host"], token["clientId"]) == ("f.example", "client-1")
    assert token["customParameters"] == {
        "loginUri": {"value": "https://l"},
        "tenantId": {"value": "t-1"},
        "resourceUri": {"value": "api://f"},
    }
    assert definition["securityDefinitions"]["oauth2-auth"]["tokenUrl"] == "https://l/t-1/oauth2/token"
    for placeholder in (connector.HOST, connector.GUID, "common/"):
        assert placeholder.encode() not in b"".join(made.values())


def test_the_definition_is_valid_by_microsofts_schema() -> None:
    validator = Draft4Validator(published("apiDefinition.swagger.schema.json"))
    assert not [error.message for error in validator.iter_errors(DEFINITION)]
    assert list(validator.iter_errors({**DEFINITION, "openapi": "3.1.0"}))


def leaves(error: Any) -> list[Any]:
    """Return the errors at the bottom of an error."""
    return [leaf for cause in error.context for leaf in leaves(cause)] if error.context else [error]


def test_the_properties_are_valid_by_microsofts_schema_but_for_what_is_tolerated() -> None:
    """With the tolerated values replaced, nothing is left; without that, each of them is named."""
    validator = Draft7Validator(published("paconn-apiProperties.schema.json"))
    found = {leaf.json_path: leaf.instance for error in validator.iter_errors(PROPERTIES) for leaf in leaves(error)}
    assert TOLERATED.items() <= found.items()
    strict = json.loads(json.dumps(PROPERTIES).replace('"GlobalPerConnector"', '"Global"'))
    assert not [error.message for error in validator.iter_errors(strict)]
    del strict["properties"]["iconBrandColor"]
    assert list(validator.iter_errors(strict))


def test_the_definition_keeps_the_rules_of_certification_for_the_whole() -> None:
    """Source: learn.microsoft.com/connectors, certification-swagger-validator-rules and connector-string-guidance."""
    info = DEFINITION["info"]
    assert DEFINITION["swagger"] == "2.0"
    assert len(info["title"]) <= 30
    assert 30 <= len(info["description"]) <= 500
    for text in (info["title"], info["description"]):
        assert not re.search(r"\b(api|connector|power (platform|automate|apps)|copilot|logic apps)\b", text.lower())
    assert {*DEFINITION["consumes"], *DEFINITION["produces"]} <= MIME_TYPES
    assert re.fullmatch(r"[a-z0-9.-]+", DEFINITION["host"])
    metadata = {entry["propertyName"]: entry["propertyValue"] for entry in DEFINITION["x-ms-connector-metadata"]}
    assert {*metadata} == {"Website", "Privacy policy", "Categories"}
    assert all(metadata.values())


def test_references_types_and_formats_are_what_power_platform_reads() -> None:
    """It ignores unions and conditions, and a `$ref` may have no neighbours."""
    for part in parts(DEFINITION["paths"]):
        assert not part.keys() & {"$ref", "allOf", "anyOf", "oneOf", "if", "const", "pattern", "nullable"}
        assert part.get("format", "uri") in ("uri", "uuid")
        assert isinstance(part.get("type", ""), str | dict)
        assert part.get("name") != "connectionId"


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_action_keeps_the_rules_of_certification(name: str) -> None:
    """Names, texts, visibility, and one response with a schema, on 200; `default` has none."""
    operation = OPERATIONS[name]
    assert re.fullmatch(r"([A-Z][a-z]+)+", name)
    assert len(operation["summary"]) <= 80
    assert re.fullmatch(r"[A-Z][a-z ]+[a-z]", operation["summary"])
    assert operation["description"].endswith(".")
    with_schema = [status for status, response in operation["responses"].items() if "schema" in response]
    assert with_schema == ["200"]
    assert "default" in operation["responses"]
    for parameter in operation["parameters"]:
        assert re.fullmatch(r"[A-Z].{0,78}[A-Za-z]", parameter["x-ms-summary"])
        assert parameter["in"] == "body" or parameter["description"].endswith(".")
        if parameter.get("x-ms-visibility") == "internal":
            assert parameter["required"]
            assert "default" in parameter
        assert not (parameter.get("required") and parameter.get("x-ms-visibility") == "advanced")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_write_and_nothing_else_names_the_header_that_remarks_on_it(name: str) -> None:
    """Power Platform's maker finds it in the definition, with both of its values."""
    headers = OPERATIONS[name]["responses"]["200"].get("headers", {})
    if name in ("ReplaceSupportProfile", "ChangeSupportProfile"):
        assert headers["Update-Outcome"]["enum"] == ["confirmed-by-read", "differs"]
    else:
        assert not headers


def test_operation_ids_occur_once() -> None:
    assert len(OPERATIONS) == len(list(operations())) == 4


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_maker_can_branch_on_a_failure_without_an_expression(name: str) -> None:
    """The four members are dynamic content that is always shown, with the values that the function sends."""
    members = schema_of(OPERATIONS[name])["properties"]
    shown = [member for member, schema in members.items() if schema.get("x-ms-visibility") == "important"]
    assert shown == ["code", "reason", "actor", "retryable"]
    assert members["actor"]["enum"] == list(get_args(Actor))
    assert members["retryable"]["type"] == "boolean"
    problem = DESCRIPTION["components"]["schemas"]["Problem"]["properties"]
    assert members["code"]["enum"] == problem["code"]["enum"]
    assert members["reason"]["enum"] == problem["reason"]["enum"]


@pytest.mark.parametrize("example", [name for name, value in EXAMPLES.items() if "code" in value])
def test_what_a_flow_reads_of_a_failure_is_what_was_sent(example: str) -> None:
    """Every failure of the description's real exchanges fits the schema of each action."""
    left_out = ("type", "title", "status")
    failure = {name: value for name, value in EXAMPLES[example].items() if name not in left_out}
    for operation in OPERATIONS.values():
        assert not [error.message for error in Draft4Validator(schema_of(operation)).iter_errors(failure)]


def test_the_icon_is_square_and_has_the_brand_colour_behind_it() -> None:
    """Certification wants 100 to 230 pixels, neither #007ee5 nor #ffffff, and no transparency."""
    data = (FOLDER / "icon.png").read_bytes()
    chunks, place = {}, 8
    while place < len(data):
        (length,), kind = struct.unpack_from(">I", data, place), data[place + 4 : place + 8]
        chunks[kind] = data[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length) == (zlib.crc32(kind + chunks[kind]),)
        place += 12 + length
    width, height, depth, colours = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (width, height, depth, colours) == (230, 230, 4, 3)
    colour = PROPERTIES["properties"]["iconBrandColor"]
    assert chunks[b"PLTE"][:3] == bytes.fromhex(colour.removeprefix("#"))
    assert colour not in ("#007ee5", "#ffffff")
    assert set(chunks) == {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == 230 * (1 + 115)
    assert rows[1:116] == bytes(115)  # the first row is background
    assert b"\xff" in rows


@pytest.mark.parametrize(
    ("name", "title"),
    [("correlationId", "Correlation ID"), ("consentUri", "Consent URI"), ("isMfa", "Is MFA"), ("Email", "Email")],
)
def test_a_name_becomes_a_title(name: str, title: str) -> None:
    assert title_of(name) == title


def test_a_schema_is_converted_with_all_that_2_0_has_words_for() -> None:
    """A union with null is `x-nullable`, a constant is an enumeration, a reference is what it names."""
    components = {"Thing": {"type": "object", "properties": {"kind": {"const": "a", "type": "string"}}}}
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "thing": {"$ref": "#/components/schemas/Thing"},
            "text": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}], "description": "A text."},
            "many": {"type": "array", "items": {"type": ["integer", "string", "null"]}},
            "one": {"type": "string", "pattern": "^x$", "format": "email", "examples": ["x"]},
        },
        "required": ["thing"],
        "if": {"properties": {"one": {"const": "x"}}},
    }
    assert down_convert(schema, components) == {
        "type": "object",
        "required": ["thing"],
        "properties": {
            "thing": {
                "x-ms-summary": "Thing",
                "type": "object",
                "properties": {"kind": {"x-ms-summary": "Kind", "type": "string", "enum": ["a"]}},
            },
            "text": {
                "x-ms-summary": "Text",
                "type": "string",
                "maxLength": 3,
                "description": "A text.",
                "x-nullable": True,
            },
            "many": {"x-ms-summary": "Many", "type": "array", "items": {"type": "integer", "x-nullable": True}},
            "one": {"x-ms-summary": "One", "type": "string", "example": "x"},
        },
    }
