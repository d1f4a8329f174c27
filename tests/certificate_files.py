"""Certificate files, generated at run time: PEM and PFX, encrypted or not, with a chain or without."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def new_key() -> rsa.RSAPrivateKey:
    """Generate an RSA key of the kind that certificates use."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def shared_authority_key() -> rsa.RSAPrivateKey:
    """Return one key for every authority of the process: to generate one takes longer than most tests."""
    return new_key()


@dataclass(frozen=True)
class CertificateFile:
    """A certificate and its key. The certificate is signed by an authority.

    Attributes:
        days: Start and end of its validity, in days from now.
    """

    key: Key = field(default_factory=new_key)
    days: tuple[float, float] = (-1, 30)
    authority_key: rsa.RSAPrivateKey = field(default_factory=shared_authority_key)

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate itself."""
        return _certificate("leaf", self.key, issuer="authority", signer=self.authority_key, days=self.days)

    @property
    def authority(self) -> x509.Certificate:
        """The certificate of the authority that signed it."""
        return _certificate("authority", self.authority_key, issuer="authority", signer=self.authority_key)

    def pem(self, password: str | None = None, *, chain: bool = False, key: bool = True) -> bytes:
        """Return key and certificate; with ``chain``, the authority's certificate comes first, as some tools do."""
        parts = [self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _encryption(password))] if key else []
        parts += [self.authority.public_bytes(Encoding.PEM)] if chain else []
        return b"".join([*parts, self.leaf.public_bytes(Encoding.PEM)])

    def pfx(self, password: str | None = None, *, chain: bool = False) -> bytes:
        """Return the same content as PKCS #12."""
        others = [self.authority] if chain else None
        return pkcs12.serialize_key_and_certificates(b"name", self.key, self.leaf, others, _encryption(password))


def _encryption(password: str | None) -> KeySerializationEncryption:
    return BestAvailableEncryption(password.encode()) if password else NoEncryption()


def _certificate(
    name: str, key: Key, *, issuer: str, signer: rsa.RSAPrivateKey, days: tuple[float, float] = (-1, 30)
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .sign(signer, hashes.SHA256())
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
