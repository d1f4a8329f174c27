"""Tokens of this function's managed identity, from the platform's endpoint on this machine.

Source: learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference, 2019-08-01). A token
for the audience of federated credentials replaces a client secret. A failure of the endpoint may be transient, so it is
never reported as a wrong setting.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from ..deadline import Deadline
from ..errors import EntraTimeout, EntraUnavailable
from ..settings import Settings
from ..single_flight import SingleFlight
from ..strict_json import parse_object
from ..transport.messages import Http, HttpAnswer, HttpRequest
from .ask import ask

API_VERSION = "2019-08-01"
IDENTITY_EXPIRY_MARGIN_SECONDS = 300.0  # a token is not used in its last minutes
IDENTITY_FETCH_SECONDS = 10.0
WHOM = "The platform's identity endpoint"


class ManagedIdentityCredential:
    """A managed identity's token as federated credential: there is no secret."""

    def __init__(self, settings: Settings, http: Http, *, clock: Callable[[], float] = time.time) -> None:
        """``clock`` returns seconds since 1970."""
        self._settings = settings
        self._http = http
        self._clock = clock
        self._token = ""
        self._usable_until = 0.0
        self._fetches: SingleFlight[str, str] = SingleFlight(stop_when_abandoned=False)

    def check(self) -> None:
        """Do nothing: nothing is asked for before a call needs it."""

    async def for_msal(self, *, deadline: Deadline) -> dict[str, Any]:
        """Return the token as a function: msal warns about a plain text, which would age with its client."""
        token = await self.token(deadline=deadline)
        return {"client_assertion": lambda: token}

    def refused(self) -> None:
        """Forget the token: a federated credential takes minutes to take effect, and the next call asks again."""
        self._usable_until = 0.0

    async def token(self, *, deadline: Deadline) -> str:
        """Return a token of the identity; one fetch serves all who wait.

        Raises:
            EntraUnavailable, EntraTimeout: The platform gives none.
        """
        if self._clock() < self._usable_until:
            return self._token
        fetch = partial(self._fetch, deadline.with_margin().within(IDENTITY_FETCH_SECONDS))
        try:
            return await self._fetches.join("token", fetch, deadline=deadline)
        except TimeoutError:
            raise EntraTimeout(f"{WHOM} did not answer in time.") from None

    async def _fetch(self, deadline: Deadline) -> str:
        answer = await ask(self._http, self._request(), deadline=deadline, whom=WHOM, log_name="identity_endpoint")
        token, expires_at = _read(answer)
        self._token, self._usable_until = token, expires_at - IDENTITY_EXPIRY_MARGIN_SECONDS
        return token

    def _request(self) -> HttpRequest:
        settings = self._settings
        if settings.identity_endpoint is None or settings.identity_header is None:
            raise EntraUnavailable(
                "The platform offers no managed identity here (IDENTITY_ENDPOINT, IDENTITY_HEADER): it may not be"
                " assigned to this function yet."
            )
        parameters = {
            "api-version": API_VERSION,
            "resource": settings.federated_audience,
            "client_id": settings.managed_identity_client_id,
        }
        headers = {"X-IDENTITY-HEADER": settings.identity_header.get_secret_value(), "Metadata": "true"}
        url = f"{settings.identity_endpoint}?{urlencode(parameters)}"
        return HttpRequest(method="GET", url=url, headers=headers)


def _read(answer: HttpAnswer) -> tuple[str, float]:
    """Return the token, and when it expires, in seconds since 1970."""
    members = (parse_object(answer.body) if answer.status == 200 else None) or {}
    token, expires_on = members.get("access_token"), members.get("expires_on")
    if not isinstance(token, str) or not token.isascii() or not token:
        raise EntraUnavailable(f"The platform gives no token for the managed identity (status {answer.status}).")
    return token, _moment(expires_on)


def _moment(value: object) -> float:
    """Read seconds since 1970 from a number or digits; 0.0 for anything else, and such a token is not cached."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:12])
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else 0.0
