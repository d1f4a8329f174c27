"""The connector's files, Microsoft's schemas of them, and a schema as Power Platform reads it."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "connector"
PUBLISHED = ROOT / "tests" / "samples" / "power-platform"
_TEXT_OR_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*')
DEFINITION: dict[str, Any] = json.loads((FOLDER / "apiDefinition.swagger.json").read_bytes())
PROPERTIES: dict[str, Any] = json.loads((FOLDER / "apiProperties.json").read_bytes())


def published(name: str) -> Any:
    """Return a schema of Microsoft's without its comments, which are no JSON."""
    text = (PUBLISHED / name).read_text(encoding="utf-8-sig")
    return json.loads(_TEXT_OR_COMMENT.sub(lambda found: found[1] or "", text))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation of each action."""
    for path, methods in DEFINITION["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def parts(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a document."""
    if isinstance(document, dict):
        yield document
        for part in document.values():
            yield from parts(part)
    elif isinstance(document, list):
        for part in document:
            yield from parts(part)


def nullable(schema: Any) -> Any:
    """Return a schema of OpenAPI 2.0 for a validator that does not know `x-nullable`. It allows no other members."""
    if isinstance(schema, list):
        return [nullable(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    converted = {name: nullable(part) for name, part in schema.items()}
    if converted.get("x-nullable") is True:
        converted["type"] = [converted["type"], "null"]
    if isinstance(converted.get("properties"), dict) and "type" in converted:
        converted["additionalProperties"] = False
    return converted


def schema_of(operation: Mapping[str, Any]) -> Any:
    """Return the schema of what a flow reads of an action."""
    return nullable(operation["responses"]["200"]["schema"])
