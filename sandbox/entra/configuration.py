"""The registrations of the stand-in: our application, Partner Center and the accepted credentials."""

import secrets
import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

PARTNER_CENTER = "https://api.partnercenter.microsoft.com"
PARTNER_CENTER_21VIANET = "https://partner.partnercenterapi.microsoftonline.cn"


def _guid() -> str:
    return str(uuid.uuid4())


@dataclass
class Registration:
    """Our application, with new values for each instance.

    Attributes:
        client_id, client_secret: The function's id and secret.
        certificate_key: The public key of the certificate that may sign client assertions. None means no certificate.
        identity_object_id: The managed identity (`sub`) whose tokens are a federated credential. It is always accepted.
        identity_client_id: The client id of the same identity, as used in GET /msi/token.
        identity_header: The secret of the identity endpoint (X-IDENTITY-HEADER).
        federated_audience: The `aud` of the managed identity's tokens. It differs between clouds.
        caller_client_id: The client that users sign in with (`azp`, `appid`).
        scope: The `scp` value of tokens from sign_in.
        resources: The APIs that tokens can be requested for.
    """

    client_id: str = field(default_factory=_guid)
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)
    certificate_key: RSAPublicKey | None = None
    identity_object_id: str = field(default_factory=_guid)
    identity_client_id: str = field(default_factory=_guid)
    identity_header: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    federated_audience: str = "api://AzureADTokenExchange"
    caller_client_id: str = field(default_factory=_guid)
    scope: str = "user_impersonation"
    resources: tuple[str, ...] = (PARTNER_CENTER, PARTNER_CENTER_21VIANET)

    @property
    def audience_uri(self) -> str:
        """The application ID URI, which is the audience of v1 tokens."""
        return f"api://{self.client_id}"
