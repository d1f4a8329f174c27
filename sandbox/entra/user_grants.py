"""The token endpoint's grants that are not the exchange: a code, a refresh token, a device code, an application alone.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, v2-oauth2-device-code and
v2-oauth2-client-creds-grant-flow.
"""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from ..script import Answer
from ..tokens import encode
from . import authorize, device, scopes, token_answer
from .applications import Application
from .directory import Directory
from .errors import interaction_required, refusal, wrong_secret
from .metadata import ANY_TENANT
from .remembered import Code, RefreshToken

CODE_GRANT = "authorization_code"
REFRESH_GRANT = "refresh_token"
DEVICE_GRANTS = ("urn:ietf:params:oauth:grant-type:device_code", "device_code")  # MSAL.js sends the short one
APPLICATION_GRANT = "client_credentials"


def redeem(directory: Directory, tenant: str, form: Mapping[str, str], origin: str | None) -> Answer:
    """Answer one of these grants. `origin` is the Origin header of a page. None: no browser's page asks."""
    if tenant not in (*directory.tenants, *ANY_TENANT):
        return refusal(400, "invalid_request", (90002,))
    application = directory.applications.find(form.get("client_id"))
    if application is None:
        return refusal(400, "unauthorized_client", (700016,))
    return refuse_client(application, form, origin) or _redeem(directory, tenant, form, application)


def _redeem(directory: Directory, tenant: str, form: Mapping[str, str], application: Application) -> Answer:
    grant = form.get("grant_type")
    if grant == CODE_GRANT:
        return _code(directory, tenant, form, application)
    if grant == REFRESH_GRANT:
        return _refresh(directory, tenant, form, application)
    if grant in DEVICE_GRANTS:
        found = device.poll(directory, form)
        return found if isinstance(found, Answer) else token_answer.of(directory, found, form)
    return _application(directory, tenant, form, application)


def refuse_client(application: Application, form: Mapping[str, str], origin: str | None) -> Answer | None:
    """Return the refusal of a client that may not redeem here in this way. None: it may.

    A page redeems only what was given to a single-page application, and nothing else redeems that.
    """
    if application.platform == "spa":
        if origin is None:
            return refusal(400, "invalid_request", (9002327,))
        return None if application.has_origin(origin) else refusal(400, "invalid_request", (9002326,))
    if origin is not None:
        return refusal(400, "invalid_request", (9002326,))
    presented = form.get("client_secret")
    if application.secret is None:
        given = presented is not None or "client_assertion" in form
        return refusal(401, "invalid_client", (700025,)) if given else None
    if presented is None:
        return refusal(401, "invalid_client", (7000218,))
    return None if hmac.compare_digest(presented.encode(), application.secret.encode()) else wrong_secret()


def _code(directory: Directory, tenant: str, form: Mapping[str, str], application: Application) -> Answer:
    known = directory.remembered.codes.get(form.get("code", ""))
    if known is None:
        return refusal(400, "invalid_grant", (9002313,))
    refused = _refuse_code(directory, known, form, application)
    if refused:
        return refused
    if tenant not in (*ANY_TENANT, known.signed_in.user.tenant_id):
        return refusal(400, "invalid_grant", (700005,))
    known.redeemed = True
    return token_answer.of(directory, known.signed_in, form)


def _refuse_code(directory: Directory, known: Code, form: Mapping[str, str], application: Application) -> Answer | None:
    asked = known.signed_in.asked
    if known.signed_in.application.client_id != application.client_id:
        return refusal(400, "invalid_grant", (70000,))
    if known.redeemed:
        return refusal(400, "invalid_grant", (54005,))
    if known.until <= directory.remembered.now():
        return refusal(400, "invalid_grant", (70008,))
    if form.get("redirect_uri") != asked["redirect_uri"]:
        return refusal(400, "invalid_grant", (500112,))
    return _refuse_verifier(form.get("code_verifier", ""), asked, application)


def _refuse_verifier(verifier: str, asked: Mapping[str, str], application: Application) -> Answer | None:
    """Check the proof of RFC 7636, section 4.6. A single-page application must have asked for it."""
    challenge = asked.get("code_challenge")
    if challenge is None:
        spa = application.platform == "spa"
        return refusal(400, "invalid_request", (9002325,)) if spa else None
    if not verifier:
        return refusal(400, "invalid_grant", (50148,))
    hashed = encode(sha256(verifier.encode()).digest())
    expected = verifier if asked.get("code_challenge_method", "plain") == "plain" else hashed
    return None if hmac.compare_digest(expected, challenge) else refusal(400, "invalid_grant", (501481,))


def _refresh(directory: Directory, tenant: str, form: Mapping[str, str], application: Application) -> Answer:
    known = directory.remembered.refresh_tokens.get(form.get("refresh_token", ""))
    if known is None or known.signed_in.application.client_id != application.client_id:
        return refusal(400, "invalid_grant", (9002313,))
    wanted, refused = scopes.read(form.get("scope") or known.signed_in.wanted.scope, directory.registration)
    refused = refused or _refuse_refresh(directory, tenant, known)
    if refused:
        return refused
    try:
        claims = authorize.claims_request(form.get("claims", ""))
    except ValueError:
        return refusal(400, "invalid_request", (9002313,))
    if authorize.needs_second_factor(claims) and "mfa" not in known.signed_in.amr:
        return interaction_required(form["claims"])
    if scopes.needs_consent(wanted, application, directory.registration):
        return refusal(400, "invalid_grant", (65001,), suberror="consent_required")
    again = replace(known.signed_in, wanted=wanted, acrs=authorize.contexts(claims))
    return token_answer.of(directory, again, form, until=None if known.sliding else known.until)


def _refuse_refresh(directory: Directory, tenant: str, known: RefreshToken) -> Answer | None:
    if known.revoked:
        return refusal(400, "invalid_grant", (50173,), suberror="bad_token")
    if known.until <= directory.remembered.now():
        return refusal(400, "invalid_grant", (700082 if known.sliding else 700084,), suberror="bad_token")
    if tenant not in (*ANY_TENANT, known.signed_in.user.tenant_id):  # nobody is a guest of another tenant here
        return refusal(400, "invalid_grant", (50020,))
    return None


def _application(directory: Directory, tenant: str, form: Mapping[str, str], application: Application) -> Answer:
    """Answer an application that asks for a token of its own, without a user."""
    if application.secret is None:
        return refusal(401, "invalid_client", (7000218,))
    if tenant not in directory.tenants:
        return refusal(400, "invalid_request", (900971,))
    wanted, refused = scopes.read(form.get("scope", ""), directory.registration)
    if refused:
        return refused
    if wanted.permission != scopes.DEFAULT:
        return refusal(400, "invalid_scope", (1002012,))
    if wanted.application != directory.registration.client_id:
        return refusal(400, "invalid_resource", (500011,))  # no application has a permission of its own elsewhere
    return token_answer.of_application(directory, application, tenant)
