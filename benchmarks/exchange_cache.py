"""Measures the cost of a cached exchange with one user and with 10,000 users, and the memory per user."""

import asyncio
import secrets
import statistics
import time
import tracemalloc
from collections import deque
from collections.abc import Sequence

from update_profile.call import AccessToken, Caller
from update_profile.deadline import Deadline
from update_profile.entra.exchange_cache import MAX_CACHED_TOKENS, ExchangeCache
from update_profile.expiring_cache import ExpiringCache

from .held import Held

TOKEN_BYTES = 2163  # the size of the Partner Center token in the documentation
ROUNDS = 7
HITS = 2000


async def _exchange(caller: Caller, assertion: str, *, claims: str | None, deadline: Deadline) -> AccessToken:
    return AccessToken(value=secrets.token_urlsafe(TOKEN_BYTES)[:TOKEN_BYTES], expires_in_seconds=3600)


def _caller(number: int) -> Caller:
    return Caller(
        tenant_id="tenant",
        user_id=str(number),
        client_id=None,
        token_digest=secrets.token_bytes(32),
        expires_at=time.time() + 3600,
    )


async def _fill(cache: ExchangeCache, callers: list[Caller]) -> None:
    for caller in callers:
        await cache.access_token(caller, "assertion", deadline=Deadline.after(60))


def _remembered(callers: list[Caller]) -> ExpiringCache[bytes, Caller]:
    """Return a cache of validated tokens: the token's digest -> the caller."""
    known: ExpiringCache[bytes, Caller] = ExpiringCache(MAX_CACHED_TOKENS)
    for caller in callers:
        known.keep(caller.token_digest, caller, seconds=3600)
    return known


async def _microseconds_per_hit(cache: ExchangeCache, callers: list[Caller]) -> float:
    """Return the median of several rounds over callers spread across the whole cache."""
    step = max(1, len(callers) // HITS)
    chosen = (callers[::step] * HITS)[:HITS]
    rounds = []
    for _ in range(ROUNDS):
        started_at = time.perf_counter()
        for caller in chosen:
            await cache.access_token(caller, "assertion", deadline=Deadline.after(60))
        rounds.append((time.perf_counter() - started_at) / HITS * 1e6)
    return statistics.median(rounds)


async def growth(*, steps: Sequence[int]) -> list[dict[str, float]]:
    """What both caches hold, and what a hit costs, after so many distinct users in all.

    Each row has `users`, `entries`, `hit_us` and `mebibytes` (by which the process grew).
    """
    cache, rows = ExchangeCache(_exchange), []
    known: ExpiringCache[bytes, Caller] = ExpiringCache(MAX_CACHED_TOKENS)
    newest: deque[Caller] = deque(maxlen=MAX_CACHED_TOKENS)
    seen = 0
    empty = Held.now().mebibytes
    for step in steps:
        for number in range(seen, step):
            caller = _caller(number)
            newest.append(caller)
            known.keep(caller.token_digest, caller, seconds=3600)
            await _fill(cache, [caller])
        seen = step
        held = Held.now().mebibytes
        entries = max(len(cache), len(known))
        hit_us = await _microseconds_per_hit(cache, list(newest))
        rows.append({"users": step, "entries": entries, "hit_us": hit_us, "mebibytes": held - empty})
    return rows


async def main() -> None:
    """Fill two caches, measure hits in both, and print the ratio."""
    one, many = ExchangeCache(_exchange), ExchangeCache(_exchange)
    callers = [_caller(number) for number in range(MAX_CACHED_TOKENS)]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    await _fill(many, callers)
    after, _ = tracemalloc.get_traced_memory()
    known = _remembered(callers)
    remembered, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    await _fill(one, callers[:1])
    hit_one, hit_many = await _microseconds_per_hit(one, callers[:1]), await _microseconds_per_hit(many, callers)
    ratio = hit_many / hit_one
    print(f"a hit: {hit_one:.1f} us with 1 user, {hit_many:.1f} us with {MAX_CACHED_TOKENS:,} users: x {ratio:.2f}")
    print(f"memory per user: {(after - before) / len(callers):,.0f} bytes, of which the token takes {TOKEN_BYTES:,}")
    print(f"and {(remembered - after) / len(known):,.0f} bytes for the validated caller, kept for five minutes")
    await _fill(many, [_caller(-number) for number in range(1, 1001)])
    print(f"entries after 1,000 more users: {len(many):,}")


if __name__ == "__main__":
    asyncio.run(main())
