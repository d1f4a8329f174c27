"""Bearer token -> Caller. cryptography verifies the signature; every other check is here or in claims.py.

docs/adr/0003-who-validates-the-token.md explains why this function always validates the token itself, and
docs/adr/0010-rs256-without-pyjwt.md why PyJWT is not used.
"""

import base64
import binascii
import hashlib
import re
import sys
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from ..call import Caller
from ..clouds import Issuers, issuers
from ..deadline import Deadline
from ..errors import InvalidToken, TenantNotAllowed, TokenRefused
from ..expiring_cache import ExpiringCache
from ..settings import Settings
from ..strict_json import parse_object, unique
from . import claims
from .metadata import MAX_KEY_ID_LENGTH, SigningKey
from .signing_keys import SigningKeys

ALGORITHM = "RS256"
MAX_REMEMBERED_TOKENS = 10_000
REMEMBERED_SECONDS = 300.0
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class TokenValidator:
    """Validates bearer tokens. A valid token is remembered for a while; a refusal never is.

    Only the token's digest is remembered. When Entra ID withdraws a key, tokens signed with it are refused once that
    while is over.
    """

    def __init__(
        self,
        settings: Settings,
        signing_keys: SigningKeys,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` returns seconds that never go back, ``wall_clock`` seconds since 1970."""
        self._settings = settings
        self._signing_keys = signing_keys
        self._wall_clock = wall_clock
        self._known: ExpiringCache[bytes, Caller] = ExpiringCache(MAX_REMEMBERED_TOKENS, clock=clock)

    async def validate(self, assertion: str, *, deadline: Deadline) -> Caller:
        """Return the caller that a bearer token names.

        Raises:
            InvalidToken, TenantNotAllowed, AppOnlyToken, InsufficientScope, ClientNotAllowed: The token is not valid.
                ``claimed`` says whom it names, once its signature is verified.
            EntraFailed: Entra ID's keys are not available, so nothing can be said about the token.
        """
        digest = hashlib.sha256(assertion.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None:
            claims.check_expiry(known.expires_at, now=self._wall_clock())
            return known
        caller = await self._validate(assertion, digest, deadline)
        self._known.keep(digest, caller, seconds=min(REMEMBERED_SECONDS, caller.expires_at - self._wall_clock()))
        return caller

    async def _validate(self, assertion: str, digest: bytes, deadline: Deadline) -> Caller:
        """Check everything, in the order of the contract: the first failure is the answer."""
        settings = self._settings
        key_id = _key_id(_segment(assertion, 0))
        unverified = _segment(assertion, 1)
        tenant_id = _allowed_tenant(unverified, settings)
        known = issuers(settings.authority_host, tenant_id)
        try:
            key = await self._signing_keys.find(tenant_id, key_id, deadline=deadline)
            verified = _verify(assertion, key, known)
        except InvalidToken:
            claims.refuse_other_audience(unverified, settings)  # a surer cause: Graph's tokens never verify elsewhere
            raise
        claimed = claims.claimed_ids(verified, tenant_id)
        try:
            expires_at = claims.check_times(verified, now=self._wall_clock())
            claims.check_audience(verified, settings)
            claims.check_issuer(verified, known)
            user_id = claims.check_user(verified)
            claims.check_scope(verified, settings)
            client_id = claims.check_client(verified, settings)
        except TokenRefused as error:
            error.claimed = claimed
            raise
        return Caller(
            tenant_id=sys.intern(tenant_id),  # thousands are remembered, of few tenants and clients
            user_id=user_id,
            client_id=client_id and sys.intern(client_id),
            token_digest=digest,
            expires_at=expires_at,
        )

    def __len__(self) -> int:
        """Return how many tokens are remembered."""
        return len(self._known)


def _segment(assertion: str, place: int) -> dict[str, Any]:
    """Decode one segment of the token, without trusting it."""
    if not _COMPACT_JWS.fullmatch(assertion):
        raise _not_a_jwt()
    return _object(_decoded(assertion.split(".")[place]))


def _decoded(segment: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise _not_a_jwt() from None


def _object(data: bytes) -> dict[str, Any]:
    document = parse_object(data, make_object=unique)
    if document is None:
        raise _not_a_jwt()
    return document


def _not_a_jwt() -> InvalidToken:
    return InvalidToken("The bearer token is not a signed JWT.", reason="malformed")


def _key_id(header: Mapping[str, Any]) -> str:
    if header.get("alg") != ALGORITHM:
        raise InvalidToken(f"The bearer token must be signed with {ALGORITHM}.", reason="algorithm")
    if "crit" in header:  # RFC 7515, section 4.1.11: an extension that is not understood makes the token invalid
        raise InvalidToken("The bearer token requires an extension that is not supported (crit).", reason="malformed")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_KEY_ID_LENGTH:
        raise InvalidToken("The bearer token names no signing key (kid).", reason="unknown_key")
    return key_id


def _allowed_tenant(unverified: Mapping[str, Any], settings: Settings) -> str:
    """Return the tenant that a token claims to come from, before its signature is verified.

    A tenant outside the list is refused here, so that no stranger makes us fetch keys.
    """
    tenant_id = unverified.get("tid")
    if not isinstance(tenant_id, str):
        raise InvalidToken("The bearer token names no tenant (tid).", reason="malformed")
    if tenant_id.lower() not in settings.allowed_tenants:
        raise TenantNotAllowed("The user's tenant is not in this function's list of allowed tenants.")
    return tenant_id.lower()


@lru_cache(maxsize=64)
def _public_key(modulus: int, exponent: int) -> RSAPublicKey:
    return RSAPublicNumbers(exponent, modulus).public_key()


def _verify(assertion: str, key: SigningKey, known: Issuers) -> dict[str, Any]:
    """Return the claims, once the signature is verified and the key may sign for this tenant."""
    if key.issuer is not None and key.issuer not in (known.v1, known.v2):
        raise InvalidToken("The bearer token is signed with another issuer's key.", reason="issuer")
    signed, _, signature = assertion.rpartition(".")
    try:
        public_key = _public_key(key.modulus, key.exponent)
        public_key.verify(_decoded(signature), signed.encode("ascii"), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):  # ValueError: numbers that make no RSA key
        raise InvalidToken("The bearer token's signature is not valid.", reason="signature") from None
    return _object(_decoded(signed.partition(".")[2]))
