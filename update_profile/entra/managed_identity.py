"""Tokens of this function's managed identity, from the platform's endpoint on this very machine.

Source: learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference, 2019-08-01). Such a
token, made for the audience of federated credentials, stands in for a client secret. Whatever is wrong with the
endpoint may pass: it is never taken for a wrong setting. Belongs to one event loop.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from ..credential_settings import ManagedIdentity
from ..deadline import Deadline
from ..errors import EntraTimeout, EntraUnavailable
from ..expiring_cache import ExpiringCache
from ..single_flight import SingleFlight
from ..strict_json import NotJson, parse
from ..transport.client import HttpClient
from ..transport.messages import HttpAnswer, HttpRequest, TransportError

logger = logging.getLogger("update_profile")
API_VERSION = "2019-08-01"
EXPIRY_MARGIN_SECONDS = 300.0  # a token is not used in its last minutes
FETCH_SECONDS = 10.0


class IdentityTokens:
    """Gets the identity's tokens for one audience; one fetch, however many wait."""

    def __init__(
        self, identity: ManagedIdentity, audience: str, http: HttpClient, *, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` gives seconds since 1970."""
        self._identity = identity
        self._audience = audience
        self._http = http
        self._held: ExpiringCache[str, str] = ExpiringCache(1, clock=clock)
        self._fetches: SingleFlight[str, str] = SingleFlight(stop_when_abandoned=False)

    async def token(self, *, deadline: Deadline) -> str:
        """A token of the identity.

        Raises:
            EntraUnavailable, EntraTimeout: The platform gives none.
        """
        held = self._held.get(self._audience)
        if held is not None:
            return held.value
        fetch = partial(self._fetch, deadline.shortly_before().within(FETCH_SECONDS))
        try:
            return await self._fetches.join(self._audience, fetch, deadline=deadline)
        except TimeoutError:
            raise EntraTimeout("The platform's identity endpoint did not answer in time.") from None

    def drop(self) -> None:
        """Ask anew the next time: what was given does not count as a credential."""
        self._held.drop(self._audience)

    async def _fetch(self, deadline: Deadline) -> str:
        try:
            answer = await self._http.send(self._request(), deadline=deadline)
        except TransportError as error:
            logger.warning("update_profile.no_answer identity_endpoint %s", error.reason)
            if error.sent and error.timed_out:
                raise EntraTimeout("The platform's identity endpoint did not answer in time.") from error
            raise EntraUnavailable("The platform's identity endpoint cannot be reached.") from error
        token, expires_at = _read(answer)
        self._held.keep(self._audience, token, until=expires_at - EXPIRY_MARGIN_SECONDS)
        return token

    def _request(self) -> HttpRequest:
        identity = self._identity
        if identity.endpoint is None or identity.header is None:
            raise EntraUnavailable(
                "The platform offers no managed identity here (IDENTITY_ENDPOINT, IDENTITY_HEADER): it may not be"
                " assigned to this function yet."
            )
        query = urlencode({"api-version": API_VERSION, "resource": self._audience, "client_id": identity.client_id})
        headers = {"X-IDENTITY-HEADER": identity.header.get_secret_value(), "Metadata": "true"}
        return HttpRequest(method="GET", url=f"{identity.endpoint}?{query}", headers=headers)


def _read(answer: HttpAnswer) -> tuple[str, float]:
    """The token, and when it ends, in seconds since 1970."""
    document: Any = None
    if answer.status == 200:
        try:
            document = parse(answer.body or b"")
        except NotJson:
            document = None
    members = document if isinstance(document, dict) else {}
    token, expires_on = members.get("access_token"), members.get("expires_on")
    if not isinstance(token, str) or not token.isascii() or not token:
        raise EntraUnavailable(f"The platform gives no token for the managed identity (status {answer.status}).")
    return token, _moment(expires_on)


def _moment(value: object) -> float:
    """Seconds since 1970, as a number or as digits; 0.0 for anything else: such a token is not kept."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:12])
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else 0.0
