"""What proves to Entra ID that it is this function that asks, as msal takes it.

One of three: a managed identity's token, a certificate, a secret. A certificate file is looked at before each call, so
that a new one counts at once; a new secret comes with a new environment, for which everything is built anew.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ..credential_settings import (
    CERTIFICATE,
    CERTIFICATE_PASSWORD,
    ClientCertificate,
    ClientSecret,
    Credential,
    ManagedIdentity,
)
from ..deadline import Deadline
from ..errors import Misconfigured
from ..evidence import Evidence, FieldError
from ..transport.client import HttpClient
from .certificate import BadCertificate, Certificate, read_certificate
from .managed_identity import IdentityTokens

logger = logging.getLogger("update_profile")
MsalCredential = str | dict[str, Any]


class ClientCredential(Protocol):
    """This function's proof."""

    def check(self) -> None:
        """Raise Misconfigured where it can be seen from here that Entra ID could not take it."""

    async def for_msal(self, *, deadline: Deadline) -> MsalCredential:
        """What msal takes as ``client_credential``.

        Raises:
            EntraUnavailable, EntraTimeout: The platform gives no token of the managed identity.
            Misconfigured: As ``check``.
        """

    def refused(self) -> None:
        """Entra ID refused it: what was got from elsewhere is got anew."""


def create_credential(credential: Credential, *, federated_audience: str, http: HttpClient) -> ClientCredential:
    """The credential that is set."""
    if isinstance(credential, ManagedIdentity):
        return IdentityCredential(IdentityTokens(credential, federated_audience, http))
    if isinstance(credential, ClientCertificate):
        return CertificateCredential(credential)
    return SecretCredential(credential)


class SecretCredential:
    """A client secret."""

    def __init__(self, secret: ClientSecret) -> None:
        """``secret`` as it was set."""
        self._secret = secret

    def check(self) -> None:
        """Nothing can be seen of a secret from here."""

    async def for_msal(self, *, deadline: Deadline) -> MsalCredential:
        """The secret itself."""
        return self._secret.value.get_secret_value()

    def refused(self) -> None:
        """There is no other."""


class IdentityCredential:
    """A managed identity's token as federated credential."""

    def __init__(self, tokens: IdentityTokens) -> None:
        """``tokens`` gets them."""
        self._tokens = tokens

    def check(self) -> None:
        """Nothing is asked for before a call needs it."""

    async def for_msal(self, *, deadline: Deadline) -> MsalCredential:
        """The token, given by a function: msal warns of a plain text, as that would age with its client."""
        token = await self._tokens.token(deadline=deadline)
        return {"client_assertion": lambda: token}

    def refused(self) -> None:
        """A federated credential takes minutes to be known: the next call asks with a new token."""
        self._tokens.drop()


class CertificateCredential:
    """A certificate in a file, which may be replaced at any time. Belongs to one event loop."""

    def __init__(self, source: ClientCertificate, *, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives seconds since 1970."""
        self._source = source
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._certificates: tuple[Certificate, ...] = ()  # the newest first
        self._fault: BadCertificate | None = None

    def check(self) -> None:
        """Look whether the file has changed, and read it if so. The one in use stays while a new one cannot be read.

        Raises:
            Misconfigured: There is no certificate that is valid now; it names the setting.
        """
        try:
            stat = Path(self._source.path).stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            seen = (0, 0, 0)
        if seen != self._seen:
            self._seen = seen
            self._read()
        self._current()

    async def for_msal(self, *, deadline: Deadline) -> MsalCredential:
        """Key and certificate: msal signs with PS256, and sends the certificate along (x5c)."""
        certificate = self._current()
        return {"private_key": certificate.private_key, "public_certificate": certificate.pem}

    def refused(self) -> None:
        """A new file is noticed anyway."""

    def _read(self) -> None:
        password = self._source.password
        self._fault = None
        try:
            content = Path(self._source.path).read_bytes()
            certificate = read_certificate(content, password.get_secret_value() if password else None)
            self._certificates = (certificate, *self._certificates[:1])
            certificate.check_time(self._clock())
            self._certificates = (certificate,)  # the older one has served
        except OSError as error:
            self._fault = BadCertificate(f"cannot be read ({type(error).__name__})")
        except BadCertificate as error:
            self._fault = error
        if self._fault is not None:
            logger.error("update_profile.bad_certificate %s %s", _setting(self._fault), self._fault)

    def _current(self) -> Certificate:
        """The newest certificate that is valid now: one that was put in place early waits for its time."""
        fault = self._fault
        for certificate in self._certificates:
            try:
                certificate.check_time(self._clock())
            except BadCertificate as error:
                fault = fault or error
            else:
                return certificate
        fault = fault or BadCertificate("was not read")
        entry = FieldError(field=_setting(fault), message=str(fault))
        raise Misconfigured(f"Wrong or missing settings: {entry.field}.", Evidence(fields=(entry,)))


def _setting(fault: BadCertificate) -> str:
    return CERTIFICATE_PASSWORD if fault.password else CERTIFICATE
