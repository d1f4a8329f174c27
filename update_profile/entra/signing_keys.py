"""Entra ID's signing keys: fetched once however many calls wait, renewed, and kept through an outage.

A key is looked up by tenant and key id. An unknown key id causes one fetch, and then none for a while, so that a flood
of made-up key ids causes no flood of fetches.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ..deadline import Deadline
from ..errors import EntraTimeout, EntraUnavailable, InvalidToken, Misconfigured, UpdateProfileError
from ..single_flight import SingleFlight
from .metadata import SigningKey, TenantMetadata

FETCH_SECONDS = 10.0
# Entra ID publishes a key well before it signs with it; "check for keys about every 24 hours" (access-tokens page).
RENEW_AFTER_SECONDS = 24 * 3600.0
# How long keys are used when no newer ones are available: they survive an outage of a day.
USABLE_SECONDS = 48 * 3600.0
PAUSE_SECONDS = 30.0  # between two fetches for a tenant whose keys are held: a new key is learnt within it
PAUSE_WITHOUT_KEYS_SECONDS = 1.0


class FetchMetadata(Protocol):
    """Fetches what a tenant publishes."""

    async def __call__(self, tenant_id: str, *, deadline: Deadline) -> TenantMetadata:
        """Return it, or raise as ``fetch_metadata`` does."""


@dataclass
class _Tenant:
    """What is held for one tenant. Times are on the monotonic clock, in seconds."""

    metadata: TenantMetadata | None = None
    fetched_at: float = 0.0
    tried_at: float | None = None
    failure: UpdateProfileError | None = None


class SigningKeys:
    """The keys of every allowed tenant."""

    def __init__(self, fetch: FetchMetadata, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` returns seconds that never go back."""
        self._fetch_metadata = fetch
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        # A fetch continues when nobody waits for it any more: the next call needs its result.
        self._fetches: SingleFlight[str, None] = SingleFlight(stop_when_abandoned=False)

    async def find(self, tenant_id: str, key_id: str, *, deadline: Deadline) -> SigningKey:
        """Return the key with this id. A key that is held is returned at once, even when it is time to renew it.

        Raises:
            InvalidToken: The tenant was just asked and has no such key.
            EntraUnavailable, EntraTimeout: The tenant cannot be asked.
            Misconfigured: Entra ID does not know the tenant.
        """
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        held = self._held(tenant, key_id)
        if held is not None:
            if self._clock() - tenant.fetched_at > RENEW_AFTER_SECONDS and self._may_fetch(tenant):
                self._fetches.begin(tenant_id, partial(self._renew, tenant_id, Deadline.after(FETCH_SECONDS)))
            return held
        waited = self._fetches.in_progress(tenant_id) or self._may_fetch(tenant)
        if waited:
            await self._fetch(tenant_id, deadline)
        key = self._held(tenant, key_id)
        if key is not None:
            return key
        raise _key_error(tenant.failure, waited=waited)

    def discovery(self, tenant_id: str) -> Mapping[str, Any]:
        """Return the discovery document of a tenant one of whose keys was found.

        Raises:
            LookupError: No key of this tenant was found.
        """
        metadata = self._tenants[tenant_id].metadata
        if metadata is None:
            raise LookupError("no key of this tenant was found")
        return metadata.discovery

    def _usable(self, tenant: _Tenant) -> TenantMetadata | None:
        fresh_enough = self._clock() - tenant.fetched_at <= USABLE_SECONDS
        return tenant.metadata if fresh_enough else None

    def _held(self, tenant: _Tenant, key_id: str) -> SigningKey | None:
        metadata = self._usable(tenant)
        return metadata.keys.get(key_id) if metadata else None

    def _may_fetch(self, tenant: _Tenant) -> bool:
        """Return whether the last try is long enough ago."""
        pause = PAUSE_SECONDS if self._usable(tenant) else PAUSE_WITHOUT_KEYS_SECONDS
        return tenant.tried_at is None or self._clock() - tenant.tried_at >= pause

    async def _fetch(self, tenant_id: str, deadline: Deadline) -> None:
        """Wait for the one fetch in progress; start it if there is none.

        The fetch has the time of the call that starts it, and ends slightly before that call does, so that it can
        report why.
        """
        until = deadline.with_margin().within(FETCH_SECONDS)
        try:
            await self._fetches.join(tenant_id, partial(self._renew, tenant_id, until), deadline=deadline)
        except TimeoutError:
            raise EntraTimeout("Entra ID did not return its keys in time.") from None

    async def _renew(self, tenant_id: str, deadline: Deadline) -> None:
        tenant = self._tenants[tenant_id]
        try:
            tenant.metadata = await self._fetch_metadata(tenant_id, deadline=deadline)
        except UpdateProfileError as error:
            tenant.failure = error
        else:
            tenant.fetched_at, tenant.failure = self._clock(), None
        finally:
            tenant.tried_at = self._clock()


def _key_error(failure: UpdateProfileError | None, *, waited: bool) -> UpdateProfileError:
    """Return why there is no such key."""
    if failure is None:
        return InvalidToken("The bearer token is signed with a key that Entra ID does not know.")
    if isinstance(failure, Misconfigured) or (waited and isinstance(failure, EntraTimeout)):
        return failure.again()
    return EntraUnavailable(
        "Entra ID's keys are not available right now.", retry_after_seconds=failure.retry_after_seconds
    )
