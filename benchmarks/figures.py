"""Medians and ratios with their spread."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        if number(self.least) == number(self.most):
            return number(self.median)
        return f"{number(self.median)} ({number(self.least)} to {number(self.most)})"


def number(value: float) -> str:
    """Return the value with about three significant digits, and thousands apart."""
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def spread(rows: Sequence[Row], *names: str) -> Spread:
    """Return the spread of the sum of these members over the rounds."""
    return Spread.of([sum(float(row[name]) for name in names) for row in rows])


def ratio(rows: Sequence[Row], others: Sequence[Row], *names: str, base: Sequence[str] = ()) -> Spread:
    """Return the spread of the ratio, round by round. `base` names the members of `others` where they differ."""
    pairs = zip(rows, others, strict=True)
    return Spread.of([_sum(row, names) / max(_sum(other, base or names), 1e-9) for row, other in pairs])


def _sum(row: Row, names: Sequence[str]) -> float:
    return sum(float(row[name]) for name in names)
