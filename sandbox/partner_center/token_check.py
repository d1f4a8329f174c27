"""Checks whether Partner Center accepts a bearer token."""

from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from ..entra.key_ring import KeyRing
from ..script import Answer
from . import answers

ISSUERS = ("https://sts.windows.net/{}/", "https://sts.chinacloudapi.cn/{}/")


def bearer(authorization: str | None) -> str | None:
    """Return the token in an Authorization header, or None."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def has_mfa(claims: Mapping[str, Any]) -> bool:
    """Whether the user signed in with a second factor: any `amr` value ending in "mfa", as in Microsoft's samples."""
    methods = claims.get("amr")
    return isinstance(methods, list) and any(str(method).endswith("mfa") for method in methods)


def check(
    token: str | None, keys: KeyRing, *, audiences: Sequence[str], require_mfa: bool
) -> tuple[dict[str, Any], Answer | None]:
    """Return the claims and None for a valid token, or a refusal as the second value for an invalid one."""
    if token is None:
        return {}, answers.missing_token()
    try:
        claims = keys.verify(token, audience=list(audiences))
    except jwt.InvalidAudienceError:
        return {}, answers.wrong_audience()
    except jwt.PyJWTError:
        return {}, answers.refused_token()
    return claims, _refuse(claims, require_mfa=require_mfa)


def _refuse(claims: Mapping[str, Any], *, require_mfa: bool) -> Answer | None:
    if claims.get("iss") not in [issuer.format(claims.get("tid")) for issuer in ISSUERS]:
        return answers.refused_token()
    if "scp" not in claims:
        return answers.app_only()
    if "user_impersonation" not in str(claims["scp"]).split():
        return answers.insufficient_privileges()
    if require_mfa and not has_mfa(claims):
        return answers.mfa_required()
    return None
