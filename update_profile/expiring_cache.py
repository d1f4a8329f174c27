"""A bounded cache whose entries expire. The least recently used entry is evicted first."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """Values by key, each with its own lifetime. A jump of the wall clock changes no lifetime."""

    def __init__(self, max_entries: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` returns seconds that never go back."""
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the value under a key; None when there is none or it has expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, until = entry
        if until <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    def left_seconds(self, key: K) -> float:
        """Return how long the entry under a key remains valid; 0.0 when there is none."""
        entry = self._entries.get(key)
        return max(0.0, entry[1] - self._clock()) if entry else 0.0

    def keep(self, key: K, value: V, *, seconds: float) -> None:
        """Store a value for that long. A lifetime of zero or less stores nothing."""
        self._entries.pop(key, None)
        if seconds > 0:
            self._entries[key] = value, self._clock() + seconds
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Remove the entry under a key, if there is one."""
        self._entries.pop(key, None)

    def __len__(self) -> int:
        """Return the number of entries, including expired ones that are not yet evicted."""
        return len(self._entries)
