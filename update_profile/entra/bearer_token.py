"""Bearer token -> Caller. The only module that imports jwt, which verifies the signature and nothing else.

Why this function validates the token itself, always: docs/adr/0003-who-validates-the-token.md.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from ..clouds import Issuers, issuers
from ..deadline import Deadline
from ..errors import InvalidToken, TenantNotAllowed
from ..settings import Settings
from ..strict_json import NotJson, parse, unique
from . import claims as token_claims
from .signing_keys import SigningKey, SigningKeys

ALGORITHM = "RS256"
MAX_KEY_ID_LENGTH = 128
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The user who asks, as Entra ID vouches for.

    Attributes:
        tenant_id: GUID, in lower case.
        user_id: The user's object id in that tenant.
        client_id: The application that sent the token; None when the token names none.
        assertion: The bearer token itself, byte for byte.
        expires_at: When the assertion ends, in seconds since 1970.
    """

    tenant_id: str
    user_id: str
    client_id: str | None
    assertion: str = field(repr=False)
    expires_at: float


async def validate(
    assertion: str, *, settings: Settings, signing_keys: SigningKeys, deadline: Deadline, clock: Callable[[], float]
) -> Caller:
    """Validate a bearer token. The first failure answers, in the order of the steps.

    Raises:
        InvalidToken, TenantNotAllowed, AppOnlyToken, InsufficientScope, ClientNotAllowed: The token is no good.
        EntraTrouble: Entra's keys cannot be had, so nothing can be said of the token.
    """
    key_id = _key_id(_segment(assertion, 0))
    tenant_id = _allowed_tenant(_segment(assertion, 1), settings)
    known = issuers(settings.authority_host, tenant_id)
    key = await signing_keys.find(tenant_id, key_id, deadline=deadline)
    claims = _verify(assertion, key, known)
    expires_at = token_claims.check_times(claims, now=clock())
    token_claims.check_audience(claims, settings)
    token_claims.check_issuer(claims, known)
    user_id = token_claims.check_user(claims)
    token_claims.check_scope(claims, settings)
    client_id = token_claims.check_client(claims, settings)
    return Caller(tenant_id=tenant_id, user_id=user_id, client_id=client_id, assertion=assertion, expires_at=expires_at)


def _segment(assertion: str, place: int) -> dict[str, Any]:
    """One segment of the token as an object, without trusting it."""
    if not _COMPACT_JWS.fullmatch(assertion):
        raise InvalidToken("The bearer token is no signed JWT.")
    segment = assertion.split(".")[place]
    try:
        return _object(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except binascii.Error:
        raise InvalidToken("The bearer token is no signed JWT.") from None


def _object(data: bytes) -> dict[str, Any]:
    try:
        document = parse(data, make_object=unique)
    except NotJson:
        document = None
    if not isinstance(document, dict):
        raise InvalidToken("The bearer token is no signed JWT.")
    return document


def _key_id(header: Mapping[str, Any]) -> str:
    if header.get("alg") != ALGORITHM:
        raise InvalidToken(f"The bearer token must be signed with {ALGORITHM}.")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_KEY_ID_LENGTH:
        raise InvalidToken("The bearer token names no signing key (kid).")
    return key_id


def _allowed_tenant(unverified: Mapping[str, Any], settings: Settings) -> str:
    """The tenant a token says it is from. Looked at before the signature, so that no stranger makes us fetch keys."""
    tenant_id = unverified.get("tid")
    if not isinstance(tenant_id, str):
        raise InvalidToken("The bearer token names no tenant (tid).")
    if tenant_id.lower() not in settings.allowed_tenants:
        raise TenantNotAllowed("The user's tenant is not in this function's list of tenants.")
    return tenant_id.lower()


def _verify(assertion: str, key: SigningKey, known: Issuers) -> dict[str, Any]:
    """The claims, once the signature holds and the key may sign for this tenant."""
    if key.issuer is not None and key.issuer not in (known.v1, known.v2):
        raise InvalidToken("The bearer token is signed with another issuer's key.")
    try:
        payload = jwt.PyJWS().decode(assertion, jwt.PyJWK(dict(key.jwk), ALGORITHM), algorithms=[ALGORITHM])
    except jwt.PyJWTError:
        raise InvalidToken("The bearer token's signature does not hold.") from None
    return _object(payload)
