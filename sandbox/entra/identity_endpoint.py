"""The stand-in for the endpoint that gives an Azure Functions app the tokens of its managed identity.

The endpoint uses plain HTTP on the loopback address and requires a secret header. Source:
learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference.
"""

import time
from urllib.parse import parse_qs, urlsplit

from ..control import Handler
from ..journal import Entry
from ..rules import Asked
from ..script import Answer
from ..stand_in import StandIn
from .directory import Directory

LIFETIME_SECONDS = 86400
PATH = "/msi/token"


class IdentityEndpoint(StandIn):
    """Issues tokens that Entra accepts as our application's federated credential."""

    def __init__(self, directory: Directory) -> None:
        super().__init__(None)
        self._directory = directory

    def settings(self) -> dict[str, str]:
        """Return the variables that Azure sets for the app, and the function's setting that names the identity."""
        return {
            "IDENTITY_ENDPOINT": f"{self.base_url}{PATH}",
            "IDENTITY_HEADER": self._directory.registration.identity_header,
            "ENTRA_MANAGED_IDENTITY_CLIENT_ID": self._directory.registration.identity_client_id,
        }

    def script(self, *answers: Answer, times: int | None = 1) -> None:
        """Give `answers` in order, `times` times. None means no limit."""
        self.add_rule(answers, Asked(), times=times)

    def describe(self, entry: Entry) -> None:
        """Set the endpoint, which is "msi" for the only known path."""
        entry.endpoint = "msi" if urlsplit(entry.path).path == PATH else None

    def true_answer(self, entry: Entry) -> Answer:
        """Return a token of the identity for the requested resource."""
        registration = self._directory.registration
        query = {name: values[0] for name, values in parse_qs(urlsplit(entry.path).query).items()}
        if entry.header("X-IDENTITY-HEADER") != registration.identity_header:
            return Answer.json({"statusCode": 401, "message": "Unauthorized"}, 401)
        if query.get("client_id") != registration.identity_client_id or "resource" not in query:
            return Answer.json({"statusCode": 400, "message": "No User Assigned Managed Identity found"}, 400)
        return Answer.json(self._token(query["resource"]))

    def control_routes(self) -> dict[tuple[str, str], Handler]:
        """Return the route for the settings."""
        return {("GET", "settings"): lambda _: self.settings()}

    def _token(self, resource: str) -> dict[str, str]:
        now = int(time.time())
        claims = {
            "aud": resource,
            "iss": f"{self._directory.base_url}/{self._directory.tenants[0]}/v2.0",
            "sub": self._directory.registration.identity_object_id,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
        }
        return {
            "access_token": self._directory.mint(claims),
            "expires_on": str(claims["exp"]),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": self._directory.registration.identity_client_id,
        }
