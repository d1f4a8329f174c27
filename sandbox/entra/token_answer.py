"""The answer of the token endpoint to a sign-in: the access token, and the id and refresh tokens if asked for."""

from collections.abc import Mapping
from typing import Any

from ..script import Answer
from . import claims, scopes
from .applications import Application
from .directory import Directory
from .remembered import SignedIn

_HEADERS = (("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache"))


def of(directory: Directory, signed_in: SignedIn, form: Mapping[str, str], *, until: float | None = None) -> Answer:
    """Return the tokens of a sign-in. `until` is the end of the refresh token. None: its platform's lifetime."""
    wanted = signed_in.wanted
    permission = directory.registration.scope if wanted.permission == scopes.DEFAULT else wanted.permission
    answer: dict[str, object] = {
        "token_type": "Bearer",
        "scope": " ".join(dict.fromkeys([f"{wanted.resource}/{permission}", wanted.scope])),
        "expires_in": directory.sign_in_seconds,
        "ext_expires_in": directory.sign_in_seconds,
        "access_token": directory.mint(access_claims(directory, signed_in)),
    }
    if "openid" in wanted.openid:
        answer["id_token"] = directory.mint(_identity(directory, signed_in))
    if "offline_access" in wanted.openid:
        answer["refresh_token"] = directory.remembered.give_refresh_token(signed_in, until=until)
    if form.get("client_info") == "1":
        answer["client_info"] = directory.client_info(signed_in.user)
    return Answer.json(answer, headers=_HEADERS)


def of_application(directory: Directory, application: Application, tenant: str) -> Answer:
    """Return an application's own token for our function."""
    payload = claims.for_application(application.client_id, tenant, directory.registration, base_url=directory.base_url)
    answer = {
        "token_type": "Bearer",
        "expires_in": directory.sign_in_seconds,
        "ext_expires_in": directory.sign_in_seconds,
        "access_token": directory.mint(payload),
    }
    return Answer.json(answer, headers=_HEADERS)


def access_claims(directory: Directory, signed_in: SignedIn) -> dict[str, Any]:
    """Return the claims of the access token of a sign-in, for whichever API was asked for."""
    user, application, wanted = signed_in.user, signed_in.application, signed_in.wanted
    registration = directory.registration
    proof: dict[str, Any] = {"amr": list(signed_in.amr)}
    if signed_in.acrs:
        proof["acrs"] = list(signed_in.acrs)
    strength = "1" if application.secret else "0"
    if wanted.application == registration.client_id:
        payload = claims.for_function(user, registration, base_url=directory.base_url, version="2.0")
        client = {"azp": application.client_id, "azpacr": strength}
        names = {"upn": user.upn, "preferred_username": user.upn}
    elif wanted.resource in registration.resources:
        payload = claims.for_partner_center(user, registration, resource=wanted.resource)
        client, names = {"appid": application.client_id, "appidacr": strength}, {"upn": user.upn}
    else:
        payload = claims.for_graph(user, wanted.permission)
        client, names = {"appid": application.client_id, "appidacr": strength}, {"upn": user.upn}
    return {**payload, **proof, **client, **names, "exp": payload["iat"] + directory.sign_in_seconds}


def _identity(directory: Directory, signed_in: SignedIn) -> dict[str, Any]:
    """Return the claims of an id token (learn.microsoft.com/entra/identity-platform/id-token-claims-reference)."""
    user, client_id = signed_in.user, signed_in.application.client_id
    payload = claims.common(user, client_id)
    payload |= {"aud": client_id, "iss": f"{directory.base_url}/{user.tenant_id}/v2.0", "ver": "2.0"}
    payload |= {"name": user.name.title(), "preferred_username": user.upn}
    if "nonce" in signed_in.asked:
        payload["nonce"] = signed_in.asked["nonce"]
    return payload
