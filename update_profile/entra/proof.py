"""The forms in which this function proves who it is (RFC 6749, section 2.3; RFC 7523, section 2.2)."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import SecretStr

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A client secret."""

    value: SecretStr


@dataclass(frozen=True, kw_only=True)
class Assertion:
    """A client assertion that someone else signed: a managed identity's token."""

    value: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A key that signs client assertions.

    Attributes:
        sha256_thumbprint: Of its certificate, in hexadecimal digits.
        x5c: Its certificate, DER in base64 (RFC 7515, section 4.1.6).
    """

    key: "RSAPrivateKey" = field(repr=False)
    sha256_thumbprint: str
    x5c: str = field(repr=False)
