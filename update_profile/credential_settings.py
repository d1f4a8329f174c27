"""Which credential proves to Entra ID that it is this function that asks: exactly one of three.

Why exactly one, and in which order they are to be preferred: docs/adr/0008-credentials.md.
"""

from dataclasses import dataclass, field

from pydantic import SecretStr

from . import formats as setting_values
from .setting_reader import SettingReader

MANAGED_IDENTITY = "ENTRA_MANAGED_IDENTITY_CLIENT_ID"
CERTIFICATE = "ENTRA_CLIENT_CERTIFICATE_PATH"
CERTIFICATE_PASSWORD = "ENTRA_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105  the setting's name
SECRET = "ENTRA_CLIENT_SECRET"  # noqa: S105  the setting's name
CREDENTIALS = (MANAGED_IDENTITY, CERTIFICATE, SECRET)
# What App Service tells an app of its identities (learn.microsoft.com/azure/app-service/overview-managed-identity).
IDENTITY_ENDPOINT = "IDENTITY_ENDPOINT"
IDENTITY_HEADER = "IDENTITY_HEADER"
ONE_OF = f"is missing: exactly one of {', '.join(CREDENTIALS[:-1])} and {SECRET} must be set"


@dataclass(frozen=True, kw_only=True)
class ManagedIdentity:
    """A user-assigned identity that the app registration trusts (federated credential): there is no secret.

    Attributes:
        client_id: The identity's GUID.
        endpoint: The platform's token endpoint on this machine; None where the platform names none.
        header: What that endpoint wants to see; None likewise.
    """

    client_id: str
    endpoint: str | None
    header: SecretStr | None


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """A PEM or PFX file. ``password`` None: the key is not encrypted."""

    path: str
    password: SecretStr | None


@dataclass(frozen=True, kw_only=True)
class ClientSecret:
    """A client secret."""

    value: SecretStr = field(repr=False)


Credential = ManagedIdentity | ClientCertificate | ClientSecret


def read_credential(reader: SettingReader) -> Credential:
    """The one credential that is set. What is wrong is noted with the reader; the value is then a placeholder."""
    given = [name for name in CREDENTIALS if reader.given(name)]
    _check_number(reader, given)
    if MANAGED_IDENTITY in given:
        return ManagedIdentity(
            client_id=reader.value(MANAGED_IDENTITY, setting_values.guid, ""),
            endpoint=reader.value(IDENTITY_ENDPOINT, _endpoint, None),
            header=reader.secret(IDENTITY_HEADER),
        )
    if CERTIFICATE in given:
        return ClientCertificate(path=reader.text(CERTIFICATE) or "", password=reader.secret(CERTIFICATE_PASSWORD))
    return ClientSecret(value=reader.secret(SECRET) or SecretStr(""))


def _check_number(reader: SettingReader, given: list[str]) -> None:
    """Exactly one credential is set, and a password only with what it opens."""
    for name in (*CREDENTIALS, CERTIFICATE_PASSWORD):
        reader.text(name)  # what the platform could not resolve is told as that, whatever else is wrong
    for name in CREDENTIALS if not given else ():
        reader.refuse(name, ONE_OF)
    for name in given if len(given) > 1 else ():
        reader.refuse(name, f"is set beside {' and '.join(other for other in given if other != name)}: keep one")
    if reader.given(CERTIFICATE_PASSWORD) and CERTIFICATE not in given:
        reader.refuse(CERTIFICATE_PASSWORD, f"is set without {CERTIFICATE}")


def _endpoint(text: str) -> str | None:
    return setting_values.identity_endpoint(text)
