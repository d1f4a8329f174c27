"""What the token endpoint answered -> an access token, or the error that says who must act.

Decided on ``error``, ``suberror`` and ``claims``; numbers only refine, as "apps that take a dependency on text or
error code numbers will be broken over time" (learn.microsoft.com/entra/identity-platform/reference-error-codes).
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..claims_challenge import compact_claims
from ..errors import (
    AccessBlocked,
    ConsentRequired,
    EntraThrottled,
    EntraUnexpected,
    InteractionRequired,
    InvalidToken,
    Misconfigured,
    UpdateProfileError,
)
from ..evidence import ClaimsChallenge, EntraFault, Evidence
from ..formats import GUID
from ..settings import Settings
from .bearer_token import Caller

THROTTLED = frozenset({50196})
BLOCKED = frozenset({53003, 50105, 50057})
NO_CONSENT = frozenset({65001, 65004, 90094})
BAD_ASSERTION = frozenset({50013, 500133, 5000224, 50027, 240002})
WRONG_AUDIENCE = 500131
NOT_IN_TENANT = frozenset({700016, 500011})
OURS = frozenset(
    {
        "invalid_client",
        "unauthorized_client",
        "invalid_scope",
        "invalid_resource",
        "invalid_request",
        "invalid_tenant",
        "unsupported_grant_type",
    }
)
_ERROR_NAME = re.compile(r"[a-z_]{1,64}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """A Partner Center token. ``expires_in_seconds`` counts from the moment it was asked for; 0 when not told."""

    value: str = field(repr=False)
    expires_in_seconds: float


def read_result(
    result: Mapping[str, Any], *, status: int, retry_after_seconds: int | None, caller: Caller, settings: Settings
) -> AccessToken:
    """Read what msal made of the token endpoint's answer.

    Args:
        result: The JSON object of the answer.
        status: Its HTTP status.
        retry_after_seconds: Its Retry-After; None without one.
        caller: For whom was asked.
        settings: For the addresses an administrator needs.

    Raises:
        EntraRefused, EntraThrottled, EntraUnexpected, InvalidToken, Misconfigured: No token came.
    """
    if "access_token" in result:
        return _access_token(result, caller)
    refusal = _Refusal(result, caller, settings)
    if status == 429 or refusal.error == "temporarily_unavailable" or refusal.has(THROTTLED):
        evidence = Evidence(entra=refusal.fault, retry_after_seconds=retry_after_seconds)
        raise EntraThrottled("Entra ID asks to wait before the next sign-in.", evidence)
    raise _refused(refusal)


def lacks_application(fault: EntraFault) -> bool:
    """Whether the tenant lacks this application, or Partner Center's."""
    return not NOT_IN_TENANT.isdisjoint(fault.codes)


def _access_token(result: Mapping[str, Any], caller: Caller) -> AccessToken:
    value = result["access_token"]
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise EntraUnexpected("Entra ID's answer holds no usable token.")
    for name, expected in (("oid", caller.user_id), ("tid", caller.tenant_id)):
        named = _peek(value).get(name, expected)
        if not isinstance(named, str) or named.lower() != expected.lower():
            raise EntraUnexpected("Entra ID's answer holds another user's token; it is not used.")
    return AccessToken(value=value, expires_in_seconds=_seconds(result.get("expires_in")))


def _peek(value: str) -> Mapping[str, Any]:
    """The claims of a token that can be read, {} of any other. A hint: access tokens are for their audience to read."""
    segments = value.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(segments[1] + "=" * (-len(segments[1]) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _seconds(value: object) -> float:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:10])
    return min(max(float(value), 0.0), 86_400.0) if isinstance(value, int | float) else 0.0


class _Refusal:
    """One refusal of Entra's, cleaned of everything but names and numbers."""

    def __init__(self, result: Mapping[str, Any], caller: Caller, settings: Settings) -> None:
        error, codes, trace_id = result.get("error"), result.get("error_codes"), result.get("trace_id")
        self.error = error if isinstance(error, str) and _ERROR_NAME.fullmatch(error) else None
        self.suberror = result.get("suberror")
        self.codes = tuple(code for code in codes if type(code) is int)[:10] if isinstance(codes, list) else ()
        trace_id = trace_id if isinstance(trace_id, str) and GUID.fullmatch(trace_id) else None
        self.fault = EntraFault(error=self.error, codes=self.codes, trace_id=trace_id)
        self.evidence = Evidence(entra=self.fault)
        self.claims = compact_claims(result.get("claims"))
        self.tenant_url = f"{settings.authority_host}/{caller.tenant_id}"
        self.caller = caller
        self.settings = settings

    def has(self, codes: frozenset[int]) -> bool:
        return not codes.isdisjoint(self.codes)


def _refused(refusal: _Refusal) -> UpdateProfileError:
    """The first that fits, from the surest sign to the vaguest."""
    if refusal.claims is not None:
        return _challenged(refusal, refusal.claims)
    if refusal.has(BLOCKED):
        return AccessBlocked("A policy or an assignment of the user's tenant refuses this user.", refusal.evidence)
    if refusal.suberror == "consent_required" or refusal.has(NO_CONSENT):
        return _consent("An administrator of the user's tenant must consent to Partner Center first.", refusal)
    if refusal.has(NOT_IN_TENANT) and len(refusal.settings.allowed_tenants) > 1:
        return _consent(
            "The user's tenant lacks this application, or Partner Center's: an administrator there must consent. If"
            " every tenant is refused, this function's ENTRA_CLIENT_ID or PARTNER_CENTER_SCOPE is wrong.",
            refusal,
        )
    return _fault(refusal)


def _fault(refusal: _Refusal) -> UpdateProfileError:
    if refusal.suberror == "bad_token" or refusal.has(BAD_ASSERTION):
        return InvalidToken("Entra ID does not take the bearer token for an exchange.", refusal.evidence)
    if refusal.error in OURS or WRONG_AUDIENCE in refusal.codes:
        return Misconfigured("Entra ID refuses this function's registration or credential.", refusal.evidence)
    if refusal.error in ("invalid_grant", "interaction_required", "login_required"):
        return InteractionRequired("The user must sign in again.", refusal.evidence)
    return EntraUnexpected("Entra ID's answer has no meaning here.", refusal.evidence)


def _challenged(refusal: _Refusal, claims: str) -> UpdateProfileError:
    challenge = ClaimsChallenge(
        tenant_id=refusal.caller.tenant_id,
        authorization_uri=f"{refusal.tenant_url}/oauth2/v2.0/authorize",
        claims=claims,
    )
    detail = "The user must sign in again with the claims that WWW-Authenticate asks for."
    return InteractionRequired(detail, Evidence(entra=refusal.fault, challenge=challenge))


def _consent(detail: str, refusal: _Refusal) -> UpdateProfileError:
    evidence = Evidence(
        entra=refusal.fault,
        scope=refusal.settings.partner_center_scope,
        consent_uri=f"{refusal.tenant_url}/adminconsent?client_id={refusal.settings.client_id}",
    )
    return ConsentRequired(detail, evidence)
