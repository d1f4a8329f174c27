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

# The claims request that a conditional-access policy sends with its refusal (OpenID Connect Core 5.5).
MFA_CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'

_TEXTS = {
    16000: "User account is not signed in.",
    50013: "Assertion failed signature validation.",
    50027: "JWT token is invalid or malformed.",
    50049: "Unknown or invalid instance.",
    50057: "The user account is disabled.",
    50076: "Due to a configuration change made by your administrator, you must use multi-factor authentication.",
    50105: "The signed in user is not assigned to a role for the application.",
    50196: "The server terminated an operation because it encountered a client request loop.",
    53003: "Access has been blocked by Conditional Access policies.",
    65001: "The user or administrator has not consented to use the application.",
    70003: "The app requested an unsupported grant type.",
    70011: "The provided value for the input parameter 'scope' is not valid.",
    90002: "Tenant not found.",
    500011: "The resource principal was not found in the tenant.",
    500131: "Assertion audience does not match the Client app presenting the assertion.",
    500133: "Assertion is not within its valid time range.",
    700016: "Application with identifier was not found in the directory.",
    700027: "The certificate with identifier used to sign the client assertion is not registered on application.",
    700213: "No matching federated identity record found for presented assertion.",
    900144: "The request body must contain the following parameter.",
    7000215: "Invalid client secret provided.",
    7000218: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
}


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
    text = _TEXTS.get(codes[0], "The request was refused.") if codes else "The request was refused."
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
