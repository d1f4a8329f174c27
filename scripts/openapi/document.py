"""The document: information, operations, components."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.worker import Function
from update_profile import __version__, request_ids
from update_profile.request import GATEWAY_PARAMETERS, JSON, MERGE_PATCH_JSON, VALIDATE_ONLY

from . import answers, failures, pages, schemas
from .exchanges import HEALTH, IDS, PROFILE, UPDATE, Exchange
from .failures import Failure

Object = dict[str, Any]
VERSION = "3.1.1"
PREFIX = "/api"
DESCRIPTION = f"{PREFIX}/openapi.json"
PAGES_FOR_PEOPLE = "approve"  # how the routes start that answer a person's browser, not an API's caller
OUTCOME = "Update-Outcome"
MFA = "isMfaCompliant"
ABOUT = """\
Updates the support profile of a Microsoft Partner Center partner on behalf of the user whose bearer token comes with \
the request.

Branch on `code` of a failure, and on `reason` where a code has several causes. `actor` says who must act, and \
`retryable` whether the same request can succeed later. An answer without `code` does not come from this API.
"""
BEARER = """\
An Entra ID access token of a user, issued for this API. Ask Entra ID for the scope \
`<application id of this API>/user_impersonation`. The user signs in with multi-factor authentication.
"""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path. ``body`` names the schema of its request body and its media types; None: it has none."""

    name: str
    path: str
    method: str
    summary: str
    failures: Callable[[], tuple[Failure, ...]] = failures.of_calls
    body: tuple[str, tuple[str, ...]] | None = None

    @property
    def is_call(self) -> bool:
        """Whether it works on the profile, and therefore needs a token."""
        return self.path == UPDATE

    def made(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Return the exchanges of this operation. Failures of `PUT` stand for those of the other writes."""
        return [
            one
            for one in exchanges
            if one.target.partition("?")[0] == self.path
            and (one.method == self.method or (self.body and one.method == "PUT" and one.status >= 400))
        ]


IDS_OF_ANYBODY = (f"Any-{request_ids.CORRELATION_ID}", f"Any-{request_ids.REQUEST_ID}")
PROFILE_BODY = ("SupportProfile", (JSON,))
CHANGES_BODY = ("SupportProfileChanges", (JSON, MERGE_PATCH_JSON))
OPERATIONS = (
    Operation(
        name="replaceSupportProfile", path=UPDATE, method="PUT", summary="Replace the profile", body=PROFILE_BODY
    ),
    Operation(
        name="postSupportProfile",
        path=UPDATE,
        method="POST",
        summary="Replace the profile, as PUT does",
        body=PROFILE_BODY,
    ),
    Operation(
        name="changeSupportProfile",
        path=UPDATE,
        method="PATCH",
        summary="Change some fields of the profile",
        body=CHANGES_BODY,
    ),
    Operation(
        name="readSupportProfile", path=UPDATE, method="GET", summary="Read the profile", failures=failures.of_reads
    ),
    Operation(
        name="readHealth",
        path=HEALTH,
        method="GET",
        summary="Say whether the settings are valid",
        failures=failures.of_health,
    ),
    Operation(
        name="readDescription",
        path=DESCRIPTION,
        method="GET",
        summary="Return this description",
        failures=failures.of_description,
    ),
)


def check_routes(functions: Iterable[Function]) -> None:
    """Raise ValueError when the app has a route that is not described, or lacks one that is."""
    served = {
        (f"{PREFIX}/{one.route}", method)
        for one in functions
        if not one.route.startswith(PAGES_FOR_PEOPLE)
        for method in one.methods
    }
    described = {(operation.path, operation.method) for operation in OPERATIONS}
    if served != described:
        raise ValueError(f"served but not described, or the other way round: {sorted(served ^ described)}")


def document(exchanges: list[Exchange]) -> Object:
    """Return the description, with these exchanges as its examples."""
    paths: Object = {}
    for operation in OPERATIONS:
        members = paths.setdefault(operation.path.removeprefix(PREFIX), {})
        members[operation.method.lower()] = _operation(operation, operation.made(exchanges))
    headers = answers.headers()
    responses: Object = {}
    return {
        "openapi": VERSION,
        "info": {
            "title": "update-profile",
            "version": __version__,
            "summary": "Updates a Partner Center support profile on behalf of the signed-in user.",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": PREFIX, "description": "The host that serves this description"}],
        "paths": _shared(paths, responses),
        "components": {
            "schemas": schemas.components(),
            "parameters": dict(_parameters()),
            "headers": {**headers, **answers.required_headers(headers)},
            "responses": responses,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": BEARER}
            },
        },
    }


def _operation(operation: Operation, made: list[Exchange]) -> Object:
    described: Object = {"operationId": operation.name, "summary": operation.summary}
    described["tags"] = ["Support profile" if operation.is_call else "Service"]
    described["security"] = [{"bearer": []}] if operation.is_call else []
    names = [name for name, _ in _parameters() if name not in IDS_OF_ANYBODY]
    if operation.body is None:
        names.remove(VALIDATE_ONLY)
    described["parameters"] = [
        {"$ref": f"#/components/parameters/{name}"} for name in (names if operation.is_call else IDS_OF_ANYBODY)
    ]
    if operation.body is not None:
        described["requestBody"] = _body(*operation.body, made)
    described["responses"] = {**_successes(operation, made), **answers.failures(operation.failures(), made)}
    return described


def _body(schema: str, media_types: Iterable[str], made: Iterable[Exchange]) -> Object:
    examples = {one.name: {"summary": one.summary, "value": one.body or PROFILE} for one in made if one.status == 200}
    content: Object = {"schema": {"$ref": schemas.REF + schema}, "examples": examples}
    return {"required": True, "content": dict.fromkeys(media_types, content)}


def _successes(operation: Operation, made: list[Exchange]) -> Object:
    shown = [exchange for exchange in made if exchange.status == 200]
    if operation.path == HEALTH:
        return {"200": answers.success("The settings are valid.", {"$ref": f"{schemas.REF}Health"}, shown)}
    if operation.path == DESCRIPTION:
        itself = {"type": "object", "required": ["openapi"], "properties": {"openapi": {"const": VERSION}}}
        return {"200": answers.success("This description, whatever the settings are.", itself, [])}
    stored: Object = {"$ref": f"{schemas.REF}StoredProfile"}
    dry_run: Object = {"$ref": f"{schemas.REF}DryRun"}
    own = (MFA,) if operation.body is None else (MFA, OUTCOME)
    form: Object = stored if operation.body is None else {"oneOf": [dry_run, stored]}
    told = "Partner Center's answer" + ("." if operation.body is None else ", or the result of a dry run.")
    responses = {
        "200": answers.success(told, form, shown, *own),
        "204": answers.success("Partner Center's answer, without a body.", None, [], *own),
        "2XX": answers.success("Partner Center's answer, with its status.", stored, [], *own),
    }
    if operation.body is not None:
        responses["205"] = responses["204"]
    return responses


def _parameters() -> Iterable[tuple[str, Object]]:
    """Yield every parameter by name. Gateways' own parameters are ignored, and therefore not described."""
    texts = pages.meanings("id")
    ignored = ", ".join(sorted(GATEWAY_PARAMETERS))
    yield (
        VALIDATE_ONLY,
        {
            "name": VALIDATE_ONLY,
            "in": "query",
            "description": "Whether to show what the write would change instead of writing (a dry run). An unknown"
            f" parameter is refused; those that gateways add ({ignored}) are ignored.",
            "schema": {"type": "boolean", "default": False},
        },
    )
    for name, text in (
        (request_ids.CORRELATION_ID, texts["correlation id"]),
        (request_ids.REQUEST_ID, texts["request id"]),
    ):
        parameter: Object = {"name": name, "in": "header", "example": IDS[name]}
        blank_too = {"anyOf": [schemas.GUID_SCHEMA, {"const": ""}]}
        yield name, {**parameter, "description": f"{text} A blank one counts as absent.", "schema": blank_too}
        lenient = {**parameter, "description": f"{text} What is not a GUID is replaced.", "schema": {"type": "string"}}
        yield f"Any-{name}", lenient
    for name in map(pages.spelled, request_ids.DELIVERY_ID_HEADERS):
        yield (
            name,
            {
                "name": name,
                "in": "header",
                "description": f"Delivery id: {texts['delivery id']}",
                "schema": {"type": "string"},
            },
        )


def _shared(paths: Mapping[str, Object], components: Object) -> Object:
    """Move the responses of the operations to the components, and let equal ones share an entry."""
    for path in paths.values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                equal = (name for name, component in components.items() if component == response)
                plain = status if status not in components else f"{operation['operationId']}-{status}"
                name = next(equal, plain)
                components[name] = response
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return dict(paths)
