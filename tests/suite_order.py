"""The order of the tests: what waits longest begins first, in every process of pytest-xdist."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# Modules that wait for processes of their own.
SLOW = (
    "test_end_to_end_examples.py",
    "test_end_to_end_docs.py",
    "test_rehearsal.py",
    "test_end_to_end_endings.py",
    "test_functions_host_answers.py",
    "test_worker.py",
    "test_bench_harness.py",
    "test_end_to_end_description.py",
)


def slow_first(items: Sequence[T], modules: Sequence[str], processes: int) -> list[T]:
    """Return the items in an order in which each process begins with slow modules.

    pytest-xdist first gives each process one contiguous share: as many items as are left, divided by the processes that
    are left, rounded down. Idle processes later take over what is behind the slow modules.

    Args:
        items: The tests.
        modules: The file name of each item's module.
        processes: With one, the order stays as it is.
    """
    if processes < 2:
        return list(items)
    shares: list[list[T]] = [[] for _ in range(processes)]
    for number, slow in enumerate(SLOW):
        shares[number % processes] += [item for item, module in zip(items, modules, strict=True) if module == slow]
    quick = [item for item, module in zip(items, modules, strict=True) if module not in SLOW]
    left = len(items)
    for number, share in enumerate(shares):
        more = max(0, left // (processes - number) - len(share))
        share += quick[:more]
        del quick[:more]
        left -= len(share)
    return [item for share in shares for item in share] + quick
