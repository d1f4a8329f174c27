"""A caller's program: the real MSAL on one side, a person in front of a browser on the other."""

import msal
import requests

from .person import Person
from .sandbox import Sandbox

REDIRECT_URI = "http://localhost"


class Caller:
    """Signs one user in, as examples/python does. Its methods block."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        registration = sandbox.entra.registration
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(sandbox.ca_file)
        self._client = msal.PublicClientApplication(
            sandbox.entra.applications.public.client_id,
            authority=f"{sandbox.entra.base_url}/{sandbox.entra.users[name].tenant_id}",
            instance_discovery=False,
            http_client=self._session,
        )
        self._scopes = [f"{registration.client_id}/{registration.scope}"]
        self.person = Person(name, sandbox.certificates.client_context())

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.person.client.close()
        self._session.close()

    def sign_in(self, claims: str | None = None) -> str:
        """Return an access token for the function. `claims` is what a challenge asks for. None: nothing more."""
        flow = self._client.initiate_auth_code_flow(
            self._scopes, redirect_uri=REDIRECT_URI, response_mode="form_post", claims_challenge=claims
        )
        result = self._client.acquire_token_by_auth_code_flow(flow, self.person.visit(flow["auth_uri"]).members)
        return str(result["access_token"])
