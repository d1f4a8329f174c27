"""The order of the tests loses none, and gives each process a slow module to begin with."""

from pathlib import Path

import pytest
from suite_order import SLOW, slow_first

TESTS = Path(__file__).parents[1]


def test_each_slow_module_exists() -> None:
    assert {path.name for path in TESTS.rglob("test_*.py")} >= {*SLOW}


@pytest.mark.parametrize("quick", [0, 1, 40, 1003])
@pytest.mark.parametrize("processes", [2, 3, 4, 8, 12])
def test_every_item_comes_once_and_each_share_begins_with_a_slow_module(processes: int, quick: int) -> None:
    """A module's own items stay in their order and beside one another."""
    modules = [module for module in SLOW for _ in range(5)] + ["test_quick.py"] * quick
    numbers = list(range(len(modules)))
    ordered = slow_first(numbers, modules, processes)
    assert sorted(ordered) == numbers
    for first in range(0, 5 * len(SLOW), 5):
        place = ordered.index(first)
        assert ordered[place : place + 5] == list(range(first, first + 5))
    left, place = len(numbers), 0
    for number in range(min(processes, len(SLOW)) if quick == 1003 else 0):
        assert modules[ordered[place]] == SLOW[number]
        share = left // (processes - number)
        place, left = place + share, left - share


def test_one_process_keeps_the_order() -> None:
    modules = ["test_a.py", SLOW[0], "test_b.py"]
    assert slow_first(modules, modules, 1) == modules
