"""Refusals of the token endpoint in Entra's format, for true and scripted answers.

Source of the members: learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow#error-response-example.
Source of the numbers: learn.microsoft.com/entra/identity-platform/reference-error-codes. The texts imitate Entra's. Do
not depend on them.
"""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..script import Answer
from .error_texts import TEXTS

# The claims request that a conditional-access policy sends with its refusal (OpenID Connect Core 5.5).
MFA_CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


def refusal(
    status: int,
    error: str,
    codes: tuple[int, ...] = (),
    *,
    suberror: str | None = None,
    claims: str | None = None,
    **more: Any,  # noqa: ANN401 - the fields of an Answer
) -> Answer:
    """Return any refusal. `claims` is JSON text, sent as given. If `claims` or `suberror` is None, it is omitted."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z"
    trace_id, correlation_id = str(uuid.uuid4()), str(uuid.uuid4())
    text = text_of(codes[0]) if codes else "The request was refused."
    number = f"AADSTS{codes[0]}: " if codes else ""
    ids = f" Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {now}"
    body = {
        "error": error,
        "error_description": number + text + ids,
        "error_codes": list(codes),
        "timestamp": now,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
    }
    if codes:
        body["error_uri"] = f"https://login.microsoftonline.com/error?code={codes[0]}"
    body |= {name: value for name, value in (("suberror", suberror), ("claims", claims)) if value is not None}
    return Answer(
        status=status,
        headers=(("Content-Type", "application/json; charset=utf-8"), *more.pop("headers", ())),
        body=json.dumps(body).encode(),
        **more,
    )


def text_of(number: int) -> str:
    """Return the text of an error number."""
    return TEXTS.get(number, "The request was refused.")


def code_of(refused: Answer) -> dict[str, str]:
    """Return what goes back to an application's redirect URI: error and description."""
    body = json.loads(refused.body)
    return {name: body[name] for name in ("error", "error_description", "error_uri") if name in body}


def with_policy(answer: Answer, policy_id: str) -> Answer:
    """Add `claims` that name a Conditional Access policy to a refusal that has none.

    A real refusal of 2026-03-01 for a missing consent (65001) had them: they say nothing about its cause.
    """
    try:
        body = json.loads(answer.body)
    except ValueError:
        return answer
    if not isinstance(body, dict) or "error" not in body or "claims" in body:
        return answer
    claims = {"access_token": {"capolids": {"essential": True, "values": [policy_id]}}}
    return replace(answer, body=json.dumps({**body, "claims": json.dumps(claims)}).encode())


def throttled(retry_after: str | int | None = 30, **more: Any) -> Answer:  # noqa: ANN401
    """A 429. `retry_after` is seconds or any text. None means no Retry-After header."""
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    return refusal(429, "temporarily_unavailable", (50196,), headers=headers, **more)


def interaction_required(claims: str | None = MFA_CLAIMS, **more: Any) -> Answer:  # noqa: ANN401
    """A policy requires a further factor from the user (50076). None as `claims` sends no challenge."""
    return refusal(400, "interaction_required", (50076,), suberror="basic_action", claims=claims, **more)


def consent_required(**more: Any) -> Answer:  # noqa: ANN401
    """No consent to Partner Center exists for our application (65001)."""
    return refusal(400, "invalid_grant", (65001,), suberror="consent_required", **more)


def access_blocked(code: int = 53003, **more: Any) -> Answer:  # noqa: ANN401
    """A policy (53003), a missing assignment (50105) or a disabled account (50057). No challenge is sent."""
    return refusal(400, "invalid_grant", (code,), **more)


def unknown_application(**more: Any) -> Answer:  # noqa: ANN401
    """Our application is not installed in the user's tenant (700016)."""
    return refusal(400, "unauthorized_client", (700016,), **more)


def unknown_resource(**more: Any) -> Answer:  # noqa: ANN401
    """Partner Center is not installed in the user's tenant (500011)."""
    return refusal(400, "invalid_resource", (500011,), **more)


def wrong_secret(**more: Any) -> Answer:  # noqa: ANN401
    """Our client secret is wrong or no longer valid (7000215)."""
    return refusal(401, "invalid_client", (7000215,), **more)


def unavailable(status: int = 503, **more: Any) -> Answer:  # noqa: ANN401
    """A 5xx page of the front end, as HTML and not JSON."""
    return Answer(status=status, headers=(("Content-Type", "text/html"),), body=b"<h1>Service unavailable</h1>", **more)
