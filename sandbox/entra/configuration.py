"""What is registered at the stand-in: our application, Partner Center, and the credentials that are accepted."""

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
    """Our application, made up anew at each start.

    Attributes:
        client_id, client_secret: The function's own.
        certificate_key: The public key of the certificate that may sign client assertions; None: none may.
        identity_object_id: The managed identity whose tokens are a federated credential (`sub`), always on.
        identity_client_id: The same identity as GET /msi/token names it.
        identity_header: The secret of the identity endpoint (X-IDENTITY-HEADER).
        federated_audience: The `aud` of such tokens; other clouds have other ones.
        caller_client_id: The client that people sign in with (`azp`, `appid`).
        scope: What sign_in puts into `scp`.
        resources: The APIs that tokens can be asked for.
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
        """The application id URI: the audience of v1 tokens."""
        return f"api://{self.client_id}"
