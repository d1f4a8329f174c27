"""A bounded cache whose entries expire."""

import pytest
from fakes_upstream import FakeClock

from update_profile.expiring_cache import ExpiringCache


def cache_of(entries: int = 3) -> tuple[ExpiringCache[str, str], FakeClock]:
    """Return a cache and its clock."""
    clock = FakeClock()
    return ExpiringCache(entries, clock=clock), clock


def held(cache: ExpiringCache[str, str], key: str) -> str | None:
    """Return the value, or None if there is none."""
    entry = cache.get(key)
    return None if entry is None else entry.value


def test_a_value_is_held_until_its_end() -> None:
    """The entry ends at exactly that time, and ``get`` returns how much time is left."""
    cache, clock = cache_of()
    cache.keep("a", "1", until=clock.now + 10)
    clock.advance(9.5)
    entry = cache.get("a")
    assert entry is not None
    assert (entry.value, entry.left_seconds) == ("1", 0.5)
    clock.advance(0.5)
    assert held(cache, "a") is None
    assert len(cache) == 0


def test_a_later_value_takes_the_place_of_an_earlier_one() -> None:
    """A value that has already expired removes the entry."""
    cache, clock = cache_of()
    cache.keep("a", "1", until=clock.now + 10)
    cache.keep("a", "2", until=clock.now + 20)
    assert (held(cache, "a"), len(cache)) == ("2", 1)
    cache.keep("a", "3", until=clock.now)
    assert (held(cache, "a"), len(cache)) == (None, 0)


def test_the_number_is_bounded_and_the_least_recently_used_goes() -> None:
    """Reading an entry counts as use."""
    cache, clock = cache_of(2)
    for key in ("a", "b"):
        cache.keep(key, key, until=clock.now + 10)
    assert held(cache, "a") == "a"
    cache.keep("c", "c", until=clock.now + 10)
    assert [held(cache, key) for key in "abc"] == ["a", None, "c"]
    assert len(cache) == 2


@pytest.mark.parametrize("key", ["a", "never held"])
def test_a_key_can_be_dropped(key: str) -> None:
    """Dropping a key that is not held does nothing."""
    cache, clock = cache_of()
    cache.keep("a", "1", until=clock.now + 10)
    cache.drop(key)
    assert held(cache, key) is None
