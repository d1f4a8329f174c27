"""One exchange for each assertion, however many calls wait for it; its token kept no longer than it may be.

An entry is bound to the very assertion and its tenant. It ends by the sooner of the access token's expiry, less a
margin, and the assertion's own. Refusals are not remembered, as a user who has just consented must not be refused
again; throttling alone is, for the same assertion. Belongs to one event loop.
"""

import asyncio
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from .caller import Caller
from .deadline import Deadline
from .entra_answers import AccessToken
from .errors import EntraThrottled, EntraTimeout
from .evidence import Evidence
from .retry_after import DEFAULT_SECONDS

MAX_ENTRIES = 10_000
EXPIRY_MARGIN_SECONDS = 300.0  # as msal and azure-identity keep: a token is not used in its last minutes
SHORTEST_RETRY_SECONDS = 0.1

How = Literal["cached", "fetched", "joined"]
Key = tuple[str, bytes]
FlightKey = tuple[Key, str | None]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One exchange to be made: for whom, with which claims (None for none), and by when."""

    caller: Caller
    claims: str | None
    deadline: Deadline


MakeExchange = Callable[[Exchange], Awaitable[AccessToken]]


@dataclass(frozen=True)
class _Entry:
    """``until`` in seconds since 1970; until then the outcome stands: a token, or the wait Entra asked for."""

    outcome: AccessToken | EntraThrottled = field(repr=False)
    until: float


@dataclass
class _Flight:
    task: asyncio.Task[AccessToken]
    key: FlightKey
    waiters: int = 0


class ExchangeCache:
    """Hands out access tokens; exchanges where none is held."""

    def __init__(self, make: MakeExchange, *, clock: Callable[[], float] = time.time) -> None:
        """``make`` gets a token from Entra ID or raises; ``clock`` gives seconds since 1970."""
        self._make = make
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._flights: dict[FlightKey, _Flight] = {}

    async def access_token(
        self, caller: Caller, *, deadline: Deadline, claims: str | None = None
    ) -> tuple[AccessToken, How]:
        """A Partner Center token of this very caller, and how it was come by.

        With claims (JSON text) no held token does, as one without them was refused; the new one takes its place.

        Raises:
            EntraTimeout: The deadline passed while the exchange was under way.
            UpdateProfileError: What the exchange raised.
        """
        key = _key(caller)
        held = self._held(key, new=claims is not None)
        if held is not None:
            return held, "cached"
        flight = self._flights.get((key, claims))
        if flight is None:
            flight = self._start(key, Exchange(caller=caller, claims=claims, deadline=deadline))
            return await self._wait(flight, deadline), "fetched"
        try:
            return await self._wait(flight, deadline), "joined"
        except EntraTimeout:
            # The flight had the time of the call that started it, which this call may outlast.
            if deadline.remaining_seconds() < SHORTEST_RETRY_SECONDS:
                raise
        return await self.access_token(caller, deadline=deadline, claims=claims)

    def forget(self, caller: Caller, refused: AccessToken) -> None:
        """Drop a token that Partner Center refused; another one, held since, stays."""
        key = _key(caller)
        entry = self._entries.get(key)
        if entry is not None and entry.outcome == refused:
            del self._entries[key]

    def __len__(self) -> int:
        """How many entries are held."""
        return len(self._entries)

    def _held(self, key: Key, *, new: bool) -> AccessToken | None:
        """The token held; None without one, or where it must be a new one.

        Raises:
            EntraThrottled: Entra's wait for this caller is not over.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        left = entry.until - self._clock()
        if left <= 0:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        if isinstance(entry.outcome, AccessToken):
            return None if new else entry.outcome
        evidence = Evidence(entra=entry.outcome.evidence.entra, retry_after_seconds=math.ceil(left))
        raise EntraThrottled(entry.outcome.detail, evidence)

    def _start(self, key: Key, exchange: Exchange) -> _Flight:
        task = asyncio.create_task(self._fly(key, exchange))
        task.add_done_callback(_observe)
        flight = self._flights[key, exchange.claims] = _Flight(task, (key, exchange.claims))
        return flight

    async def _fly(self, key: Key, exchange: Exchange) -> AccessToken:
        asked_at = self._clock()
        try:
            access_token = await self._make(exchange)
        except EntraThrottled as error:
            self._keep(key, _Entry(error, asked_at + (error.evidence.retry_after_seconds or DEFAULT_SECONDS)))
            raise
        usable_until = asked_at + access_token.expires_in_seconds - EXPIRY_MARGIN_SECONDS
        self._keep(key, _Entry(access_token, min(usable_until, exchange.caller.expires_at)))
        return access_token

    async def _wait(self, flight: _Flight, deadline: Deadline) -> AccessToken:
        """Wait for a flight. One caller's going away ends it for nobody else; when the last has gone, it is stopped."""
        flight.waiters += 1
        try:
            done, _ = await asyncio.wait({flight.task}, timeout=deadline.remaining_seconds())
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 or flight.task.done():
                flight.task.cancel()
                self._land(flight)
        if not done:
            raise EntraTimeout("Entra ID did not answer in time.")
        return flight.task.result()

    def _land(self, flight: _Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]

    def _keep(self, key: Key, entry: _Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)


def _key(caller: Caller) -> Key:
    return caller.tenant_id, hashlib.sha256(caller.assertion.encode("utf-8")).digest()


def _observe(task: asyncio.Task[AccessToken]) -> None:
    """Take note of a failure that nobody waits for any more, or asyncio would complain of it."""
    if not task.cancelled():
        task.exception()
