"""Entra's metadata documents: discovery, keys and instances.

Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#fetch-the-openid-configuration-document.
"""

from ..script import Answer
from .directory import Directory
from .errors import refusal
from .scopes import OPENID_SCOPES

ANY_TENANT = ("organizations", "common")


def discovery(directory: Directory, tenant: str) -> Answer:
    """Return the OpenID configuration of a tenant, or a 400 (90002) for an unknown tenant.

    For `organizations` and `common`, the issuer is a template, as in the real document.
    """
    if tenant not in (*directory.tenants, *ANY_TENANT):
        return refusal(400, "invalid_tenant", (90002,))
    base = f"{directory.base_url}/{tenant}"
    return Answer.json(
        {
            "issuer": f"{directory.base_url}/{'{tenantid}' if tenant in ANY_TENANT else tenant}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "scopes_supported": list(OPENID_SCOPES),
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "localhost",
        }
    )


def keys(directory: Directory, tenant: str) -> Answer:
    """Return the published keys of a tenant. As in the real document, each names the v2 issuer, also for v1 tokens."""
    if tenant not in (*directory.tenants, *ANY_TENANT):
        return refusal(400, "invalid_tenant", (90002,))
    issuer = f"{directory.base_url}/{'{tenantid}' if tenant in ANY_TENANT else tenant}/v2.0"
    return Answer.json({"keys": [key.jwk(issuer) for key in directory.keys.published]})


def instance(directory: Directory) -> Answer:
    """Return the document that MSAL requests for an unknown host: this host is its own cloud."""
    host = directory.base_url.removeprefix("https://")
    tenant = f"{directory.base_url}/{directory.tenants[0]}"
    return Answer.json(
        {
            "tenant_discovery_endpoint": f"{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )
