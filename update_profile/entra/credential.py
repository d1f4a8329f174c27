"""What proves to Entra ID that the request comes from this function.

It is one of three: a managed identity's token, a certificate or a secret. The settings decide which one, and
docs/adr/0008-credentials.md says which to prefer.
"""

from typing import Protocol

from pydantic import SecretStr

from ..deadline import Deadline
from ..errors import FieldError
from ..settings import Settings
from ..transport.messages import Http
from .managed_identity import ManagedIdentityCredential
from .proof import Assertion, Secret, Signer


class ClientCredential(Protocol):
    """This function's credential. ``kind`` names it for the log."""

    kind: str

    def check(self) -> FieldError | None:
        """Look for what is wrong without asking Entra ID.

        Returns:
            A fault that does not stop calls yet, once for each fault: a new certificate file that cannot be used while
            the old one still can. None otherwise.

        Raises:
            Misconfigured: The credential cannot work.
        """

    async def proof(self, *, deadline: Deadline) -> Secret | Assertion | Signer:
        """Return the proof for one exchange.

        Raises:
            EntraUnavailable, EntraTimeout: The platform gives no token for the managed identity.
            Misconfigured: As for ``check``.
        """

    def refused(self) -> None:
        """Entra ID rejected the credential: drop anything cached, so that the next call fetches a fresh one."""


def create_credential(settings: Settings, http: Http) -> ClientCredential:
    """Return the credential that is set."""
    if settings.managed_identity_client_id is not None:
        return ManagedIdentityCredential(settings, http)
    if settings.client_certificate_path is not None:
        from .certificate import CertificateCredential  # its libraries cost time that other credentials need not spend

        return CertificateCredential(settings.client_certificate_path, settings.client_certificate_password)
    return SecretCredential(settings.client_secret or SecretStr(""))


class SecretCredential:
    """A client secret."""

    kind = "secret"

    def __init__(self, secret: SecretStr) -> None:
        self._secret = Secret(value=secret)

    def check(self) -> FieldError | None:
        """Return None: a secret can't be checked locally."""
        return None

    async def proof(self, *, deadline: Deadline) -> Secret:
        """Return the secret."""
        return self._secret

    def refused(self) -> None:
        """Do nothing: there is no other secret."""
