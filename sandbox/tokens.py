"""Creates and reads JSON Web Tokens, valid ones and every kind of invalid one."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms


def _new_private_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class SigningKey:
    """A 2048-bit RSA key and the name (`kid`) that it is published under."""

    kid: str = field(default_factory=lambda: uuid.uuid4().hex)
    private_key: RSAPrivateKey = field(default_factory=_new_private_key, repr=False)

    def jwk(self, issuer: str | None = None) -> dict[str, str]:
        """Return the public key as Entra publishes it. If `issuer` is None, that member is omitted."""
        numbers = self.private_key.public_key().public_numbers()
        members = {"kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid, "n": _number(numbers.n)}
        members["e"] = _number(numbers.e)
        return members if issuer is None else {**members, "issuer": issuer}


def sign(payload: bytes, *, headers: Mapping[str, Any], key: SigningKey) -> str:
    """Return a token over exactly these bytes, signed as `headers["alg"]` says.

    "none" has no signature. "HS256" is signed with the PEM public key as the secret, as an attacker would do. An
    unknown algorithm gets an RS256 signature.
    """
    signed = f"{encode(json.dumps(headers).encode())}.{encode(payload)}"
    return f"{signed}.{encode(_signature(signed.encode(), str(headers.get('alg')), key))}"


def peek(token: str, part: int = 1) -> dict[str, Any]:
    """Return the unverified claims of a token (part 0: its headers). Empty if they cannot be read."""
    try:
        encoded = token.split(".")[part]
        claims = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def encode(data: bytes) -> str:
    """Return the base64url encoding without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _signature(signed: bytes, algorithm: str, key: SigningKey) -> bytes:
    if algorithm == "none":
        return b""
    if algorithm == "HS256":
        secret = key.private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return hmac.digest(secret, signed, hashlib.sha256)
    algorithms = get_default_algorithms()
    signature = algorithms.get(algorithm, algorithms["RS256"]).sign(signed, key.private_key)
    return bytes(signature)


def _number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
