"""The token endpoint's answer -> an access token, or the error that says who must act.

``error``, ``suberror`` and ``claims`` decide; numbers only refine, because "apps that take a dependency on text or
error code numbers will be broken over time" (learn.microsoft.com/entra/identity-platform/reference-error-codes).
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from ..call import AccessToken, Caller
from ..claims_challenge import compact_claims
from ..errors import (
    AccessBlocked,
    ClaimsChallenge,
    ConsentRequired,
    EntraFault,
    EntraThrottled,
    EntraUnexpected,
    InteractionRequired,
    InvalidToken,
    Misconfigured,
    UpdateProfileError,
)
from ..formats import GUID
from ..settings import Settings

THROTTLED = frozenset({50196})
BLOCKED = frozenset({53003, 50105, 50057})
NO_CONSENT = frozenset({65001, 65004, 90094})
BAD_ASSERTION = frozenset({50013, 500133, 5000224, 50027, 240002})
WRONG_AUDIENCE = 500131
NOT_IN_TENANT = frozenset({700016, 500011})
OUR_FAULT = frozenset(
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
LONGEST_LIFETIME_SECONDS = 86_400.0
_ERROR_NAME = re.compile(r"[a-z_]{1,64}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)


def read_result(
    result: Mapping[str, Any], *, status: int, retry_after_seconds: int | None, caller: Caller, settings: Settings
) -> AccessToken:
    """Read what msal made of the token endpoint's answer.

    Args:
        result: The JSON object of the answer.
        status: Its HTTP status.
        retry_after_seconds: Its Retry-After; None when absent.
        caller: The user whose token was asked for.
        settings: For the addresses that an administrator needs.

    Raises:
        EntraRefused, EntraThrottled, EntraUnexpected, InvalidToken, Misconfigured: There is no token.
    """
    if "access_token" in result:
        return _access_token(result, caller)
    fault = _fault(result)
    if status == 429 or fault.error == "temporarily_unavailable" or _has(fault, THROTTLED):
        raise EntraThrottled(
            "Entra ID asks to wait before the next sign-in.", entra=fault, retry_after_seconds=retry_after_seconds
        )
    raise _refusal(result, fault, caller, settings)


def lacks_application(fault: EntraFault) -> bool:
    """Return whether the tenant lacks this application, or Partner Center's."""
    return _has(fault, NOT_IN_TENANT)


def _access_token(result: Mapping[str, Any], caller: Caller) -> AccessToken:
    value = result["access_token"]
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise EntraUnexpected("Entra ID's answer has no usable token.")
    for name, expected in (("oid", caller.user_id), ("tid", caller.tenant_id)):
        named = _peek(value).get(name, expected)
        if not isinstance(named, str) or named.lower() != expected.lower():
            raise EntraUnexpected("Entra ID's answer has another user's token; it is not used.")
    return AccessToken(value=value, expires_in_seconds=_seconds(result.get("expires_in")))


def _peek(value: str) -> Mapping[str, Any]:
    """Return the claims of a token that can be read, {} for any other.

    They are a hint: access tokens are for their audience to read.
    """
    segments = value.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(segments[1] + "=" * (-len(segments[1]) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _seconds(value: object) -> float:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:10])
    return min(max(float(value), 0.0), LONGEST_LIFETIME_SECONDS) if isinstance(value, int | float) else 0.0


def _fault(result: Mapping[str, Any]) -> EntraFault:
    """Keep names and numbers of a refusal and nothing else."""
    error, codes, trace_id = result.get("error"), result.get("error_codes"), result.get("trace_id")
    return EntraFault(
        error=error if isinstance(error, str) and _ERROR_NAME.fullmatch(error) else None,
        codes=tuple(code for code in codes if type(code) is int)[:10] if isinstance(codes, list) else (),
        trace_id=trace_id if isinstance(trace_id, str) and GUID.fullmatch(trace_id) else None,
    )


def _has(fault: EntraFault, codes: frozenset[int]) -> bool:
    return not codes.isdisjoint(fault.codes)


def _refusal(  # noqa: PLR0911  an ordered list of signs
    result: Mapping[str, Any], fault: EntraFault, caller: Caller, settings: Settings
) -> UpdateProfileError:
    """Return the error for the first sign that fits, from the surest to the vaguest."""
    suberror = result.get("suberror")
    claims = compact_claims(result.get("claims"))
    if claims is not None:
        return _challenged(claims, fault, caller, settings)
    if _has(fault, BLOCKED):
        return AccessBlocked("A policy or a missing assignment in the user's tenant blocks this user.", entra=fault)
    if suberror == "consent_required" or _has(fault, NO_CONSENT):
        detail = "An administrator of the user's tenant must first consent to Partner Center."
        return _consent(detail, fault, caller, settings)
    if _has(fault, NOT_IN_TENANT) and len(settings.allowed_tenants) > 1:
        detail = (
            "The user's tenant lacks this application, or Partner Center's: an administrator there must consent. If"
            " every tenant is refused, this function's ENTRA_CLIENT_ID or PARTNER_CENTER_SCOPE is wrong."
        )
        return _consent(detail, fault, caller, settings)
    if suberror == "bad_token" or _has(fault, BAD_ASSERTION):
        return InvalidToken("Entra ID does not accept the bearer token for an exchange.", entra=fault)
    if fault.error in OUR_FAULT or WRONG_AUDIENCE in fault.codes:
        return Misconfigured("Entra ID refuses this function's registration or credential.", entra=fault)
    if fault.error in ("invalid_grant", "interaction_required", "login_required"):
        return InteractionRequired("The user must sign in again.", entra=fault)
    return EntraUnexpected("Entra ID's answer has no meaning here.", entra=fault)


def _challenged(claims: str, fault: EntraFault, caller: Caller, settings: Settings) -> InteractionRequired:
    challenge = ClaimsChallenge(
        tenant_id=caller.tenant_id,
        authorization_uri=f"{settings.authority_host}/{caller.tenant_id}/oauth2/v2.0/authorize",
        claims=claims,
    )
    return InteractionRequired(
        "The user must sign in again with the claims that WWW-Authenticate names.", entra=fault, challenge=challenge
    )


def _consent(detail: str, fault: EntraFault, caller: Caller, settings: Settings) -> ConsentRequired:
    return ConsentRequired(
        detail,
        entra=fault,
        scope=settings.partner_center_scope,
        consent_uri=f"{settings.authority_host}/{caller.tenant_id}/adminconsent?client_id={settings.client_id}",
    )
