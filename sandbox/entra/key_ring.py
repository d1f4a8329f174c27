"""The keys that Entra signs with, and the tokens signed with them."""

import json
from collections.abc import Mapping
from typing import Any

import jwt

from ..tokens import SigningKey, peek, sign


class KeyRing:
    """The published keys. The last one is the newest and signs."""

    def __init__(self) -> None:
        self.published = [SigningKey()]

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self.published[-1]

    def rotate(self, *, keep: bool) -> SigningKey:
        """Sign with a new key from now on. `keep` leaves the older keys published."""
        self.published = [*(self.published if keep else ()), SigningKey()]
        return self.current

    def mint(
        self,
        payload: bytes | Mapping[str, Any],
        *,
        headers: Mapping[str, Any] | None = None,
        key: SigningKey | None = None,
        algorithm: str = "RS256",
    ) -> str:
        """Return a token over `payload`. If `key` is None, the current key signs.

        `headers` replace typ, alg and kid. A header given as None is omitted.
        """
        key = key or self.current
        merged = {"typ": "JWT", "alg": algorithm, "kid": key.kid, **(headers or {})}
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return sign(data, headers={name: value for name, value in merged.items() if value is not None}, key=key)

    def verify(self, token: str, *, audience: str | list[str]) -> dict[str, Any]:
        """Return the claims of a token that is signed by a published key, valid now, and issued for `audience`.

        Raises:
            jwt.PyJWTError: The token is not valid. The subclass gives the reason.
        """
        kid = peek(token, 0).get("kid")
        key = next((key for key in self.published if key.kid == kid), None)
        if key is None:
            raise jwt.InvalidSignatureError("no published key has that kid")
        public_key = key.private_key.public_key()
        return jwt.decode(token, public_key, algorithms=["RS256"], audience=audience, options={"require": ["exp"]})
