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
Exchange = Callable[[Caller, Deadline], Awaitable[AccessToken]]


@dataclass(frozen=True)
class _Entry:
    """``until`` in seconds since 1970; until then the outcome stands: a token, or the wait Entra asked for."""

    outcome: AccessToken | EntraThrottled = field(repr=False)
    until: float


@dataclass
class _Flight:
    task: asyncio.Task[AccessToken]
    waiters: int = 0


class ExchangeCache:
    """Hands out access tokens; exchanges where none is held."""

    def __init__(self, exchange: Exchange, *, clock: Callable[[], float] = time.time) -> None:
        """``exchange`` gets a token from Entra ID or raises; ``clock`` gives seconds since 1970."""
        self._exchange = exchange
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._flights: dict[Key, _Flight] = {}

    async def access_token(self, caller: Caller, *, deadline: Deadline) -> tuple[AccessToken, How]:
        """A Partner Center token of this very caller, and how it was come by.

        Raises:
            EntraTimeout: The deadline passed while the exchange was under way.
            UpdateProfileError: What the exchange raised.
        """
        key = (caller.tenant_id, hashlib.sha256(caller.assertion.encode("utf-8")).digest())
        held = self._held(key)
        if held is not None:
            return held, "cached"
        flight = self._flights.get(key)
        if flight is None:
            return await self._wait(key, self._start(key, caller, deadline), deadline), "fetched"
        try:
            return await self._wait(key, flight, deadline), "joined"
        except EntraTimeout:
            # The flight had the time of the call that started it, which this call may outlast.
            if deadline.remaining_seconds() < SHORTEST_RETRY_SECONDS:
                raise
        return await self.access_token(caller, deadline=deadline)

    def __len__(self) -> int:
        """How many entries are held."""
        return len(self._entries)

    def _held(self, key: Key) -> AccessToken | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        left = entry.until - self._clock()
        if left <= 0:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        if isinstance(entry.outcome, AccessToken):
            return entry.outcome
        evidence = Evidence(entra=entry.outcome.evidence.entra, retry_after_seconds=math.ceil(left))
        raise EntraThrottled(entry.outcome.detail, evidence)

    def _start(self, key: Key, caller: Caller, deadline: Deadline) -> _Flight:
        flight = self._flights[key] = _Flight(asyncio.create_task(self._fly(key, caller, deadline)))
        flight.task.add_done_callback(_observe)
        return flight

    async def _fly(self, key: Key, caller: Caller, deadline: Deadline) -> AccessToken:
        asked_at = self._clock()
        try:
            access_token = await self._exchange(caller, deadline)
        except EntraThrottled as error:
            self._keep(key, _Entry(error, asked_at + (error.evidence.retry_after_seconds or DEFAULT_SECONDS)))
            raise
        usable_until = asked_at + access_token.expires_in_seconds - EXPIRY_MARGIN_SECONDS
        self._keep(key, _Entry(access_token, min(usable_until, caller.expires_at)))
        return access_token

    async def _wait(self, key: Key, flight: _Flight, deadline: Deadline) -> AccessToken:
        """Wait for a flight. One caller's going away ends it for nobody else; when the last has gone, it is stopped."""
        flight.waiters += 1
        try:
            done, _ = await asyncio.wait({flight.task}, timeout=deadline.remaining_seconds())
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 or flight.task.done():
                flight.task.cancel()
                self._forget(key, flight)
        if not done:
            raise EntraTimeout("Entra ID did not answer in time.")
        return flight.task.result()

    def _forget(self, key: Key, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    def _keep(self, key: Key, entry: _Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)


def _observe(task: asyncio.Task[AccessToken]) -> None:
    """Take note of a failure that nobody waits for any more, or asyncio would complain of it."""
    if not task.cancelled():
        task.exception()
