"""A bounded cache whose entries expire. The least recently used entry is evicted first."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True)
class Entry(Generic[V]):
    """A value and how long it remains valid, in seconds."""

    value: V = field(repr=False)
    left_seconds: float


class ExpiringCache(Generic[K, V]):
    """Values by key, each until its own moment."""

    def __init__(self, max_entries: int, *, clock: Callable[[], float] = time.time) -> None:
        """``clock`` returns seconds since 1970."""
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> Entry[V] | None:
        """Return the entry under a key; None when there is none or it has expired."""
        if key not in self._entries:
            return None
        value, until = self._entries[key]
        left_seconds = until - self._clock()
        if left_seconds <= 0:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return Entry(value, left_seconds)

    def keep(self, key: K, value: V, *, until: float) -> None:
        """Store a value until a moment, in seconds since 1970. A moment that has passed stores nothing."""
        self._entries.pop(key, None)
        if until > self._clock():
            self._entries[key] = value, until
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Remove the entry under a key, if there is one."""
        self._entries.pop(key, None)

    def __len__(self) -> int:
        """Return the number of entries, including expired ones that are not yet evicted."""
        return len(self._entries)
