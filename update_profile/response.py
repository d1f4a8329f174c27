"""Answer | error -> status, headers, body.

A failure goes out as a problem (RFC 9457). Header values are ASCII, as the Functions host answers 500 to any other.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .errors import (
    ConsentRequired,
    InsufficientScope,
    InteractionRequired,
    InvalidToken,
    UpdateProfileError,
)
from .evidence import ClaimsChallenge, FieldError
from .operations import Preview
from .partner_center.answer import UpstreamAnswer
from .partner_center.stored_profile import differing
from .request_ids import CORRELATION_ID, REQUEST_ID, RequestIds
from .transport.retry_after import DEFAULT_SECONDS

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
PROBLEM_TYPE = "urn:update-profile:problem:"
REALM = "update_profile"
MAX_FIELD_ERRORS = 100
MAX_FIELD_ERROR_BYTES = 14_000
MAX_NAME_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes back to the caller. ``body`` is empty where the status allows none."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def success(outcome: UpstreamAnswer | Preview, ids: RequestIds) -> Reply:
    """What an operation came to: the upstream's status and body, or what a dry run shows.

    This call's ids and, where it came, ``isMfaCompliant`` go with it. ``Update-Outcome: confirmed-by-read`` says that
    a write got no answer, and that reading the profile back showed it done.
    """
    answer = outcome.answer if isinstance(outcome, Preview) else outcome
    headers = _headers(ids, JSON)
    if answer.is_mfa_compliant is not None:
        headers["isMfaCompliant"] = answer.is_mfa_compliant
    if answer.confirmed_by_read:
        headers["Update-Outcome"] = "confirmed-by-read"
    if isinstance(outcome, Preview):
        return Reply(status=200, headers=headers, body=_json(_preview(outcome)))
    return Reply(status=answer.status, headers=headers, body=answer.body)


def _preview(preview: Preview) -> dict[str, Any]:
    """In the upstream's camelCase; an unset member is absent from ``current`` and null in ``changes``."""
    stored = preview.current.values
    proposed = preview.proposed.named_values
    return {
        "validateOnly": True,
        "current": {name.lower(): value for name, value in stored.items()},
        "proposed": {name.lower(): value for name, value in proposed.items()},
        "changes": [
            {"field": name, "current": stored.get(name), "proposed": proposed[name]}
            for name in differing(preview.proposed, preview.current)
        ],
    }


def healthy(version: str, ids: RequestIds) -> Reply:
    """The settings are sound."""
    return Reply(status=200, headers=_headers(ids, JSON), body=_json({"status": "ok", "version": version}))


def problem(error: UpdateProfileError, ids: RequestIds, *, accept: str, status: int | None = None) -> Reply:
    """A failure as a problem.

    Args:
        error: What went wrong.
        ids: This call's.
        accept: The request's Accept header, "" when absent. It chooses the media type's name and refuses nothing.
        status: A status in place of the error's own; None for its own.
    """
    answered = status or error.status
    headers = _headers(ids, _problem_media_type(accept))
    if error.retryable:
        headers["Retry-After"] = str(error.evidence.retry_after_seconds or DEFAULT_SECONDS)
    challenge = _challenge(error)
    if challenge is not None:
        headers["WWW-Authenticate"] = challenge
    document = {
        "type": PROBLEM_TYPE + error.code,
        "title": error.title,
        "status": answered,
        "detail": error.detail,
        "code": error.code,
        "actor": error.actor,
        "retryable": error.retryable,
        "correlationId": ids.correlation_id,
        "requestId": ids.request_id,
        **_evidence(error),
    }
    return Reply(status=answered, headers=headers, body=_json(document))


def _headers(ids: RequestIds, media_type: str) -> dict[str, str]:
    return {"Content-Type": media_type, CORRELATION_ID: ids.correlation_id, REQUEST_ID: ids.request_id}


def _evidence(error: UpdateProfileError) -> dict[str, Any]:
    evidence = error.evidence
    members: dict[str, Any] = _field_errors(evidence.fields)
    if evidence.upstream is not None:
        members["upstream"] = asdict(evidence.upstream)
    if evidence.entra is not None:
        members["entra"] = {
            "error": evidence.entra.error,
            "codes": list(evidence.entra.codes),
            "traceId": evidence.entra.trace_id,
        }
    if evidence.consent_uri is not None:
        members["consentUri"] = evidence.consent_uri
    if evidence.outcome is not None:
        members["outcome"] = evidence.outcome
    return members


def _field_errors(fields: Iterable[FieldError]) -> dict[str, Any]:
    """The first refusals, as many as an answer can bear, and the number of the rest."""
    entries = [{"field": fault.field[:MAX_NAME_LENGTH], "message": fault.message} for fault in fields]
    shown: list[dict[str, str]] = []
    size = 0
    for entry in entries[:MAX_FIELD_ERRORS]:
        size += len(_json(entry))
        if size > MAX_FIELD_ERROR_BYTES:
            break
        shown.append(entry)
    omitted = len(entries) - len(shown)
    return ({"errors": shown} if entries else {}) | ({"errorsOmitted": omitted} if omitted else {})


def _problem_media_type(accept: str) -> str:
    """JSON under the one name that Power Platform knows, where a caller asks for it by that name alone."""
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return JSON if JSON in named and named.isdisjoint({PROBLEM_JSON, "*/*"}) else PROBLEM_JSON


def _challenge(error: UpdateProfileError) -> str | None:
    """``WWW-Authenticate`` (RFC 6750, section 3); None where a new token is not the way.

    A 401 of Partner Center bears the realm alone: its token was refused, not the caller's, and no caller should renew
    its own in vain.
    """
    if error.evidence.challenge is not None:
        return _claims_challenge(error.evidence.challenge)
    if isinstance(error, InvalidToken | InteractionRequired):
        return f'Bearer realm="{REALM}", error="invalid_token"'
    if isinstance(error, InsufficientScope | ConsentRequired):
        scope = f', scope="{error.evidence.scope}"' if error.evidence.scope else ""
        return f'Bearer realm="{REALM}", error="insufficient_scope"{scope}'
    return f'Bearer realm="{REALM}"' if error.status == 401 else None


def _claims_challenge(challenge: ClaimsChallenge) -> str:
    """In the form of learn.microsoft.com/entra/identity-platform/claims-challenge."""
    claims = base64.b64encode(challenge.claims.encode("utf-8")).decode("ascii")
    return (
        f'Bearer realm="{challenge.tenant_id}", authorization_uri="{challenge.authorization_uri}", '
        f'error="insufficient_claims", claims="{claims}"'
    )


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
