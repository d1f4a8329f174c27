"""The on-behalf-of grant: which application may exchange which assertion for which token.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow.
"""

import json
from collections.abc import Mapping
from typing import Any

import jwt

from ..script import Answer
from ..users import User
from .credentials import refuse_client
from .directory import Directory
from .errors import interaction_required, refusal, unknown_application, unknown_resource
from .scopes import OPENID_SCOPES

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"

# PyJWT's error for an assertion -> Entra's error number. Any other error means malformed (50027).
_REFUSED_ASSERTIONS = {
    jwt.ExpiredSignatureError: 500133,
    jwt.ImmatureSignatureError: 500133,
    jwt.InvalidAudienceError: 500131,
    jwt.InvalidSignatureError: 50013,
}


def on_behalf_of(directory: Directory, tenant: str, form: Mapping[str, str]) -> Answer:
    """Answer one token request. The checks run in the known order of Entra."""
    if tenant not in directory.tenants:
        return refusal(400, "invalid_request", (90002,))
    refused = _refuse_request(form) or _refuse_application(directory, tenant, form)
    if refused:
        return refused
    resource, scope = _wanted(form.get("scope", ""))
    if resource not in directory.registration.resources:
        return unknown_resource()
    if scope not in ("user_impersonation", ".default"):
        return refusal(400, "invalid_scope", (70011,))
    return _exchange(directory, tenant, form, resource)


def _refuse_request(form: Mapping[str, str]) -> Answer | None:
    if form.get("grant_type") != GRANT_TYPE:
        return refusal(400, "unsupported_grant_type", (70003,))
    if form.get("requested_token_use") != "on_behalf_of" or not form.get("assertion"):
        return refusal(400, "invalid_request", (900144,))
    return None


def _refuse_application(directory: Directory, tenant: str, form: Mapping[str, str]) -> Answer | None:
    if form.get("client_id") != directory.registration.client_id:
        return unknown_application()
    return refuse_client(
        form,
        directory.registration,
        directory.keys,
        token_endpoint=f"{directory.base_url}/{tenant}/oauth2/v2.0/token",
        identity_issuer=f"{directory.base_url}/{directory.tenants[0]}/v2.0",
    )


def _wanted(scopes: str) -> tuple[str, str]:
    """Return the requested resource and permission, ignoring the OpenID scopes."""
    for scope in scopes.split():
        if scope not in OPENID_SCOPES:
            resource, _, permission = scope.rpartition("/")
            return resource, permission
    return "", ""


def _exchange(directory: Directory, tenant: str, form: Mapping[str, str], resource: str) -> Answer:
    registration = directory.registration
    try:
        claims = directory.keys.verify(form["assertion"], audience=[registration.client_id, registration.audience_uri])
    except jwt.PyJWTError as error:
        code = next((code for kind, code in _REFUSED_ASSERTIONS.items() if isinstance(error, kind)), 50027)
        return refusal(400, "invalid_grant", (code,))
    if "scp" not in claims or claims.get("idtyp") == "app" or "oid" not in claims:
        return refusal(400, "invalid_grant", (50027,))
    if claims.get("tid") != tenant:
        return refusal(400, "invalid_grant", (50013,))
    context = directory.required_context
    if context and context not in (claims.get("acrs") or ()):
        wanted = {"access_token": {"acrs": {"essential": True, "value": context}}}
        return interaction_required(json.dumps(wanted, separators=(",", ":")))
    return _issue(directory, form, claims, resource)


def _issue(directory: Directory, form: Mapping[str, str], claims: Mapping[str, Any], resource: str) -> Answer:
    user = User(str(claims.get("name")), str(claims["oid"]), str(claims["tid"]))
    scopes = form["scope"].split()
    answer: dict[str, object] = {
        "token_type": "Bearer",
        "scope": f"{resource}/user_impersonation",
        "expires_in": directory.expires_in_seconds,
        "ext_expires_in": directory.expires_in_seconds,
        "access_token": directory.partner_center_token(user, resource=resource, amr=claims.get("amr")),
    }
    if form.get("client_info") == "1":
        answer["client_info"] = directory.client_info(user)
    if "offline_access" in scopes:
        answer["refresh_token"] = directory.refresh_token(user)
    if "openid" in scopes:
        answer["id_token"] = directory.id_token(user)
    return Answer.json(answer, headers=(("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache")))
