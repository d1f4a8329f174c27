"""The token endpoint's answer -> an access token, or the error that says who must act.

``suberror`` and ``error`` decide, families of numbers refine, and ``claims`` counts only when nothing surer speaks:
wherever a Conditional Access policy applies to the user, Entra ID adds the policy's id to ``claims`` of every refusal,
whatever its cause. "Apps that take a dependency on text or error code numbers will be broken over time"
(learn.microsoft.com/entra/identity-platform/reference-error-codes).
"""

import base64
import binascii
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
    EntraUnavailable,
    EntraUnexpected,
    InteractionRequired,
    InvalidToken,
    Misconfigured,
    UpdateProfileError,
)
from ..formats import GUID
from ..settings import Settings
from ..strict_json import parse_object

THROTTLED = frozenset({50196})
# The tenant lacks this application (700016, 7000112: disabled there), or Partner Center's (500011, 500014, 65005,
# 650051, 650052).
NOT_IN_TENANT = frozenset({700016, 500011, 650052, 650051, 65005, 500014, 7000112})
WRONG_AUDIENCE = frozenset({500131, 650057})
MISSING_CREDENTIAL = frozenset({70021, 700211, 700212, 700213})  # no federated credential matches the assertion
NO_CONSENT = frozenset({65001, 65004, 90094})
NOT_ASSIGNED = frozenset({50105, 501051})
DISABLED = frozenset({50057})
BAD_ASSERTION = frozenset({50013, 500133, 5000224, 50027, 240002})
# Conditional Access: 53000 to 53011 and 530001 to 530099.
POLICY_SUBERRORS = frozenset({"message_only", "additional_action"})
OUR_APPLICATION = frozenset(
    {
        "unauthorized_client",
        "invalid_scope",
        "invalid_resource",
        "invalid_request",
        "invalid_tenant",
        "unsupported_grant_type",
    }
)
SIGN_IN = frozenset({"invalid_grant", "interaction_required", "login_required"})
LONGEST_LIFETIME_SECONDS = 86_400.0
MAX_ERROR_CODES = 10
_ERROR_NAME = re.compile(r"[a-z_]{1,64}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]+", re.ASCII)


def read_token(result: Mapping[str, Any], caller: Caller) -> AccessToken:
    """Read a success of the token endpoint.

    Raises:
        EntraUnexpected: It has no usable token, or another user's.
    """
    value = result.get("access_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise EntraUnexpected("Entra ID's answer has no usable token.", reason="unreadable", entra_status=200)
    claims = _peek(value)
    for name, expected in (("oid", caller.user_id), ("tid", caller.tenant_id)):
        named = claims.get(name, expected)
        if not isinstance(named, str) or named.lower() != expected.lower():
            raise EntraUnexpected(
                "Entra ID's answer has another user's token; it is not used.", reason="another_user", entra_status=200
            )
    return AccessToken(value=value, expires_in_seconds=_seconds(result.get("expires_in")))


def _peek(value: str) -> Mapping[str, Any]:
    """Return the claims of a token that can be read, {} for any other.

    They are a hint: access tokens are for their audience to read.
    """
    segments = value.split(".")
    if len(segments) < 2:
        return {}
    try:
        return parse_object(base64.urlsafe_b64decode(segments[1] + "=" * (-len(segments[1]) % 4))) or {}
    except (binascii.Error, ValueError):
        return {}


def _seconds(value: object) -> float:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:10])
    number = float(value) if isinstance(value, int | float) else 0.0
    return min(max(number, 0.0), LONGEST_LIFETIME_SECONDS) if number == number else 0.0  # noqa: PLR0124  NaN is not


def refusal(
    result: Mapping[str, Any] | None,
    *,
    status: int,
    retry_after_seconds: int | None,
    caller: Caller,
    settings: Settings,
) -> UpdateProfileError:
    """Return the error for an answer of the token endpoint that is not a success.

    Args:
        result: Its JSON object; None when it is anything else.
        status: Its HTTP status.
        retry_after_seconds: Its Retry-After; None when absent.
        caller: The user whose token was asked for.
        settings: For the addresses that an administrator needs.
    """
    fault = _fault(result) if result is not None else None
    if status == 429 or (fault and (fault.error == "temporarily_unavailable" or _has(fault, THROTTLED))):
        error: UpdateProfileError = EntraThrottled(
            "Entra ID asks to wait before the next sign-in.", entra=fault, retry_after_seconds=retry_after_seconds
        )
    elif status >= 500:
        error = EntraUnavailable("Entra ID failed.", reason="failed", retry_after_seconds=retry_after_seconds)
    elif fault is None or result is None or not 400 <= status < 500:
        error = EntraUnexpected("Entra ID's answer cannot be read.", reason="unreadable")
    else:
        error = _refused(result, fault, caller, settings)
    error.entra_status = status
    error.neighbour = "entra"
    return error


