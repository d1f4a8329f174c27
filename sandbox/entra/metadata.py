"""Entra's metadata documents: discovery, keys and instances.

Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#fetch-the-openid-configuration-document.
"""

from typing import TYPE_CHECKING

from ..script import Answer
from .errors import refusal

if TYPE_CHECKING:
    from .entra import Entra


def discovery(entra: "Entra", tenant: str) -> Answer:
    """Return the OpenID configuration of a tenant, or a 400 (90002) for an unknown tenant."""
    if tenant not in entra.tenants:
        return refusal(400, "invalid_tenant", (90002,))
    base = f"{entra.base_url}/{tenant}"
    return Answer.json(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "localhost",
        }
    )


def keys(entra: "Entra", tenant: str) -> Answer:
    """Return the published keys of a tenant. As in the real document, each names the v2 issuer, also for v1 tokens."""
    if tenant not in entra.tenants:
        return refusal(400, "invalid_tenant", (90002,))
    issuer = f"{entra.base_url}/{tenant}/v2.0"
    return Answer.json({"keys": [key.jwk(issuer) for key in entra.keys.published]})


def instance(entra: "Entra") -> Answer:
    """Return the document that MSAL requests for an unknown host: this host is its own cloud."""
    host = entra.base_url.removeprefix("https://")
    return Answer.json(
        {
            "tenant_discovery_endpoint": f"{entra.base_url}/{entra.tenants[0]}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )
