"""One exchange for each assertion, however many calls wait for it; its token kept no longer than it may be.

An entry is bound to the very assertion and its tenant. It ends by the sooner of the access token's expiry, less a
margin, and the assertion's own. Refusals are not remembered, as a user who has just consented must not be refused
again; throttling alone is, for the same assertion. Belongs to one event loop.
"""

import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from ..deadline import Deadline
from ..errors import EntraThrottled, EntraTimeout
from ..evidence import Evidence
from ..expiring_cache import ExpiringCache
from ..single_flight import SingleFlight
from ..transport.retry_after import DEFAULT_SECONDS
from .bearer_token import Caller
from .token_response import AccessToken

MAX_ENTRIES = 10_000
EXPIRY_MARGIN_SECONDS = 300.0  # as msal and azure-identity keep: a token is not used in its last minutes
SHORTEST_RETRY_SECONDS = 0.1

How = Literal["cached", "fetched", "joined"]
Key = tuple[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One exchange to be made: for whom, with which claims (JSON text; None for none), and by when."""

    caller: Caller
    claims: str | None
    deadline: Deadline


class ExchangeCache:
    """Hands out access tokens; exchanges where none is held."""

    def __init__(
        self, make: Callable[[Exchange], Awaitable[AccessToken]], *, clock: Callable[[], float] = time.time
    ) -> None:
        """``make`` gets a token from Entra ID or raises; ``clock`` gives seconds since 1970."""
        self._make = make
        self._clock = clock
        self._held: ExpiringCache[Key, AccessToken | EntraThrottled] = ExpiringCache(MAX_ENTRIES, clock=clock)
        self._flights: SingleFlight[tuple[Key, str | None], AccessToken] = SingleFlight(stop_when_abandoned=True)

    async def access_token(
        self, caller: Caller, *, deadline: Deadline, claims: str | None = None
    ) -> tuple[AccessToken, How]:
        """A Partner Center token of this very caller, and how it was come by.

        With claims no held token does, as one without them was refused; the new one takes its place.

        Raises:
            EntraTimeout: The deadline passed while the exchange was under way.
            UpdateProfileError: What the exchange raised.
        """
        key = _key(caller)
        held = self._token_held(key)
        if held is not None and claims is None:
            return held, "cached"
        exchange = Exchange(caller=caller, claims=claims, deadline=deadline)
        how: How = "joined" if self._flights.under_way((key, claims)) else "fetched"
        try:
            return await self._flights.join((key, claims), partial(self._fly, key, exchange), deadline=deadline), how
        except TimeoutError:
            raise EntraTimeout("Entra ID did not answer in time.") from None
        except EntraTimeout:
            # The flight had the time of the call that started it, which this call may outlast.
            if how == "fetched" or deadline.remaining_seconds() < SHORTEST_RETRY_SECONDS:
                raise
        return await self.access_token(caller, deadline=deadline, claims=claims)

    def forget(self, caller: Caller, refused: AccessToken) -> None:
        """Drop a token that Partner Center refused; another one, held since, stays."""
        held = self._held.get(_key(caller))
        if held is not None and held.value == refused:
            self._held.drop(_key(caller))

    def __len__(self) -> int:
        """How many entries are held."""
        return len(self._held)

    def _token_held(self, key: Key) -> AccessToken | None:
        """The token held; None without one.

        Raises:
            EntraThrottled: Entra's wait for this assertion is not over.
        """
        held = self._held.get(key)
        if held is None:
            return None
        if isinstance(held.value, AccessToken):
            return held.value
        evidence = Evidence(entra=held.value.evidence.entra, retry_after_seconds=math.ceil(held.left_seconds))
        raise EntraThrottled(held.value.detail, evidence)

    async def _fly(self, key: Key, exchange: Exchange) -> AccessToken:
        asked_at = self._clock()
        try:
            access_token = await self._make(exchange)
        except EntraThrottled as error:
            self._held.keep(key, error, until=asked_at + (error.evidence.retry_after_seconds or DEFAULT_SECONDS))
            raise
        usable_until = asked_at + access_token.expires_in_seconds - EXPIRY_MARGIN_SECONDS
        self._held.keep(key, access_token, until=min(usable_until, exchange.caller.expires_at))
        return access_token


def _key(caller: Caller) -> Key:
    return caller.tenant_id, hashlib.sha256(caller.assertion.encode("utf-8")).digest()
