"""The claims of the access tokens that Entra issues.

Sources: learn.microsoft.com/entra/identity-platform/access-token-claims-reference, and for Partner Center's tokens
learn.microsoft.com/powershell/partnercenter/test-partner-security-requirements.
"""

import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

from ..users import User
from .configuration import Registration

# Real tokens have about this size in bytes. The size matters for caches and header limits.
ACCESS_TOKEN_BYTES = 2200
# The id of Microsoft Graph, which is the `aud` of its tokens.
GRAPH_AUDIENCE = "00000003-0000-0000-c000-000000000000"


def for_function(user: User, registration: Registration, *, base_url: str, version: str) -> dict[str, Any]:
    """Return the claims of a token for our function, valid for an hour, from a sign-in with a second factor.

    A real v2 token has no `amr`. Here the claim represents what Entra remembers about the sign-in.
    """
    claims = common(user, registration.client_id)
    claims |= {"name": user.name.title(), "scp": registration.scope, "amr": ["pwd", "mfa"], "ver": version}
    if version == "2.0":
        client = {"azp": registration.caller_client_id, "azpacr": "1"}
        return claims | client | {"aud": registration.client_id, "iss": f"{base_url}/{user.tenant_id}/v2.0"}
    client = {"appid": registration.caller_client_id, "appidacr": "1", "acr": "1"}
    return claims | client | {"aud": registration.audience_uri, "iss": f"{v1_issuer_host(base_url)}/{user.tenant_id}/"}


def v1_issuer_host(base_url: str) -> str:
    """Return the issuer host of v1 tokens: the cloud's own host for a real host name, else the stand-in itself."""
    if base_url.startswith("https://localhost:"):
        return base_url
    return "https://sts.chinacloudapi.cn" if base_url.endswith(".cn") else "https://sts.windows.net"


def for_partner_center(user: User, registration: Registration, *, resource: str) -> dict[str, Any]:
    """Return the claims of a v1 token, whatever endpoint issues it, padded to the size of a real token."""
    claims = {
        "acr": "1",
        "amr": ["pwd", "mfa"],
        "appid": registration.client_id,
        "appidacr": "1",
        "aud": resource,
        "iss": f"{v1_issuer_host(resource)}/{user.tenant_id}/",
        "scp": "user_impersonation",
        "ver": "1.0",
    }
    return _padded(common(user, resource) | claims)


def for_graph(user: User, scope: str) -> dict[str, Any]:
    """Return the claims of a v1 token for Microsoft Graph, which people send by mistake."""
    claims = {"aud": GRAPH_AUDIENCE, "iss": f"https://sts.windows.net/{user.tenant_id}/", "scp": scope, "ver": "1.0"}
    return common(user, GRAPH_AUDIENCE) | claims | {"acr": "1", "amr": ["pwd", "mfa"]}


def for_application(client_id: str, tenant: str, registration: Registration, *, base_url: str) -> dict[str, Any]:
    """Return the claims of an application's own token for our function. It names no user and has no scope."""
    principal = str(uuid.uuid5(uuid.UUID(tenant), client_id))
    claims = common(User("", principal, tenant), registration.client_id)
    claims |= {"azp": client_id, "azpacr": "1", "idtyp": "app", "sub": principal, "ver": "2.0"}
    return claims | {"aud": registration.client_id, "iss": f"{base_url}/{tenant}/v2.0"}


def common(user: User, application: str) -> dict[str, Any]:
    """Return the claims that every token of a user has. `application` makes `sub` differ between applications."""
    now = int(time.time())
    pairwise = hashlib.sha256(f"{user.object_id} {application}".encode()).digest()
    return {
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "oid": user.object_id,
        "tid": user.tenant_id,
        "sub": base64.urlsafe_b64encode(pairwise).decode("ascii").rstrip("="),
        # Makes two tokens from the same second differ, as the real claim does.
        "uti": secrets.token_urlsafe(16),
    }


def _padded(claims: Mapping[str, Any]) -> dict[str, Any]:
    # Header, dots and an RSA signature take about 500 bytes. base64 turns 3 bytes into 4.
    missing = (ACCESS_TOKEN_BYTES - 500) * 3 // 4 - len(json.dumps(claims))
    return {**claims, "aio": secrets.token_urlsafe(max(missing, 16))[: max(missing, 16)]}
