"""Tokens of this function's managed identity, from the platform's endpoint on this machine.

Source: learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference, 2019-08-01). A token
for the audience of federated credentials replaces a client secret. A failure of the endpoint may be transient, so it is
never reported as a wrong setting; a platform that offers no endpoint at all is.
"""

import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from ..deadline import Deadline
from ..errors import EntraUnavailable, FieldError, Misconfigured, UpdateProfileError
from ..settings import MANAGED_IDENTITY, Settings
from ..single_flight import SingleFlight
from ..strict_json import parse_object
from ..transport.messages import Http, HttpAnswer, HttpRequest, read_retry_after
from .ask import IDENTITY, ask, is_no_answer
from .proof import Assertion

API_VERSION = "2019-08-01"
IDENTITY_EXPIRY_MARGIN_SECONDS = 300.0  # a token is not used in its last minutes
LONGEST_IDENTITY_SECONDS = 86_400.0  # documented: a token lives 24 hours at most
# A refused token is fetched again at most this often: a federated credential takes minutes to take effect, and one
# refusal must not make every call fetch.
SHORTEST_REFRESH_SECONDS = 1.0


class ManagedIdentityCredential:
    """A managed identity's token as federated credential: there is no secret."""

    kind = "managed_identity"

    def __init__(
        self,
        settings: Settings,
        http: Http,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` returns seconds that never go back, ``wall_clock`` seconds since 1970."""
        self._settings = settings
        self._http = http
        self._clock = clock
        self._wall_clock = wall_clock
        self._token = ""
        self._usable_until = float("-inf")
        self._fetched_at = float("-inf")
        self._is_refused = False
        self._fetches: SingleFlight[str, str] = SingleFlight(stop_when_abandoned=False, worth_another_try=is_no_answer)

    def check(self) -> FieldError | None:
        """Check that the platform offers an identity here. Nothing is asked for before a call needs it."""
        if self._settings.identity_endpoint is None or self._settings.identity_header is None:
            message = (
                "is set, but the platform offers no managed identity here (IDENTITY_ENDPOINT, IDENTITY_HEADER): assign"
                " the identity to this function app"
            )
            raise Misconfigured.of([FieldError(field=MANAGED_IDENTITY, message=message)])
        return None

    async def proof(self, *, deadline: Deadline) -> Assertion:
        """Return a token of the identity; one fetch serves all who wait.

        A token that was refused, perhaps by one tenant alone, still serves when a newer one cannot be had.
        """
        usable = self._clock() < self._usable_until
        if usable and not self._is_refused:
            return Assertion(value=self._token)
        fetch = partial(self._fetch, deadline.with_margin())
        try:
            return Assertion(value=await self._fetches.join("token", fetch, deadline=deadline))
        except (TimeoutError, UpdateProfileError) as error:
            if usable:
                return Assertion(value=self._token)
            if isinstance(error, UpdateProfileError):
                raise error.again() from error
            raise IDENTITY.timeout() from None

    def refused(self) -> None:
        """Fetch a new token at the next call, unless this one was fetched a moment ago."""
        if self._clock() - self._fetched_at >= SHORTEST_REFRESH_SECONDS:
            self._is_refused = True

    async def _fetch(self, deadline: Deadline) -> str:
        answer = await ask(self._http, self._request(), IDENTITY, deadline=deadline)
        token, expires_at = _read(answer)
        lifetime = min(expires_at - self._wall_clock(), LONGEST_IDENTITY_SECONDS)
        self._token, self._fetched_at, self._is_refused = token, self._clock(), False
        self._usable_until = self._fetched_at + max(0.0, lifetime - IDENTITY_EXPIRY_MARGIN_SECONDS)
        return token

    def _request(self) -> HttpRequest:
        settings = self._settings
        parameters = {
            "api-version": API_VERSION,
            "resource": settings.federated_audience,
            "client_id": settings.managed_identity_client_id,
        }
        header = settings.identity_header.get_secret_value() if settings.identity_header else ""
        return HttpRequest(
            method="GET",
            url=f"{settings.identity_endpoint}?{urlencode(parameters)}",
            headers={"X-IDENTITY-HEADER": header, "Metadata": "true"},
        )


def _read(answer: HttpAnswer) -> tuple[str, float]:
    """Return the token, and when it expires, in seconds since 1970."""
    members = (parse_object(answer.body) if answer.status == 200 else None) or {}
    token, expires_on = members.get("access_token"), members.get("expires_on")
    if not isinstance(token, str) or not token.isascii() or not token:
        raise EntraUnavailable(
            f"The platform gives no token for the managed identity (status {answer.status}).",
            reason="identity_endpoint",
            neighbour="identity_endpoint",
            entra_status=answer.status,
            retry_after_seconds=read_retry_after(answer.header("retry-after")),
        )
    return token, _moment(expires_on)


def _moment(value: object) -> float:
    """Read seconds since 1970 from a number or digits; 0.0 for anything else, and such a token is not cached."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:12])
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else 0.0
