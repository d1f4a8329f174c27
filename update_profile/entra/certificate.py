"""A certificate file -> the key and certificate that sign for this function.

PEM (key and certificates in one file) and PFX (PKCS #12), encrypted or not, with or without a chain. From a chain the
certificate that belongs to the key counts: msal sends that one alone (msal 1.39.0), which is what Entra ID compares.
Source: learn.microsoft.com/entra/identity-platform/certificate-credentials.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12
from pydantic import SecretStr

from ..deadline import Deadline
from ..errors import FieldError, Misconfigured
from ..settings import CERTIFICATE, CERTIFICATE_PASSWORD

logger = logging.getLogger("update_profile")
PEM_BEGINS = b"-----BEGIN "


class BadCertificate(ValueError):
    """The file cannot be used. The message says why and quotes nothing of it.

    Attributes:
        password: Whether the password is at fault, not the file.
    """

    def __init__(self, why: str, *, password: bool = False) -> None:
        super().__init__(why)
        self.password = password

    @property
    def setting(self) -> str:
        """The setting at fault."""
        return CERTIFICATE_PASSWORD if self.password else CERTIFICATE


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
            raise BadCertificate("has a certificate that has expired")
        if now < self.not_before:
            raise BadCertificate("has a certificate that is not valid yet")


class CertificateCredential:
    """A certificate in a file, which may be replaced at any time. A new file counts at the next call."""

    def __init__(self, path: str, password: SecretStr | None, *, clock: Callable[[], float] = time.time) -> None:
        """``password`` None: the key is not encrypted. ``clock`` returns seconds since 1970."""
        self._path = Path(path)
        self._password = password
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._certificates: tuple[Certificate, ...] = ()  # the newest first
        self._fault: BadCertificate | None = None

    def check(self) -> None:
        """Read the file if it has changed. The certificate in use stays while a new file cannot be read.

        Raises:
            Misconfigured: No certificate is valid now; the error names the setting.
        """
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            seen = (0, 0, 0)
        if seen != self._seen:
            self._seen = seen
            self._read()
        self._current()

    async def for_msal(self, *, deadline: Deadline) -> dict[str, Any]:
        """Return key and certificate: msal signs with PS256 and sends the certificate along (x5c)."""
        certificate = self._current()
        return {"private_key": certificate.private_key, "public_certificate": certificate.pem}

    def refused(self) -> None:
        """Do nothing: a new file is noticed anyway."""

    def _read(self) -> None:
        self._fault = None
        try:
            password = self._password.get_secret_value() if self._password else None
            certificate = read_certificate(self._path.read_bytes(), password)
            self._certificates = (certificate, *self._certificates[:1])
            certificate.check_time(self._clock())
            self._certificates = (certificate,)  # the older one is no longer needed
        except OSError as error:
            self._fault = BadCertificate(f"cannot be read ({type(error).__name__})")
        except BadCertificate as error:
            self._fault = error
        if self._fault is not None:
            logger.error("update_profile.bad_certificate %s %s", self._fault.setting, self._fault)

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
        raise Misconfigured.of([FieldError(field=fault.setting, message=str(fault))])


def read_certificate(content: bytes, password: str | None) -> Certificate:
    """Read the content of a certificate file.

    Raises:
        BadCertificate: It is neither PEM nor PFX, has no usable pair, or the password does not open it.
    """
    secret = password.encode("utf-8") if password else None
    key, certificates = _read_pem(content, secret) if PEM_BEGINS in content else _read_pfx(content, secret)
    if not isinstance(key, RSAPrivateKey):
        raise BadCertificate("has no RSA key")
    for certificate in certificates:
        if certificate.public_key() == key.public_key():
            return Certificate(
                private_key=key,
                pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
                not_before=certificate.not_valid_before_utc.timestamp(),
                not_after=certificate.not_valid_after_utc.timestamp(),
            )
    raise BadCertificate("has no certificate that belongs to its key")


def _read_pem(content: bytes, password: bytes | None) -> tuple[object, list[x509.Certificate]]:
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError:
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
