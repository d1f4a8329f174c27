"""What proves to Entra ID that the request comes from this function, in the form that msal takes.

It is one of three: a managed identity's token, a certificate or a secret. The settings decide which.
"""

from typing import Any, Protocol

from pydantic import SecretStr

from ..deadline import Deadline
from ..settings import Settings
from ..transport.messages import Http
from .certificate import CertificateCredential
from .managed_identity import ManagedIdentityCredential

MsalCredential = str | dict[str, Any]


class ClientCredential(Protocol):
    """This function's credential."""

    def check(self) -> None:
        """Raise Misconfigured when it is clear, without asking Entra ID, that the credential cannot work."""

    async def for_msal(self, *, deadline: Deadline) -> MsalCredential:
        """Return what msal takes as ``client_credential``.

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
        return CertificateCredential(settings.client_certificate_path, settings.client_certificate_password)
    return SecretCredential(settings.client_secret or SecretStr(""))


class SecretCredential:
    """A client secret."""

    def __init__(self, secret: SecretStr) -> None:
        self._secret = secret

    def check(self) -> None:
        """Do nothing: a secret can't be checked locally."""

    async def for_msal(self, *, deadline: Deadline) -> MsalCredential:
        """Return the secret."""
        return self._secret.get_secret_value()

    def refused(self) -> None:
        """Do nothing: there is no other secret."""
