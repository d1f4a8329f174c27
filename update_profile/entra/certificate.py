"""A certificate file -> the key and certificate that sign for this function.

PEM (key and certificates in one file) and PFX (PKCS #12), encrypted or not, with or without a chain. From a chain the
certificate that belongs to the key counts: msal sends that one alone (msal 1.39.0), which is what Entra ID compares.
Source: learn.microsoft.com/entra/identity-platform/certificate-credentials.
"""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12
from pydantic import SecretStr

from ..deadline import Deadline
from ..errors import FieldError, Misconfigured
from ..settings import CERTIFICATE, CERTIFICATE_PASSWORD
from .proof import Signer

PEM_BEGINS = b"-----BEGIN "
MAX_FILE_BYTES = 1_048_576
# What cryptography raises about a key or a certificate that it does not like; none of it has a common base.
_UNREADABLE = (ValueError, TypeError, OverflowError, UnsupportedAlgorithm)


class BadCertificate(ValueError):
    """The file cannot be used. The message says why and quotes nothing of it.

    Attributes:
        password: Whether the password is at fault, not the file.
    """

    def __init__(self, why: str, *, password: bool = False) -> None:
        super().__init__(why)
        self.password = password

    @property
    def entry(self) -> FieldError:
        """The setting at fault, and why."""
        return FieldError(field=CERTIFICATE_PASSWORD if self.password else CERTIFICATE, message=str(self))


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate with its key. Times are in seconds since 1970."""

    signer: Signer
    not_before: float
    not_after: float

    def check_time(self, now: float) -> None:
        """Raise BadCertificate when the certificate is not valid at this moment."""
        if now >= self.not_after:
            raise BadCertificate("has a certificate that has expired")
        if now < self.not_before:
            raise BadCertificate("has a certificate that is not valid yet")

    def is_valid(self, now: float) -> bool:
        """Return whether the certificate is valid at this moment."""
        return self.not_before <= now < self.not_after


class CertificateCredential:
    """A certificate in a file, which may be replaced at any time. A new file counts at the next call.

    The key is loaded once for each file, which takes tens of milliseconds, and signs once for each exchange.
    """

    kind = "certificate"

    def __init__(self, path: str, password: SecretStr | None, *, clock: Callable[[], float] = time.time) -> None:
        """``password`` None: the key is not encrypted. ``clock`` returns seconds since 1970."""
        self._path = Path(path)
        self._password = password
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._certificates: tuple[Certificate, ...] = ()  # the newest first
        self._fault: BadCertificate | None = None

    def check(self) -> FieldError | None:
        """Read the file if it has changed. The certificate in use stays while a new file cannot be used."""
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            seen = (0, 0, 0)
        changed = seen != self._seen
        if changed:
            self._seen = seen
            self._read()
        self._current()
        return self._fault.entry if changed and self._fault else None

    async def proof(self, *, deadline: Deadline) -> Signer:
        """Return the key that signs now."""
        return self._current().signer

    def refused(self) -> None:
        """Do nothing: a new file is noticed anyway."""

    def _read(self) -> None:
        self._fault = None
        try:
            password = self._password.get_secret_value() if self._password else None
            with self._path.open("rb") as file:
                certificate = read_certificate(file.read(MAX_FILE_BYTES), password)
            valid = [one for one in self._certificates if one.is_valid(self._clock())]
            self._certificates = (certificate, *valid[:1])
            certificate.check_time(self._clock())
            self._certificates = (certificate,)  # the older one is no longer needed
        except OSError as error:
            self._fault = BadCertificate(f"cannot be read ({type(error).__name__})")
        except BadCertificate as error:
            self._fault = error

    def _current(self) -> Certificate:
        """Return the newest certificate that is valid now: one that was put in place early waits for its time."""
        fault = self._fault
        for certificate in self._certificates:
            try:
                certificate.check_time(self._clock())
            except BadCertificate as error:
                fault = fault or error
            else:
                return certificate
        fault = fault or BadCertificate("was not read")
        raise Misconfigured.of([fault.entry])


def read_certificate(content: bytes, password: str | None) -> Certificate:
    """Read the content of a certificate file.

    Raises:
        BadCertificate: It is neither PEM nor PFX, has no usable pair, or the password does not open it.
    """
    try:
        secret = password.encode("utf-8") if password else None
        key, certificates = _read_pem(content, secret) if PEM_BEGINS in content else _read_pfx(content, secret)
        return _first_pair(key, certificates)
    except BadCertificate:
        raise
    except Exception:  # noqa: BLE001  cryptography's errors about foreign bytes have no common base
        raise BadCertificate("has a key or a certificate that cannot be read") from None


def _first_pair(key: object, certificates: list[x509.Certificate]) -> Certificate:
    if not isinstance(key, RSAPrivateKey):
        raise BadCertificate("has no RSA key")
    for certificate in certificates:
        if _belongs(certificate, key):
            return _pair(key, certificate)
    raise BadCertificate("has no certificate that belongs to its key")


def _belongs(certificate: x509.Certificate, key: RSAPrivateKey) -> bool:
    try:
        return certificate.public_key() == key.public_key()
    except _UNREADABLE:  # of a chain, another one may still be readable
        return False


def _pair(key: RSAPrivateKey, certificate: x509.Certificate) -> Certificate:
    der = certificate.public_bytes(Encoding.DER)
    return Certificate(
        signer=Signer(
            key=key,
            sha256_thumbprint=certificate.fingerprint(SHA256()).hex(),
            x5c=base64.b64encode(der).decode("ascii"),
        ),
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
    )


def _read_pem(content: bytes, password: bytes | None) -> tuple[object, list[x509.Certificate]]:
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except _UNREADABLE:
        certificates = []
    try:
        return load_pem_private_key(content, password), certificates
    except TypeError:  # encrypted and no password, or a password and not encrypted
        if password is None:
            raise BadCertificate("is needed, because the key is encrypted", password=True) from None
        return load_pem_private_key(content, None), certificates
    except ValueError:
        if password is not None and b"ENCRYPTED" in content:
            raise BadCertificate("does not open the file", password=True) from None
        raise BadCertificate("has no private key that can be read") from None


def _read_pfx(content: bytes, password: bytes | None) -> tuple[object, list[x509.Certificate]]:
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, password)
    except ValueError as error:
        if "password" in str(error).lower():
            raise BadCertificate("does not open the file", password=True) from None
        raise BadCertificate("is neither PEM nor PFX") from None
    return key, [*([certificate] if certificate else []), *others]
