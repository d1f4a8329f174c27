"""One exchange for each bearer token, however many calls wait for it, and its access token for as long as allowed.

An entry is bound to that very bearer token and its tenant. It ends when the access token expires (less a margin) or
when the bearer token does, whichever is sooner. Refusals are not cached, because a user who has just consented must not
be refused again; throttling is, for the same bearer token.
"""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from ..call import AccessToken, Caller, TokenSource
from ..deadline import Deadline
from ..errors import EntraThrottled, UpdateProfileError
from ..expiring_cache import ExpiringCache
from ..single_flight import SingleFlight
from ..transport.messages import DEFAULT_RETRY_AFTER_SECONDS
from .ask import EXCHANGE, is_no_answer

MAX_CACHED_TOKENS = 10_000
EXPIRY_MARGIN_SECONDS = 300.0  # as msal and azure-identity do: a token is not used in its last minutes

Key = tuple[str, bytes]


class Exchange(Protocol):
    """Exchanges a bearer token for an access token."""

    async def __call__(self, caller: Caller, assertion: str, *, claims: str | None, deadline: Deadline) -> AccessToken:
        """Return the token, or raise as ``OnBehalfOf.exchange`` does."""


class ExchangeCache:
    """Returns access tokens, and exchanges when none is cached."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` returns seconds that never go back, ``wall_clock`` seconds since 1970."""
        self._exchange = exchange
        self._wall_clock = wall_clock
        self._held: ExpiringCache[Key, AccessToken | EntraThrottled] = ExpiringCache(MAX_CACHED_TOKENS, clock=clock)
        self._flights: SingleFlight[tuple[Key, str | None], AccessToken] = SingleFlight(
            stop_when_abandoned=True, worth_another_try=is_no_answer
        )

    async def access_token(
        self, caller: Caller, assertion: str, *, deadline: Deadline, claims: str | None = None
    ) -> tuple[AccessToken, TokenSource]:
        """Return a Partner Center token for this caller and where it came from.

        With ``claims`` (JSON text from a claims challenge) the cache is bypassed, because the cached token was just
        refused, and the new token replaces it.

        Raises:
            EntraTimeout: The deadline passed during the exchange.
            UpdateProfileError: What the exchange raised.
        """
        key = _key(caller)
        held = self._held_token(key)
        if held is not None and claims is None:
            return held, "cached"
        exchange = partial(self._exchange_and_store, key, caller, assertion, claims, deadline)
        source: TokenSource = "joined" if self._flights.in_progress((key, claims)) else "fetched"
        try:
            return await self._flights.join((key, claims), exchange, deadline=deadline), source
        except TimeoutError:
            raise EXCHANGE.timeout() from None
        except UpdateProfileError as error:
            raise error.again() from error

    def forget(self, caller: Caller, refused: AccessToken) -> None:
        """Drop a token that Partner Center refused; a newer one stays."""
        if self._held.get(_key(caller)) == refused:
            self._held.drop(_key(caller))

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._held)

    def _held_token(self, key: Key) -> AccessToken | None:
        """Return the cached token, if there is one.

        Raises:
            EntraThrottled: The wait that Entra ID asked for is not over for this bearer token.
        """
        held = self._held.get(key)
        if held is None or isinstance(held, AccessToken):
            return held
        throttled = held.again()
        throttled.retry_after_seconds = math.ceil(self._held.left_seconds(key))
        raise throttled

    async def _exchange_and_store(
        self, key: Key, caller: Caller, assertion: str, claims: str | None, deadline: Deadline
    ) -> AccessToken:
        try:
            access_token = await self._exchange(caller, assertion, claims=claims, deadline=deadline)
        except EntraThrottled as error:
            self._held.keep(key, error, seconds=error.retry_after_seconds or DEFAULT_RETRY_AFTER_SECONDS)
            raise
        usable_seconds = access_token.expires_in_seconds - EXPIRY_MARGIN_SECONDS
        self._held.keep(key, access_token, seconds=min(usable_seconds, caller.expires_at - self._wall_clock()))
        return access_token


def _key(caller: Caller) -> Key:
    return caller.tenant_id, caller.token_digest
