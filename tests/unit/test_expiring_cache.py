"""A bounded cache whose entries expire."""

import pytest
from fakes_upstream import FakeClock

from update_profile.expiring_cache import ExpiringCache


def cache_of(entries: int = 3) -> tuple[ExpiringCache[str, str], FakeClock]:
    """Return a cache and its clock."""
    clock = FakeClock()
    return ExpiringCache(entries, clock=clock), clock


def test_a_value_is_held_until_its_end() -> None:
    """The entry ends at exactly that time, and ``left_seconds`` tells how much is left."""
    cache, clock = cache_of()
    cache.keep("a", "1", seconds=10)
    clock.advance(9.5)
    assert (cache.get("a"), cache.left_seconds("a")) == ("1", 0.5)
    clock.advance(0.5)
    assert cache.get("a") is None
    assert len(cache) == 0
    assert cache.left_seconds("a") == 0


def test_a_later_value_takes_the_place_of_an_earlier_one() -> None:
    """A value that has already expired removes the entry."""
    cache, _clock = cache_of()
    cache.keep("a", "1", seconds=10)
    cache.keep("a", "2", seconds=20)
    assert (cache.get("a"), len(cache)) == ("2", 1)
    cache.keep("a", "3", seconds=0)
    assert (cache.get("a"), len(cache)) == (None, 0)


def test_the_number_is_bounded_and_the_least_recently_used_goes() -> None:
    """Reading an entry counts as use."""
    cache, _clock = cache_of(2)
    for key in ("a", "b"):
        cache.keep(key, key, seconds=10)
    assert cache.get("a") == "a"
    cache.keep("c", "c", seconds=10)
    assert [cache.get(key) for key in "abc"] == ["a", None, "c"]
    assert len(cache) == 2


@pytest.mark.parametrize("key", ["a", "never held"])
def test_a_key_can_be_dropped(key: str) -> None:
    """Dropping a key that is not held does nothing."""
    cache, _clock = cache_of()
    cache.keep("a", "1", seconds=10)
    cache.drop(key)
    assert cache.get(key) is None