def _fault(result: Mapping[str, Any]) -> EntraFault:
    """Keep names and numbers of a refusal and nothing else."""
    error, codes, trace_id = result.get("error"), result.get("error_codes"), result.get("trace_id")
    return EntraFault(
        error=error if isinstance(error, str) and _ERROR_NAME.fullmatch(error) else None,
        codes=tuple(code for code in codes if type(code) is int)[:MAX_ERROR_CODES] if isinstance(codes, list) else (),
        trace_id=trace_id if isinstance(trace_id, str) and GUID.fullmatch(trace_id) else None,
    )


def _has(fault: EntraFault, codes: frozenset[int]) -> bool:
    return not codes.isdisjoint(fault.codes)


def _refused(result: Mapping[str, Any], fault: EntraFault, caller: Caller, settings: Settings) -> UpdateProfileError:
    """Return the error for the first sign that fits, from the surest to the vaguest."""
    suberror = result.get("suberror") if isinstance(result.get("suberror"), str) else None
    return (
        _our_side(fault, caller, settings)
        or _their_administrator(suberror, fault, caller, settings)
        or _the_user(suberror, result.get("claims"), fault, caller, settings)
        or EntraUnexpected("Entra ID's answer has no meaning here.", reason="unreadable", entra=fault)
    )


def _our_side(fault: EntraFault, caller: Caller, settings: Settings) -> UpdateProfileError | None:
    """Return the error if our registration or credential is the cause, or a tenant lacks an application; else None."""
    if _has(fault, NOT_IN_TENANT):
        if len(settings.allowed_tenants) > 1:
            return _consent(
                "The user's tenant lacks this application, or Partner Center's: an administrator there must consent."
                " If every tenant is refused, this function's ENTRA_CLIENT_ID or PARTNER_CENTER_SCOPE is wrong.",
                "application_missing",
                fault,
                caller,
                settings,
            )
        return Misconfigured(
            "The tenant lacks this application, or Partner Center's: an administrator must consent, or"
            " ENTRA_CLIENT_ID or PARTNER_CENTER_SCOPE is wrong.",
            reason="application",
            entra=fault,
        )
    if fault.error == "invalid_client" or any(_is_credential(code) for code in fault.codes):
        return Misconfigured("Entra ID refuses this function's credential.", reason="credential", entra=fault)
    if fault.error in OUR_APPLICATION or _has(fault, WRONG_AUDIENCE):
        reason = "tenant" if fault.error == "invalid_tenant" else "application"
        return Misconfigured("Entra ID refuses this function's registration.", reason=reason, entra=fault)
    return None


def _is_credential(code: int) -> bool:
    """Return whether a number is about the client's secret, certificate or federated credential.

    Entra ID sends some of them under ``invalid_request``.
    """
    return code in MISSING_CREDENTIAL or 7000215 <= code <= 7000299


def _their_administrator(
    suberror: object, fault: EntraFault, caller: Caller, settings: Settings
) -> UpdateProfileError | None:
    """Return the error if only an administrator of the tenant can help: consent, a policy, an assignment; else None."""
    if suberror == "consent_required" or _has(fault, NO_CONSENT):
        detail = "An administrator of the user's tenant must first consent to Partner Center."
        return _consent(detail, "consent", fault, caller, settings)
    blocked = "A policy or a missing assignment in the user's tenant blocks this user."
    if _has(fault, NOT_ASSIGNED):
        return AccessBlocked(blocked, reason="assignment", entra=fault)
    if _has(fault, DISABLED):
        return AccessBlocked("The user's account is disabled.", reason="account_disabled", entra=fault)
    if suberror in POLICY_SUBERRORS or any(_is_policy(code) for code in fault.codes):
        return AccessBlocked(blocked, reason="policy", entra=fault)
    return None


def _is_policy(code: int) -> bool:
    return 53000 <= code <= 53011 or 530001 <= code <= 530099


def _the_user(
    suberror: object, claims: object, fault: EntraFault, caller: Caller, settings: Settings
) -> UpdateProfileError | None:
    """Return the error if a new token or a new sign-in of the user helps; else None."""
    if suberror == "bad_token" or _has(fault, BAD_ASSERTION):
        return InvalidToken(
            "Entra ID does not accept the bearer token for an exchange.", reason="refused_by_entra", entra=fault
        )
    if fault.error not in SIGN_IN:
        return None
    wanted = compact_claims(claims)
    if wanted is None:
        return InteractionRequired("The user must sign in again.", reason="sign_in", entra=fault)
    challenge = ClaimsChallenge(
        tenant_id=caller.tenant_id,
        authorization_uri=f"{settings.authority_host}/{caller.tenant_id}/oauth2/v2.0/authorize",
        claims=wanted,
    )
    detail = "The user must sign in again with the claims that WWW-Authenticate names."
    return InteractionRequired(detail, reason="claims", entra=fault, challenge=challenge)


def _consent(detail: str, reason: str, fault: EntraFault, caller: Caller, settings: Settings) -> ConsentRequired:
    return ConsentRequired(
        detail,
        reason=reason,
        entra=fault,
        scope=settings.partner_center_scope,
        consent_uri=f"{settings.authority_host}/{caller.tenant_id}/adminconsent?client_id={settings.client_id}",
    )
