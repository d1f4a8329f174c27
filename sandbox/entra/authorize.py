"""Reads an authorize request: what an application asks for in the address that it sends a browser to.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow. A fault of the client or of the redirect
URI is shown to the person, as nothing may go to an address that is not registered. Other faults go to the application.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from ..script import Answer
from . import pages, scopes
from .directory import Directory
from .errors import code_of, refusal, text_of
from .metadata import ANY_TENANT
from .remembered import Interaction

_PROMPTS = ("", "none", "login", "select_account", "consent")
# RFC 7636 section 4.2.
_CHALLENGE_LENGTHS = range(43, 129)
# Members of a claims request that only a second factor can satisfy.
_NEEDS_SECOND_FACTOR = ("acrs", "amr", "capolids")


def read(directory: Directory, tenant: str, query: str) -> Interaction | Answer:
    """Return the sign-in that the request begins, or the answer that refuses it."""
    asked = dict(parse_qsl(query, keep_blank_values=True))
    if tenant not in (*directory.tenants, *ANY_TENANT):
        return pages.fault(90002, text_of(90002))
    application = directory.applications.find(asked.get("client_id"))
    if application is None:
        return pages.fault(700016, text_of(700016))
    if "redirect_uri" not in asked or not application.accepts(asked["redirect_uri"]):
        return pages.fault(50011, text_of(50011))
    wanted, refused = scopes.read(asked.get("scope", ""), directory.registration)
    refused = refused or _refuse(asked)
    if refused:
        return back(asked, code_of(refused))
    claims = claims_request(asked.get("claims", ""))
    return Interaction(tenant, application, wanted, asked, contexts(claims), needs_second_factor(claims))


def claims_request(text: str) -> Mapping[str, object]:
    """Return what a claims request (OpenID Connect Core 5.5) asks of the access token. Empty: nothing.

    Raises:
        ValueError: The text is not such a request.
    """
    members = json.loads(text or "{}")
    if not isinstance(members, dict) or not isinstance(members.get("access_token", {}), dict | None):
        raise ValueError("not a claims request")  # noqa: TRY004 - as for text that is no JSON
    return members.get("access_token") or {}


def needs_second_factor(claims: Mapping[str, object]) -> bool:
    """Whether only a second factor satisfies these claims."""
    return any(name in claims for name in _NEEDS_SECOND_FACTOR)


def contexts(claims: Mapping[str, object]) -> tuple[str, ...]:
    """Return the authentication contexts (`acrs`) that are asked for."""
    wanted = claims.get("acrs")
    if not isinstance(wanted, dict):
        return ()
    several = wanted.get("values")
    values = [wanted.get("value"), *(several if isinstance(several, list) else ())]
    return tuple(value for value in values if isinstance(value, str))


def back(asked: Mapping[str, str], members: Mapping[str, str]) -> Answer:
    """Send an answer to the application, in the mode that it asked for."""
    address, mode = asked["redirect_uri"], asked.get("response_mode") or "query"
    members = {**members, **({"state": asked["state"]} if "state" in asked else {})}
    if mode == "form_post":
        return pages.posted_back(address, members)
    mark = "#" if mode == "fragment" else "&" if "?" in address else "?"
    location = f"{address}{mark}{urlencode(members)}"
    return Answer(status=302, headers=(("Location", location), ("Cache-Control", "no-store, no-cache")))


def _refuse(asked: Mapping[str, str]) -> Answer | None:
    if asked.get("response_type") != "code":
        return refusal(400, "unsupported_response_type", (700054,))
    if asked.get("prompt", "") not in _PROMPTS:
        return refusal(400, "invalid_request", (90023,))
    if asked.get("code_challenge_method", "S256") not in ("S256", "plain"):
        return refusal(400, "invalid_request", (9002313,))
    if "code_challenge" in asked and len(asked["code_challenge"]) not in _CHALLENGE_LENGTHS:
        return refusal(400, "invalid_request", (501491,))
    try:
        claims_request(asked.get("claims", ""))
    except ValueError:
        return refusal(400, "invalid_request", (9002313,))
    return None
