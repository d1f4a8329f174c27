"""Answer | error -> status, headers, body.

A failure is sent as a problem (RFC 9457). Header values are ASCII, because the Functions host answers 500 to any other.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from . import claims_challenge
from .documents import Change, DryRun, EntraRefusal, Evidence, Health, Problem, ProfileValues
from .errors import (
    ConsentRequired,
    EntraFault,
    FieldError,
    InsufficientScope,
    InteractionRequired,
    InvalidToken,
    UpdateProfileError,
)
from .partner_center.answer import ProfileResponse
from .partner_center.stored_profile import Preview, differing
from .request_ids import CORRELATION_ID, REQUEST_ID, RequestIds
from .transport.messages import DEFAULT_RETRY_AFTER_SECONDS, LONGEST_RETRY_AFTER_SECONDS

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
PROBLEM_TYPE = "urn:update-profile:problem:"
REALM = "update_profile"
MAX_FIELD_ERRORS = 100
MAX_FIELD_ERROR_BYTES = 14_000
MAX_FIELD_NAME_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes back to the caller. ``body`` is empty when the status allows none."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def success(result: ProfileResponse | Preview, ids: RequestIds) -> Reply:
    """Relay Partner Center's status and body, or show the result of a dry run.

    ``Update-Outcome: confirmed-by-read`` means that no answer showed the write and that reading the profile back did;
    ``differs`` means that Partner Center's answer shows another value than was sent.
    """
    answer = result.answer if isinstance(result, Preview) else result
    headers = _headers(ids, JSON)
    if answer.is_mfa_compliant is not None:
        headers["isMfaCompliant"] = answer.is_mfa_compliant
    if answer.outcome is not None:
        headers["Update-Outcome"] = answer.outcome
    if isinstance(result, Preview):
        return Reply(status=200, headers=headers, body=_json(_preview(result)))
    return Reply(status=answer.status, headers=headers, body=answer.body)


def _preview(preview: Preview) -> DryRun:
    """Use the upstream's camelCase. An unset member is absent from ``current`` and null in ``changes``."""
    stored = preview.current.values
    proposed = preview.proposed.named_values
    changes = (
        {"field": name, "current": stored.get(name), "proposed": proposed[name]}
        for name in differing(preview.proposed, preview.current)
    )
    return {
        "validateOnly": True,
        "current": _camel_case(stored),
        "proposed": _camel_case(proposed),
        "changes": [cast("Change", change) for change in changes],
    }


def _camel_case(values: Mapping[str, str]) -> ProfileValues:
    return cast("ProfileValues", {name.lower(): value for name, value in values.items()})


def healthy(version: str, ids: RequestIds) -> Reply:
    """Answer the health route when the settings are valid."""
    document: Health = {"status": "ok", "version": version}
    return Reply(status=200, headers=_headers(ids, JSON), body=_json(document))


def described(document: bytes, ids: RequestIds) -> Reply:
    """Answer with the description of this API."""
    return Reply(status=200, headers=_headers(ids, JSON), body=document)


def problem(error: UpdateProfileError, ids: RequestIds, *, accept: str, status: int | None = None) -> Reply:
    """Answer with a failure.

    Args:
        error: What went wrong.
        ids: This call's ids.
        accept: The request's Accept header, "" when absent. It chooses the media type's name and refuses nothing.
        status: Replaces the error's status; None keeps it.
    """
    answered = status or error.status
    headers = _headers(ids, _problem_media_type(accept))
    if error.retryable:
        wait_seconds = error.retry_after_seconds or DEFAULT_RETRY_AFTER_SECONDS
        headers["Retry-After"] = str(min(max(wait_seconds, 1), LONGEST_RETRY_AFTER_SECONDS))
    challenge = _challenge(error)
    if challenge is not None:
        headers["WWW-Authenticate"] = challenge
    document: Problem = {
        "type": PROBLEM_TYPE + error.code,
        "title": error.title,
        "status": answered,
        "detail": error.detail,
        "code": error.code,
        **_reason(error),
        "actor": error.actor,
        "retryable": error.retryable,
        "correlationId": ids.correlation_id,
        "requestId": ids.request_id,
        **_evidence(error),
    }
    return Reply(status=answered, headers=headers, body=_json(document))


def _headers(ids: RequestIds, media_type: str) -> dict[str, str]:
    return {"Content-Type": media_type, CORRELATION_ID: ids.correlation_id, REQUEST_ID: ids.request_id}


def _reason(error: UpdateProfileError) -> Evidence:
    return {"reason": error.reason} if error.reason else {}


def _evidence(error: UpdateProfileError) -> Evidence:
    members = _field_errors(error.fields)
    if error.upstream is not None:
        members["upstream"] = error.upstream
    if error.entra is not None:
        members["entra"] = _entra_refusal(error.entra)
    if error.consent_uri is not None:
        members["consentUri"] = error.consent_uri
    if error.outcome is not None:
        members["outcome"] = error.outcome
    return members


def _entra_refusal(entra: EntraFault) -> EntraRefusal:
    return {"error": entra.error, "codes": list(entra.codes), "traceId": entra.trace_id}


def _field_errors(fields: Iterable[FieldError]) -> Evidence:
    """Show the first refusals, as many as fit, and the number of the rest."""
    entries = [replace(fault, field=fault.field[:MAX_FIELD_NAME_LENGTH]) for fault in fields]
    shown: list[FieldError] = []
    size = 0
    for entry in entries[:MAX_FIELD_ERRORS]:
        size += len(_json(asdict(entry)))
        if size > MAX_FIELD_ERROR_BYTES:
            break
        shown.append(entry)
    omitted = len(entries) - len(shown)
    members: Evidence = {"errors": shown} if entries else {}
    if omitted:
        members["errorsOmitted"] = omitted
    return members


def _problem_media_type(accept: str) -> str:
    """Use ``application/json`` for callers that accept nothing else (Power Platform)."""
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return JSON if JSON in named and named.isdisjoint({PROBLEM_JSON, "*/*"}) else PROBLEM_JSON


def _challenge(error: UpdateProfileError) -> str | None:
    """Return ``WWW-Authenticate`` (RFC 6750, section 3); None when a new token does not help.

    A 401 of Partner Center has the realm alone: it refused our token, not the caller's, and renewing the caller's would
    not help.
    """
    if error.challenge is not None:
        return claims_challenge.render(error.challenge)
    if isinstance(error, InvalidToken | InteractionRequired):
        return f'Bearer realm="{REALM}", error="invalid_token"'
    if isinstance(error, InsufficientScope | ConsentRequired):
        scope = f', scope="{error.scope}"' if error.scope else ""
        return f'Bearer realm="{REALM}", error="insufficient_scope"{scope}'
    return f'Bearer realm="{REALM}"' if error.status == 401 else None


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=asdict).encode("utf-8")
