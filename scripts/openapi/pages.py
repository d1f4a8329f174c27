"""The tables of docs/api.md, which hold the texts of the description."""

import re
from functools import cache
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "api.md"


@cache
def rows(first_column: str) -> list[list[str]]:
    """Return the rows of every table whose head starts with this column. First cells are plain, the others CommonMark.

    Raises:
        LookupError: There is no such table.
    """
    page = PAGE.read_text(encoding="utf-8")
    found: list[list[str]] = []
    for head in re.finditer(rf"^\| {re.escape(first_column)} \|.*\n\|[-|]+\|\n", page, re.MULTILINE):
        lines = takewhile(lambda line: line.startswith("|"), page[head.end() :].splitlines())
        for line in lines:
            first, *others = (_without_links(cell.strip()) for cell in line.strip("|").split(" | "))
            found.append([first.replace("`", ""), *others])
    if not found:
        raise LookupError(f"docs/api.md has no table that starts with the column {first_column!r}")
    return found


def meanings(first_column: str) -> dict[str, str]:
    """Return the last cell of each row by each name in its first cell, which may list several."""
    return {name: sentence(row[-1]) for row in rows(first_column) for name in row[0].split(", ")}


def reasons() -> dict[tuple[str, str], str]:
    """Return what each reason of each code means."""
    return {(row[0], row[1].strip("`")): row[2] for row in rows("code") if len(row) == 3}


def errors() -> dict[str, str]:
    """Return what each code means."""
    return {row[0]: sentence(row[4]) for row in rows("code") if len(row) == 5}


def spelled(name: str) -> str:
    """Return a header's name as docs/api.md spells it. ``name`` is in lower case."""
    found = re.search(rf"`({re.escape(name)})`", PAGE.read_text(encoding="utf-8"), re.IGNORECASE)
    if found is None:
        raise LookupError(f"docs/api.md does not name the header {name}")
    return found[1]


def sentence(text: str) -> str:
    """Return a cell's text as a sentence."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _without_links(cell: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", cell)
