"""Rules that select the scripted answer for a request."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from .script import Answer, Fault


@dataclass(frozen=True)
class Asked:
    """The properties that a rule can be bound to. None means "any" in a rule and "not known" in a request."""

    method: str | None = None
    endpoint: str | None = None
    tenant: str | None = None
    user: str | None = None

    def covers(self, request: "Asked") -> bool:
        """Whether a rule that is bound to this value applies to `request`."""
        return all(wanted in (None, found) for wanted, found in zip(self._values(), request._values(), strict=True))

    def _values(self) -> tuple[str | None, ...]:
        return (self.method, self.endpoint, self.tenant, self.user)


@dataclass
class _Rule:
    bound_to: Asked
    answers: Iterator[Answer]
    next: Answer | None


class Rules:
    """The scripted answers of one stand-in, oldest rule first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []

    def add(self, answers: tuple[Answer, ...], bound_to: Asked, *, times: int | None) -> None:
        """Give `answers`, in this order, to the next requests that `bound_to` covers, and repeat them `times` times.

        If `times` is None, the rule applies until `clear`. A rule that covers the same requests as an older rule
        applies only after the older rule is used up.
        """
        unread = [answer for answer in answers if answer.fault is Fault.RESET_BEFORE_READING]
        if unread and (len(answers) > 1 or bound_to != Asked()):
            raise ValueError("a request that is reset unread can't be told from another: script it alone, unbound")
        rounds = itertools.repeat(answers) if times is None else itertools.repeat(answers, times)
        queue = itertools.chain.from_iterable(rounds) if answers else iter(())
        with self._lock:
            self._rules.append(_Rule(bound_to, queue, next(queue, None)))

    def take(self, request: Asked) -> Answer | None:
        """Return and use up the answer for a request that was read. None if no answer is scripted."""
        return self._take(request, unread=False)

    def take_unread(self) -> Answer | None:
        """Return and use up the answer for a request that is not read yet. None if the request is to be read."""
        return self._take(Asked(), unread=True)

    def clear(self) -> None:
        """Remove every rule."""
        with self._lock:
            self._rules.clear()

    def _take(self, request: Asked, *, unread: bool) -> Answer | None:
        with self._lock:
            for rule in self._rules:
                answer = rule.next
                if answer is None or not rule.bound_to.covers(request):
                    continue
                if (answer.fault is Fault.RESET_BEFORE_READING) == unread:
                    rule.next = next(rule.answers, None)
                    return answer
        return None
