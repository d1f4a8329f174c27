"""The stand-in of the endpoint that gives an Azure Functions app the tokens of its managed identity.

learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference: plain HTTP on the loopback
address, guarded by a secret header.
"""

import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from ..control import Handler
from ..journal import Entry
from ..rules import Asked
from ..script import Answer
from ..stand_in import StandIn

if TYPE_CHECKING:
    from .entra import Entra

LIFETIME_SECONDS = 86400
PATH = "/msi/token"


class IdentityEndpoint(StandIn):
    """Gives out tokens that Entra takes as our application's federated credential."""

    def __init__(self, entra: "Entra") -> None:
        super().__init__(None)
        self._entra = entra

    def settings(self) -> dict[str, str]:
        """What Azure sets in the app's environment, and the function's setting that names the identity."""
        return {
            "IDENTITY_ENDPOINT": f"{self.base_url}{PATH}",
            "IDENTITY_HEADER": self._entra.registration.identity_header,
            "ENTRA_MANAGED_IDENTITY_CLIENT_ID": self._entra.registration.identity_client_id,
        }

    def script(self, *answers: Answer, times: int | None = 1) -> None:
        """Give `answers`, in order and `times` times over; None means for ever."""
        self.add_rule(answers, Asked(), times=times)

    def describe(self, entry: Entry) -> None:
        """The one endpoint there is."""
        entry.endpoint = "msi" if urlsplit(entry.path).path == PATH else None

    def true_answer(self, entry: Entry) -> Answer:
        """A token of the identity for the resource that was asked for."""
        registration = self._entra.registration
        query = {name: values[0] for name, values in parse_qs(urlsplit(entry.path).query).items()}
        if entry.header("X-IDENTITY-HEADER") != registration.identity_header:
            return Answer.json({"statusCode": 401, "message": "Unauthorized"}, 401)
        if query.get("client_id") != registration.identity_client_id or "resource" not in query:
            return Answer.json({"statusCode": 400, "message": "No User Assigned Managed Identity found"}, 400)
        return Answer.json(self._token(query["resource"]))

    def control_routes(self) -> dict[tuple[str, str], Handler]:
        """The settings."""
        return {("GET", "settings"): lambda _: self.settings()}

    def _token(self, resource: str) -> dict[str, str]:
        now = int(time.time())
        claims = {
            "aud": resource,
            "iss": f"{self._entra.base_url}/{self._entra.tenants[0]}/v2.0",
            "sub": self._entra.registration.identity_object_id,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
        }
        return {
            "access_token": self._entra.mint(claims),
            "expires_on": str(claims["exp"]),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": self._entra.registration.identity_client_id,
        }
