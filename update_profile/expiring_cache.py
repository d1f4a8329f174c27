"""A bounded cache in which each entry has an end. The least recently used entry goes first."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True)
class Entry(Generic[V]):
    """A value, and how long it still stands, in seconds."""

    value: V = field(repr=False)
    left_seconds: float


class ExpiringCache(Generic[K, V]):
    """Values by key. Belongs to one event loop."""

    def __init__(self, max_entries: int, *, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives seconds since 1970."""
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> Entry[V] | None:
        """What is held; None when nothing is, or its end has come."""
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
        """Hold a value until a moment, in seconds since 1970; one whose end has come is not held at all."""
        self._entries.pop(key, None)
        if until > self._clock():
            self._entries[key] = value, until
        while len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Hold nothing under this key."""
        self._entries.pop(key, None)

    def __len__(self) -> int:
        """How many entries are held, those whose end nobody has noticed yet included."""
        return len(self._entries)
