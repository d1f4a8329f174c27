"""Bearer token -> Caller. PyJWT verifies the signature and nothing else.

docs/adr/0003-who-validates-the-token.md explains why this function always validates the token itself.
"""

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from ..call import Caller
from ..clouds import Issuers, issuers
from ..deadline import Deadline
from ..errors import InvalidToken, TenantNotAllowed
from ..expiring_cache import ExpiringCache
from ..settings import Settings
from ..strict_json import parse_object, unique
from . import claims
from .metadata import SigningKey
from .signing_keys import SigningKeys

ALGORITHM = "RS256"
MAX_KEY_ID_LENGTH = 128
MAX_REMEMBERED_TOKENS = 10_000
REMEMBERED_SECONDS = 300.0
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class TokenValidator:
    """Validates bearer tokens. A valid token is remembered for a while; a refusal never is.

    Only the token's digest is remembered. When Entra ID withdraws a key, tokens signed with it are refused once that
    while is over.
    """

    def __init__(
        self, settings: Settings, signing_keys: SigningKeys, *, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` returns seconds since 1970."""
        self._settings = settings
        self._signing_keys = signing_keys
        self._clock = clock
        self._known: ExpiringCache[bytes, Caller] = ExpiringCache(MAX_REMEMBERED_TOKENS, clock=clock)

    async def validate(self, assertion: str, *, deadline: Deadline) -> Caller:
        """Return the caller that a bearer token names.

        Raises:
            InvalidToken, TenantNotAllowed, AppOnlyToken, InsufficientScope, ClientNotAllowed: The token is not valid.
            EntraFailed: Entra ID's keys are not available, so nothing can be said about the token.
        """
        digest = hashlib.sha256(assertion.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None:
            return known.value
        caller = await self._validate(assertion, digest, deadline)
        self._known.keep(digest, caller, until=min(self._clock() + REMEMBERED_SECONDS, caller.expires_at))
        return caller

    async def _validate(self, assertion: str, digest: bytes, deadline: Deadline) -> Caller:
        """Check everything, in the order of the contract: the first failure is the answer."""
        settings = self._settings
        key_id = _key_id(_segment(assertion, 0))
        tenant_id = _allowed_tenant(_segment(assertion, 1), settings)
        known = issuers(settings.authority_host, tenant_id)
        key = await self._signing_keys.find(tenant_id, key_id, deadline=deadline)
        verified = _verify(assertion, key, known)
        expires_at = claims.check_times(verified, now=self._clock())
        claims.check_audience(verified, settings)
        claims.check_issuer(verified, known)
        user_id = claims.check_user(verified)
        claims.check_scope(verified, settings)
        client_id = claims.check_client(verified, settings)
        return Caller(
            tenant_id=tenant_id, user_id=user_id, client_id=client_id, token_digest=digest, expires_at=expires_at
        )

    def __len__(self) -> int:
        """Return how many tokens are remembered."""
        return len(self._known)


def _segment(assertion: str, place: int) -> dict[str, Any]:
    """Decode one segment of the token, without trusting it."""
    if not _COMPACT_JWS.fullmatch(assertion):
        raise _not_a_jwt()
    segment = assertion.split(".")[place]
    try:
        return _object(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except binascii.Error:
        raise _not_a_jwt() from None


def _object(data: bytes) -> dict[str, Any]:
    document = parse_object(data, make_object=unique)
    if document is None:
        raise _not_a_jwt()
    return document


def _not_a_jwt() -> InvalidToken:
    return InvalidToken("The bearer token is not a signed JWT.")


def _key_id(header: Mapping[str, Any]) -> str:
    if header.get("alg") != ALGORITHM:
        raise InvalidToken(f"The bearer token must be signed with {ALGORITHM}.")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_KEY_ID_LENGTH:
        raise InvalidToken("The bearer token names no signing key (kid).")
    return key_id


def _allowed_tenant(unverified: Mapping[str, Any], settings: Settings) -> str:
    """Return the tenant that a token claims to come from, before its signature is verified.

    A tenant outside the list is refused here, so that no stranger makes us fetch keys.
    """
    tenant_id = unverified.get("tid")
    if not isinstance(tenant_id, str):
        raise InvalidToken("The bearer token names no tenant (tid).")
    if tenant_id.lower() not in settings.allowed_tenants:
        raise TenantNotAllowed("The user's tenant is not in this function's list of allowed tenants.")
    return tenant_id.lower()


def _verify(assertion: str, key: SigningKey, known: Issuers) -> dict[str, Any]:
    """Return the claims, once the signature is verified and the key may sign for this tenant."""
    if key.issuer is not None and key.issuer not in (known.v1, known.v2):
        raise InvalidToken("The bearer token is signed with another issuer's key.")
    try:
        payload = jwt.PyJWS().decode(assertion, jwt.PyJWK(dict(key.jwk), ALGORITHM), algorithms=[ALGORITHM])
    except jwt.PyJWTError:
        raise InvalidToken("The bearer token's signature is not valid.") from None
    return _object(payload)
