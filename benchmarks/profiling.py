"""The largest rows of a profile, with names that mean the same on every machine."""

import cProfile
import pstats
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

ROWS = 10
_IDLE = re.compile(r"'(poll|select)' of")


@contextmanager
def largest_rows(count: int = ROWS) -> Iterator[list[dict[str, Any]]]:
    """Profile the block. The list has the rows with the most own time when the block has ended, largest first.

    Each row has `name`, `calls`, `share` (own time of all own time, 0 to 1) and `cumulative_share`.
    """
    rows: list[dict[str, Any]] = []
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        yield rows
    finally:
        profiler.disable()
        rows.extend(_rows(profiler, count))


def _rows(profiler: cProfile.Profile, count: int) -> list[dict[str, Any]]:
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, Any]] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    # The wait for the sockets is no work.
    busy = {key: row for key, row in stats.items() if not _IDLE.search(key[2])}
    total = sum(row[2] for row in busy.values()) or 1.0
    largest = sorted(busy.items(), key=lambda item: -item[1][2])[:count]
    return [
        {"name": readable(*key), "calls": calls, "share": own / total, "cumulative_share": min(cumulative / total, 1.0)}
        for key, (_, calls, own, cumulative, _) in largest
    ]


def readable(file: str, line: int, function: str) -> str:
    """Return `package/module.py:line function`, or the function alone for one that is built in."""
    if file in ("~", ""):
        return (
            re.sub(r" at 0x[0-9a-f]+", "", function.strip("<>"))
            .removeprefix("built-in method ")
            .removeprefix("method ")
        )
    parts = PurePath(file).parts
    for anchor in ("site-packages", "python3.13", "python3.12", "python3.11"):
        if anchor in parts:
            parts = parts[len(parts) - parts[::-1].index(anchor) :]
            return f"{'/'.join(parts)}:{line} {function}"
    for folder in ("update_profile", "sandbox", "benchmarks"):
        if folder in parts[:-1]:
            parts = parts[len(parts) - 1 - parts[::-1].index(folder) :]
            break
    return f"{'/'.join(parts[-3:])}:{line} {function}"
