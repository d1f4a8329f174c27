"""The responses of an operation: each status with its headers, its schema and its examples."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from update_profile.request_ids import CORRELATION_ID, REQUEST_ID
from update_profile.response import JSON, PROBLEM_JSON
from update_profile.transport.messages import LONGEST_RETRY_AFTER_SECONDS

from . import pages, schemas
from .exchanges import Exchange
from .failures import Failure, statuses

Object = dict[str, Any]
HOST = json.loads((pages.ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["http"]
MOST = 20  # statuses that have the same failures are described as their class
HSTS = "Strict-Transport-Security"


def headers() -> Object:
    """Return every header that an answer may have, by name."""
    texts = pages.meanings("answer header")
    when = {name: row[1] for row in pages.rows("answer header") for name in row[0].split(", ")}
    forms: Object = {
        CORRELATION_ID: schemas.GUID_SCHEMA,
        REQUEST_ID: schemas.GUID_SCHEMA,
        "Retry-After": {"type": "integer", "minimum": 1, "maximum": LONGEST_RETRY_AFTER_SECONDS},
        "WWW-Authenticate": {"type": "string", "pattern": "^Bearer realm="},
        "Update-Outcome": {"type": "string", "enum": list(schemas.OUTCOMES)},
        "isMfaCompliant": {"type": "boolean"},
        HSTS: {"const": f"max-age={int(HOST['hsts']['maxAge']) * 86_400}"},
        **{name: {"const": value} for name, value in HOST["customHeaders"].items()},
    }
    always = {CORRELATION_ID, REQUEST_ID, *HOST["customHeaders"]}
    return {
        name: {
            "description": f"{texts[name]} Sent: {when[name]}.",
            "required": name in always,
            "schema": form,
        }
        for name, form in forms.items()
    }


def _of_every_answer() -> Object:
    names = (CORRELATION_ID, REQUEST_ID, *HOST["customHeaders"], HSTS)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def success(description: str, schema: Object | None, made: Iterable[Exchange], *more: str) -> Object:
    """Return a response with a JSON body of this schema, or without a body (None); ``more`` names its own headers."""
    own = {name: {"$ref": f"#/components/headers/{name}"} for name in more}
    response: Object = {"description": description, "headers": {**_of_every_answer(), **own}}
    if schema is not None:
        response["content"] = {JSON: {"schema": schema, **_examples(made)}}
    return response


def failures(seen: Iterable[Failure], made: Iterable[Exchange]) -> Object:
    """Return a response for each status that failures have. What most of 4xx or 5xx have in common is one response."""
    made = list(made)
    by_status = statuses(seen)
    usual = {facts for facts, count in Counter(map(_facts, by_status.values())).items() if count > MOST}
    responses: Object = {}
    classes: dict[str, list[Failure]] = {}
    for status, found in by_status.items():
        if _facts(found) in usual:
            classes.setdefault(f"{status // 100}XX", []).extend(found)
        else:
            responses[str(status)] = _failure(found, [exchange for exchange in made if exchange.status == status])
    return {**responses, **{name: _failure(found, []) for name, found in classes.items()}}


def _facts(found: list[Failure]) -> frozenset[Any]:
    return frozenset((one.code, one.error.actor, one.error.retryable, *one.reply.headers) for one in found)


def _failure(found: list[Failure], made: Iterable[Exchange]) -> Object:
    meanings = pages.errors()
    codes = dict.fromkeys(failure.code for failure in found)
    lines = [f"- `{code}`: {meanings[code]}" for code in codes]
    sent = Counter(name for failure in found for name in failure.reply.headers)
    own: Object = {}
    for name in ("Retry-After", "WWW-Authenticate"):
        if sent[name]:
            own[name] = {"$ref": f"#/components/headers/{'Required-' if sent[name] == len(found) else ''}{name}"}
    content = {"schema": schemas.for_failures(found)}
    return {
        "description": "\n".join(lines),
        "headers": {**_of_every_answer(), **own},
        "content": {PROBLEM_JSON: {**content, **_examples(made)}, JSON: content},
    }


def required_headers(described: Mapping[str, Object]) -> Object:
    """Return the headers that some failures always have."""
    return {f"Required-{name}": {**described[name], "required": True} for name in ("Retry-After", "WWW-Authenticate")}


def _examples(made: Iterable[Exchange]) -> Object:
    examples = {one.name: {"summary": one.summary, "value": one.answer} for one in made}
    return {"examples": examples} if examples else {}
