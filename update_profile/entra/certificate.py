"""A certificate file -> the key and certificate that sign for this function. The only module that imports cryptography.

PEM (key and certificates in one file) and PFX (PKCS #12), encrypted or not, with a chain or without. Of a chain the
certificate that belongs to the key counts: msal sends that one alone (msal 1.39.0), which is what Entra ID compares.
Source: learn.microsoft.com/entra/identity-platform/certificate-credentials.
"""

from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12

PEM_BEGINS = b"-----BEGIN "


class BadCertificate(ValueError):
    """The file cannot be used; the text says why and holds nothing of it. ``password``: whether that is at fault."""

    def __init__(self, why: str, *, password: bool = False) -> None:
        """Keep both."""
        super().__init__(why)
        self.password = password


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate with its key. Times are in seconds since 1970."""

    private_key: RSAPrivateKey = field(repr=False)
    pem: str = field(repr=False)
    not_before: float
    not_after: float

    def check_time(self, now: float) -> None:
        """Raise BadCertificate when the certificate is not valid at this moment."""
        if now >= self.not_after:
            raise BadCertificate("holds a certificate that has expired")
        if now < self.not_before:
            raise BadCertificate("holds a certificate that is not valid yet")


def read_certificate(content: bytes, password: str | None) -> Certificate:
    """Read the content of a certificate file.

    Raises:
        BadCertificate: It is neither PEM nor PFX, holds no usable pair, or the password does not open it.
    """
    secret = password.encode("utf-8") if password else None
    key, certificates = _read_pem(content, secret) if PEM_BEGINS in content else _read_pfx(content, secret)
    if not isinstance(key, RSAPrivateKey):
        raise BadCertificate("holds no RSA key")
    for certificate in certificates:
        if certificate.public_key() == key.public_key():
            return Certificate(
                private_key=key,
                pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
                not_before=certificate.not_valid_before_utc.timestamp(),
                not_after=certificate.not_valid_after_utc.timestamp(),
            )
    raise BadCertificate("holds no certificate that belongs to its key")


def _read_pem(content: bytes, password: bytes | None) -> tuple[object, list[x509.Certificate]]:
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError:
        certificates = []
    try:
        return load_pem_private_key(content, password), certificates
    except TypeError:  # encrypted and no password, or a password and not encrypted
        if password is None:
            raise BadCertificate("is needed, as the key is encrypted", password=True) from None
        return load_pem_private_key(content, None), certificates
    except ValueError:
        if password is not None and b"ENCRYPTED" in content:
            raise BadCertificate("does not open the file", password=True) from None
        raise BadCertificate("holds no private key that can be read") from None


def _read_pfx(content: bytes, password: bytes | None) -> tuple[object, list[x509.Certificate]]:
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, password)
    except ValueError as error:
        if "password" in str(error).lower():
            raise BadCertificate("does not open the file", password=True) from None
        raise BadCertificate("is neither PEM nor PFX") from None
    return key, [*([certificate] if certificate else []), *others]
