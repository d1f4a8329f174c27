"""Builders: each returns a valid object, with overrides for what a test varies."""

import hashlib
import json
import uuid
from typing import Any

from update_profile.call import Call, Caller
from update_profile.request import IncomingRequest, read_members
from update_profile.settings import Settings, read_settings
from update_profile.support_profile import SupportProfile, read_profile

TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
CLIENT = "33333333-3333-4333-8333-333333333333"
USER = "44444444-4444-4444-8444-444444444444"
EXAMPLE = {"Email": "email@sample.com", "Telephone": "4255555555", "Website": "www.microsoft.com"}
EXAMPLE_WIRE = (
    b'{"Email":"email@sample.com","Telephone":"4255555555","Website":"www.microsoft.com",'
    b'"ProfileType":"support_profile","Attributes":{"ObjectType":"PartnerSupportProfile"}}'
)


def an_environment(**overrides: str | None) -> dict[str, str]:
    """Return the smallest valid environment. A setting given as None is left out."""
    variables: dict[str, str | None] = {
        "ENTRA_CLIENT_ID": CLIENT,
        "ENTRA_ALLOWED_TENANTS": TENANT,
        "ENTRA_CLIENT_SECRET": f"secret-{uuid.uuid4()}",
        **overrides,
    }
    return {name: value for name, value in variables.items() if value is not None}


def some_settings(**overrides: str | None) -> Settings:
    """Return valid settings."""
    return read_settings(an_environment(**overrides))


def an_incoming(
    *,
    method: str = "POST",
    url: str = "https://host/api/update_profile",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> IncomingRequest:
    """Return a request as the host delivers it; the body is Microsoft's example unless given."""
    content = json.dumps(EXAMPLE).encode() if body is None else body
    return IncomingRequest(method=method, url=url, headers=headers or {}, body=content)


def a_caller(**overrides: Any) -> Caller:
    """A validated user."""
    values: dict[str, Any] = {
        "tenant_id": TENANT,
        "user_id": USER,
        "client_id": CLIENT,
        "token_digest": hashlib.sha256(b"assertion").digest(),
        "expires_at": 4_000_000_000.0,
        **overrides,
    }
    return Caller(**values)


def a_digest(assertion: str) -> bytes:
    """Return the digest of a bearer token."""
    return hashlib.sha256(assertion.encode()).digest()


def a_started_call(**incoming: Any) -> Call:
    """A call that has just started."""
    request = an_incoming(**incoming)
    return Call.start(request.method, request.headers)


def read_body(body: bytes) -> SupportProfile:
    """Read the full profile from a body."""
    return read_profile(read_members(body))
