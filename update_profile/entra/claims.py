"""Which claims make a token a user's, for this function, now.

Claims and their meaning: learn.microsoft.com/entra/identity-platform/access-token-claims-reference and
claims-validation. The checks are our own: PyJWT raises TypeError and OverflowError on odd times and accepts text for
numbers. They run after the signature is verified; the first failure is the answer.
"""

from collections.abc import Mapping
from typing import Any

from ..clouds import Issuers
from ..errors import AppOnlyToken, ClaimedIds, ClientNotAllowed, InsufficientScope, InvalidToken
from ..formats import GUID
from ..settings import Settings

CLOCK_LEEWAY_SECONDS = 60  # for nbf and iat; none for exp, as Entra ID would refuse the exchange
YEAR_10000 = 253_402_300_800  # in seconds since 1970; later moments cannot be made into a date


def check_times(claims: Mapping[str, Any], *, now: float) -> float:
    """Check ``exp``, ``nbf`` and ``iat``; return ``exp``, in seconds since 1970."""
    expires_at = _time(claims, "exp")
    check_expiry(expires_at, now=now)
    for name in ("nbf", "iat"):
        if _time(claims, name) > now + CLOCK_LEEWAY_SECONDS:
            raise InvalidToken(f"The bearer token is not valid yet ({name}).", reason="not_yet_valid")
    return expires_at


def check_expiry(expires_at: float, *, now: float) -> None:
    """Check that a token is valid at this moment. Both times are in seconds since 1970."""
    if expires_at <= now:
        raise InvalidToken("The bearer token has expired. Get a new one.", reason="expired")


def check_audience(claims: Mapping[str, Any], settings: Settings) -> None:
    """Check that ``aud`` names this function: its GUID in v2 tokens, its App ID URI in v1 tokens."""
    audience = claims.get("aud")
    if not isinstance(audience, str) or audience.lower() not in settings.allowed_audiences:
        raise InvalidToken("The bearer token was issued for another application (aud).", reason="audience")


def refuse_other_audience(unverified: Mapping[str, Any], settings: Settings) -> None:
    """Refuse a token whose signature is not valid for its audience, when it names another one.

    Some resources, Microsoft Graph among them, change their tokens so that nobody else can verify them. "Wrong
    audience" is what their sender can act on.
    """
    audience = unverified.get("aud")
    if isinstance(audience, str):
        check_audience(unverified, settings)


def claimed_ids(claims: Mapping[str, Any], tenant_id: str) -> ClaimedIds:
    """Return whom a token with a valid signature names, for the log."""
    user_id = claims.get("oid")
    client_id = claims.get("azp", claims.get("appid"))
    return ClaimedIds(
        tenant_id=tenant_id,
        user_id=user_id if isinstance(user_id, str) and GUID.fullmatch(user_id) else None,
        client_id=client_id.lower() if isinstance(client_id, str) and GUID.fullmatch(client_id) else None,
    )


def check_issuer(claims: Mapping[str, Any], issuers: Issuers) -> None:
    """Check that ``iss`` is the tenant's own, in the form that goes with ``ver``."""
    expected = {"1.0": issuers.v1, "2.0": issuers.v2}
    version = claims.get("ver")
    if not isinstance(version, str) or expected.get(version) is None or claims.get("iss") != expected[version]:
        raise InvalidToken("The bearer token was issued by someone else (iss, ver).", reason="issuer")


def check_user(claims: Mapping[str, Any]) -> str:
    """Check that the token belongs to a user; return the user's object id.

    ``idtyp`` is optional, so a token with neither it nor ``scp`` counts as an application's. ``roles`` decide nothing:
    users have them too.
    """
    kind = claims.get("idtyp", "user")
    if kind != "user" or ("scp" not in claims and "idtyp" not in claims):
        raise AppOnlyToken(
            "This API acts on behalf of a user, so an app-only token can't be used. Sign a user in and send that token."
        )
    user_id = claims.get("oid")
    if not isinstance(user_id, str) or not user_id.isascii() or not user_id.isprintable() or not user_id.strip():
        raise InvalidToken("The bearer token names no user (oid).", reason="no_user")
    return user_id


def check_scope(claims: Mapping[str, Any], settings: Settings) -> None:
    """Check that ``scp`` has the scope that this function requires."""
    scopes = claims.get("scp")
    if not isinstance(scopes, str) or settings.required_scope not in scopes.split(" "):
        raise InsufficientScope(
            f"The bearer token lacks the scope {settings.required_scope}.", scope=settings.required_scope
        )


def check_client(claims: Mapping[str, Any], settings: Settings) -> str | None:
    """Check that the calling application is allowed; return its client id, None when the token names none."""
    client_id = claims.get("azp") if claims.get("ver") == "2.0" else claims.get("appid")
    known = client_id.lower() if isinstance(client_id, str) else None
    if settings.allowed_clients is not None and known not in settings.allowed_clients:
        raise ClientNotAllowed("The calling application is not in this function's list of allowed clients.")
    return known


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < YEAR_10000:  # refuses NaN too
        raise InvalidToken(f"The bearer token has no usable {name}.", reason="times")
    return float(value)
