"""Caller -> Partner Center access token, on behalf of the caller.

The grant is an assertion grant (RFC 7523), not token exchange (RFC 8693):
learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow.

msal builds the form and reads the answer; it performs no I/O and needs no thread. A first pass hands it an HTTP client
whose ``post`` captures the form. The form is sent from here, and a second pass gives msal the answer.

In this grant msal can return one user's answer to another: its throttling stores answers, access tokens included,
under a key without the user (msal 1.39.0, throttled_http_client.py). So every exchange has a client of its own, and
nothing of msal outlives it: docs/adr/0005-msal-without-shared-state.md.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msal

from ..call import AccessToken, Caller
from ..deadline import Deadline
from ..errors import EntraUnexpected, InvalidToken, Misconfigured
from ..settings import Settings
from ..strict_json import parse_object
from ..transport.messages import Http, HttpRequest, read_retry_after
from .ask import EXCHANGE, ask
from .credential import ClientCredential
from .proof import Assertion, Secret, Signer
from .token_response import read_token, refusal

FORM = "application/x-www-form-urlencoded"
# What msal may see of an answer; with a header, or under anything else, it throttles, caches or logs.
MEMBERS = ("access_token", "token_type", "expires_in", "error", "error_codes", "suberror", "claims", "trace_id")


class OnBehalfOf:
    """Gets Partner Center tokens for callers."""

    def __init__(
        self,
        settings: Settings,
        http: Http,
        *,
        token_endpoint_of: Callable[[str], str],
        credential: ClientCredential,
    ) -> None:
        """``token_endpoint_of`` returns the token endpoint of a tenant, by its id."""
        self._settings = settings
        self._http = http
        self._token_endpoint_of = token_endpoint_of
        self._credential = credential

    async def exchange(self, caller: Caller, assertion: str, *, claims: str | None, deadline: Deadline) -> AccessToken:
        """Exchange a bearer token for a Partner Center token.

        Args:
            caller: The user that the bearer token names.
            assertion: The bearer token.
            claims: JSON text of what Partner Center asks for in a claims challenge; None when it asks for nothing.
            deadline: When the token must be there.

        Raises:
            EntraRefused, EntraFailed, InvalidToken, Misconfigured: There is no token.
        """
        if caller.expires_at <= time.time():
            raise InvalidToken("The bearer token has expired. Get a new one.", reason="expired")
        # Earlier than the waiting call, which could not tell "never connected" from "never answered".
        until = deadline.with_margin()
        token_endpoint = self._token_endpoint_of(caller.tenant_id)
        proof = await self._credential.proof(deadline=until)
        flow = _Flow(self._settings, proof, caller.tenant_id, token_endpoint)
        answer = await ask(self._http, flow.form(assertion, claims), EXCHANGE, deadline=until)
        document = parse_object(answer.body)
        if document is not None and (answer.status == 200 or 400 <= answer.status < 429 or 429 < answer.status < 500):
            document = flow.result(assertion, claims, document, status=answer.status)
        if answer.status == 200 and document is not None and "error" not in document:
            return read_token(document, caller)
        error = refusal(
            document,
            status=answer.status,
            retry_after_seconds=read_retry_after(answer.header("retry-after")),
            caller=caller,
            settings=self._settings,
        )
        if isinstance(error, Misconfigured):
            self._credential.refused()
        raise error


class _Captured(Exception):
    """Carries the form out of msal's first pass."""

    def __init__(self, form: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__()
        self.form = form
        self.headers = headers


@dataclass(frozen=True)
class _MsalAnswer:
    """An answer as msal reads it. It has no headers: msal would throttle by them, across users."""

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def raise_for_status(self) -> None:
        """Part of msal's interface. msal never sees a 5xx."""


class _Flow:
    """One exchange as msal sees it: its only HTTP client, and both passes."""

    def __init__(self, settings: Settings, proof: Secret | Assertion | Signer, tenant_id: str, endpoint: str) -> None:
        self._endpoint = endpoint
        self._scope = settings.partner_center_scope
        self._answer: _MsalAnswer | None = None
        self._posts = 0
        self._signed = ""
        self._authorize = f"{settings.authority_host}/{tenant_id}/oauth2/v2.0/authorize"
        try:
            self._application = msal.ConfidentialClientApplication(
                settings.client_id,
                client_credential=self._msal_credential(proof, settings.client_id),
                authority=f"{settings.authority_host}/{tenant_id}",
                http_client=self,
                token_cache=_NoTokenCache(),
                instance_discovery=False,  # else an unknown host is looked up at login.microsoftonline.com
                azure_region=False,  # else MSAL_FORCE_REGION would send the token request elsewhere
                exclude_scopes=["offline_access", "profile"],  # no refresh token is asked for: none can be lost
            )
        except Exception as error:  # what msal raises has no common base
            raise _unusable() from error

    def form(self, assertion: str, claims: str | None) -> HttpRequest:
        """Return the token request that msal builds."""
        try:
            self._acquire(assertion, claims)
        except _Captured as captured:
            # urlencode takes bytes too: msal passes a client assertion as bytes.
            body = urlencode(captured.form).encode("ascii")
            headers = {**captured.headers, "Content-Type": FORM}
            return HttpRequest(method="POST", url=self._endpoint, headers=headers, body=body, chained=True)
        except Exception as error:
            raise _unusable() from error
        raise _unusable()  # it answered without asking: that was nobody's answer

    def result(self, assertion: str, claims: str | None, document: Mapping[str, Any], *, status: int) -> dict[str, Any]:
        """Return what msal makes of an answer."""
        kept = {name: document[name] for name in MEMBERS if name in document}
        self._answer, self._posts = _MsalAnswer(status, json.dumps(kept)), 0
        try:
            result = self._acquire(assertion, claims)
        except Exception as error:
            raise _unusable() from error
        if self._posts != 1 or not isinstance(result, dict):
            raise _unusable()
        return result

    def _acquire(self, assertion: str, claims: str | None) -> object:
        return self._application.acquire_token_on_behalf_of(assertion, [self._scope], claims_challenge=claims)

    def _msal_credential(self, proof: Secret | Assertion | Signer, client_id: str) -> str | dict[str, Any]:
        """Return the credential in msal's form. An assertion is a function: msal warns about a plain text."""
        if isinstance(proof, Secret):
            return proof.value.get_secret_value()
        if isinstance(proof, Assertion):
            return {"client_assertion": lambda: proof.value}
        return {"client_assertion": lambda: self._sign(proof, client_id)}

    def _sign(self, signer: Signer, client_id: str) -> str:
        """Return the client assertion, signed once for both passes."""
        if not self._signed:
            creator = msal.oauth2cli.JwtAssertionCreator(
                signer.key, "PS256", sha256_thumbprint=signer.sha256_thumbprint, headers={"x5c": [signer.x5c]}
            )
            self._signed = creator.create_normal_assertion(self._endpoint, client_id).decode("ascii")
        return self._signed

    def get(self, url: str, **_: object) -> _MsalAnswer:
        """Give msal the tenant's endpoints, which came with its keys: msal would only fetch them again."""
        if not url.endswith("/.well-known/openid-configuration"):
            raise _unusable()
        return _MsalAnswer(
            200, json.dumps({"authorization_endpoint": self._authorize, "token_endpoint": self._endpoint})
        )

    def post(
        self, url: str, *, data: Mapping[str, Any], headers: Mapping[str, str] | None = None, **_: object
    ) -> _MsalAnswer:
        """Capture the form in the first pass; return the answer in the second."""
        self._posts += 1
        if self._answer is None:
            raise _Captured(data, headers or {})
        return self._answer

    def close(self) -> None:
        """Do nothing: nothing is held open."""


def _unusable() -> EntraUnexpected:
    return EntraUnexpected("Entra ID's answer cannot be used.", reason="unreadable")


class _NoTokenCache(msal.TokenCache):  # type: ignore[misc]  # msal has no types
    """Stores nothing: msal would only write here, at 0.2 ms a token, and this client is used once."""

    def add(self, event: object, now: float | None = None) -> None:
        """Store nothing."""
