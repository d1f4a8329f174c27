"""Entra ID's signing keys: fetched once however many calls wait, renewed, and kept through an outage.

A key is looked up by tenant and key id. An unknown key id causes one fetch, and then none for a while, so that a flood
of made-up key ids causes no flood of fetches.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from ..deadline import Deadline
from ..errors import EntraTimeout, EntraUnavailable, InvalidToken, UpdateProfileError
from ..single_flight import SingleFlight
from .ask import KEYS, is_no_answer
from .metadata import SigningKey, TenantMetadata

logger = logging.getLogger("update_profile")
RENEWAL_SECONDS = 20.0  # for a fetch that no call waits for
# Entra ID publishes a key well before it signs with it; "check for keys about every 24 hours" (access-tokens page).
RENEW_AFTER_SECONDS = 24 * 3600.0
# How long keys are used when no newer ones are available: they survive an outage of a day.
USABLE_SECONDS = 48 * 3600.0
PAUSE_SECONDS = 30.0  # between two fetches for a tenant whose keys are held: a new key is learnt within it
PAUSE_WITHOUT_KEYS_SECONDS = 1.0
MAX_ABSENT_KEY_IDS = 64


class FetchMetadata(Protocol):
    """Fetches what a tenant publishes."""

    async def __call__(self, tenant_id: str, *, deadline: Deadline) -> TenantMetadata:
        """Return it, or raise as ``fetch_metadata`` does."""


@dataclass
class _Tenant:
    """What is held for one tenant. Times are on the monotonic clock, in seconds.

    Attributes:
        absent: Key ids that the last fetch did not bring, though they were asked for.
        failure: Why the last fetch failed; None when it did not.
    """

    metadata: TenantMetadata | None = None
    fetched_at: float = 0.0
    tried_at: float | None = None
    failure: UpdateProfileError | None = None
    absent: set[str] = field(default_factory=set)


class SigningKeys:
    """The keys of every allowed tenant."""

    def __init__(
        self,
        fetch: FetchMetadata,
        *,
        meanwhile: Callable[[Deadline], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set how keys are fetched.

        Args:
            fetch: Fetches what a tenant publishes.
            meanwhile: Called once with each fetch that a call waits for, with that fetch's deadline.
            clock: Returns seconds that never go back.
        """
        self._fetch_metadata = fetch
        self._meanwhile = meanwhile
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        # A fetch continues when nobody waits for it any more: the next call needs its result.
        self._fetches: SingleFlight[str, None] = SingleFlight(stop_when_abandoned=False, worth_another_try=is_no_answer)

    async def find(self, tenant_id: str, key_id: str, *, deadline: Deadline) -> SigningKey:
        """Return the key with this id. A key that is held is returned at once, even when it is time to renew it.

        Raises:
            InvalidToken: The tenant was just asked and has no such key.
            EntraUnavailable, EntraTimeout: The tenant cannot be asked, or only after a pause: right after a roll-over
                a valid token must not be called invalid.
            EntraUnexpected, Misconfigured: As ``fetch_metadata`` raises.
        """
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        held = self._held(tenant, key_id)
        if held is not None:
            if self._clock() - tenant.fetched_at > RENEW_AFTER_SECONDS and self._pause_left(tenant) <= 0:
                self._fetches.begin(tenant_id, partial(self._renew_behind, tenant_id))
            return held
        waited = self._fetches.in_progress(tenant_id) or self._pause_left(tenant) <= 0
        if waited:
            await self._fetch(tenant_id, deadline)
            key = self._held(tenant, key_id)
            if key is not None:
                return key
            if len(tenant.absent) < MAX_ABSENT_KEY_IDS:
                tenant.absent.add(key_id)
        if waited or key_id in tenant.absent:
            raise InvalidToken(
                "The bearer token is signed with a key that Entra ID does not know.", reason="unknown_key"
            )
        raise self._not_yet(tenant)

    def token_endpoint(self, tenant_id: str) -> str:
        """Return the token endpoint of a tenant one of whose keys was found.

        Raises:
            LookupError: No key of this tenant was found.
        """
        metadata = self._tenants[tenant_id].metadata
        if metadata is None:
            raise LookupError("no key of this tenant was found")
        return metadata.token_endpoint

    def _usable(self, tenant: _Tenant) -> TenantMetadata | None:
        fresh_enough = self._clock() - tenant.fetched_at <= USABLE_SECONDS
        return tenant.metadata if fresh_enough else None

    def _held(self, tenant: _Tenant, key_id: str) -> SigningKey | None:
        metadata = self._usable(tenant)
        return metadata.keys.get(key_id) if metadata else None

    def _pause_left(self, tenant: _Tenant) -> float:
        """Return how long no fetch is allowed, in seconds; zero or less when one is."""
        pause = PAUSE_SECONDS if self._usable(tenant) else PAUSE_WITHOUT_KEYS_SECONDS
        return 0.0 if tenant.tried_at is None else tenant.tried_at + pause - self._clock()

    def _not_yet(self, tenant: _Tenant) -> UpdateProfileError:
        """Return the error for a key that may exist, while no fetch is allowed."""
        if tenant.failure is not None and not isinstance(tenant.failure, EntraUnavailable | EntraTimeout):
            return tenant.failure.again()
        wait_seconds = max(1, math.ceil(self._pause_left(tenant)))
        asked = tenant.failure.retry_after_seconds if tenant.failure else None
        return EntraUnavailable(
            "Entra ID's keys are not available right now.",
            reason="keys",
            retry_after_seconds=asked or wait_seconds,
            no_answer=tenant.failure.no_answer if tenant.failure else None,
            entra_status=tenant.failure.entra_status if tenant.failure else None,
        )

    async def _fetch(self, tenant_id: str, deadline: Deadline) -> None:
        """Wait for the one fetch in progress; start it if there is none.

        The fetch has the time of the call that starts it, and ends slightly before that call does, so that it can
        report why.
        """
        try:
            await self._fetches.join(
                tenant_id, partial(self._renew_awaited, tenant_id, deadline.with_margin()), deadline=deadline
            )
        except TimeoutError:
            raise KEYS.timeout() from None
        except UpdateProfileError as error:
            raise error.again() from error

    async def _renew_awaited(self, tenant_id: str, deadline: Deadline) -> None:
        self._meanwhile(deadline)
        await self._renew(tenant_id, deadline)

    async def _renew(self, tenant_id: str, deadline: Deadline) -> None:
        tenant = self._tenants[tenant_id]
        try:
            tenant.metadata = await self._fetch_metadata(tenant_id, deadline=deadline)
        except UpdateProfileError as error:
            tenant.failure = error
            logger.warning(
                "update_profile.keys_not_renewed %s %s %s", tenant_id, error.code, error.no_answer or error.entra_status
            )
            raise
        else:
            tenant.fetched_at, tenant.failure = self._clock(), None
        finally:
            tenant.tried_at = self._clock()
            tenant.absent.clear()  # what was absent before may be published since

    async def _renew_behind(self, tenant_id: str) -> None:
        """Renew held keys in the background, while calls go on using them."""
        await self._renew(tenant_id, Deadline.after(RENEWAL_SECONDS))
