"""Entra's signing keys: fetched once however many wait, renewed, and kept through an outage.

A key is looked up by tenant and key id. An unknown key id makes one fetch, and none again for a while, so that a flood
of made-up key ids causes no flood of fetches.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..deadline import Deadline
from ..errors import EntraTimeout, EntraUnavailable, InvalidToken, Misconfigured, UpdateProfileError
from ..single_flight import SingleFlight
from .metadata import EntraMetadata, SigningKey, TenantMetadata

__all__ = ["SigningKey", "SigningKeys"]

FETCH_SECONDS = 10.0
# Entra publishes a key well before it signs with it; "check for keys about every 24 hours" (access-tokens page).
RENEW_AFTER_SECONDS = 24 * 3600.0
# How long keys are used when none newer can be had: an outage of a day harms nobody.
USABLE_SECONDS = 48 * 3600.0
PAUSE_SECONDS = 30.0  # between two fetches of a tenant whose keys are held: a new key is learnt within it
PAUSE_WITHOUT_KEYS_SECONDS = 1.0


@dataclass
class _Tenant:
    """What is held of one tenant. Times are of the monotonic clock, in seconds."""

    metadata: TenantMetadata | None = None
    fetched_at: float = 0.0
    tried_at: float | None = None
    failure: UpdateProfileError | None = None


class SigningKeys:
    """The keys of every allowed tenant. Belongs to one event loop."""

    def __init__(self, metadata: EntraMetadata, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds that never go back."""
        self._metadata = metadata
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        # A fetch goes on when nobody waits for it any more: the next call needs its outcome.
        self._fetches: SingleFlight[str, None] = SingleFlight(stop_when_abandoned=False)

    async def find(self, tenant_id: str, key_id: str, *, deadline: Deadline) -> SigningKey:
        """The key with this id. A key that is held is found at once, though it may be time to renew it.

        Raises:
            InvalidToken: The tenant, asked just now, has no such key.
            EntraUnavailable, EntraTimeout: The tenant cannot be asked.
            Misconfigured: Entra ID does not know the tenant.
        """
        tenant = self._tenants.setdefault(tenant_id, _Tenant())
        held = self._held(tenant, key_id)
        if held is not None:
            if self._clock() - tenant.fetched_at > RENEW_AFTER_SECONDS and self._may_fetch(tenant):
                self._fetches.begin(tenant_id, partial(self._renew, tenant_id, Deadline.after(FETCH_SECONDS)))
            return held
        waited = self._fetches.under_way(tenant_id) or self._may_fetch(tenant)
        if waited:
            await self._fetch(tenant_id, deadline)
        key = self._held(tenant, key_id)
        if key is not None:
            return key
        raise _why_not(tenant.failure, waited=waited)

    def discovery(self, tenant_id: str) -> Mapping[str, Any]:
        """The discovery document of a tenant one of whose keys was found."""
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
        """Whether the last try is long enough ago."""
        pause = PAUSE_SECONDS if self._usable(tenant) else PAUSE_WITHOUT_KEYS_SECONDS
        return tenant.tried_at is None or self._clock() - tenant.tried_at >= pause

    async def _fetch(self, tenant_id: str, deadline: Deadline) -> None:
        """Wait for the one fetch under way, starting it if there is none.

        It has the time of the call that began it, and ends before that call does, so that it can say why.
        """
        until = deadline.shortly_before().within(FETCH_SECONDS)
        try:
            await self._fetches.join(tenant_id, partial(self._renew, tenant_id, until), deadline=deadline)
        except TimeoutError:
            raise EntraTimeout("Entra ID did not give its keys in time.") from None

    async def _renew(self, tenant_id: str, deadline: Deadline) -> None:
        tenant = self._tenants[tenant_id]
        try:
            tenant.metadata = await self._metadata.fetch(tenant_id, deadline=deadline)
        except UpdateProfileError as error:
            tenant.failure = error
        else:
            tenant.fetched_at, tenant.failure = self._clock(), None
        finally:
            tenant.tried_at = self._clock()


def _why_not(failure: UpdateProfileError | None, *, waited: bool) -> UpdateProfileError:
    """Why there is no such key: a new error, as an error that is raised twice gathers the tracebacks of both."""
    if failure is None:
        return InvalidToken("The bearer token is signed with a key that Entra ID does not know.")
    if isinstance(failure, Misconfigured):
        return Misconfigured(failure.detail)
    if waited and isinstance(failure, EntraTimeout):
        return EntraTimeout(failure.detail)
    return EntraUnavailable("Entra ID's keys cannot be had right now.", failure.evidence)
