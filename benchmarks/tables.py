"""The sections of RESULTS.md: one for each part of results.json."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .figures import number, ratio, spread

Rows = Mapping[str, Any]
Cells = Sequence[str]
Lines = Iterable[str]

LABELS = {
    "interpreter": "Python alone",
    "four_alone": "import of azure.functions, httpx, msal, pydantic, no runtime",
    "four": "the same import, after the runtime",
    "null": "runtime alone",
    "relay_httpx": "floor: httpx relay",
    "relay_aiohttp": "floor: aiohttp relay",
    "relay_per_call": "httpx relay, a connection per call",
    "ours": "**this function**",
    "before": "this function before",
    "common_sample": "common sample",
    "fastapi_peer": "FastAPI peer",
    "node_peer": "Node.js peer",
    "ours_plain": "this function, no byte code",
    "common_sample_plain": "common sample, no byte code",
}
MODES = {
    "1": "one user, 1 call in flight",
    "16": "one user, 16 in flight",
    "spread": "100 users in turn, 16 in flight",
}
COLD = """\
CPU ms of a whole process, from its start to its first answer, on the deployed tree with its byte code. *Load* is the
app with all that it imports; what comes before is Python, the worker library and the host's messages. Each process
leaves at once when it is done. The two *whole* columns have whole processes on both sides. The last two columns have
load and first call over two bases: a whole process that imports the four packages and nothing else, and that import
alone in a process that has loaded the worker library, which shares much of the standard library with it."""
STALLS = """\
Entra ID takes 2 s for each token, and 50 new users arrive, within a second or all in one moment. By the clock, other
processes count too; in ms of CPU that the loop's thread spends between two ticks they do not, and neither does what
blocks without CPU. Each stall is the worst one of its round. The goals take the worst of all rounds by the clock. A
new user's call takes the 2 s too; *longest* is the most of all rounds. One failed call would have failed this part."""
BESIDE = """\
Thirty new users arrive within a second while 16 cached users keep 16 calls in flight. Milliseconds; *longest* is the
most of all rounds. More cached calls meanwhile mean more work beside the new
users. One failed call would have failed this part."""
MEMORY = """\
Resident MiB after a collection of garbage, in one process each, once: no rounds. Every program gets as many users."""
CACHES = """\
Both caches in one process without the function around them, filled with tokens of the documented size."""
SURPLUS = """\
Partner Center sends every answer twice, the second one at one of four moments, to eight users who write at the same
time. *Another's*: it shows what another user wrote. *Untrue*: it shows what this user wrote earlier, or misreports the
write. *No answer*: an honest failure."""
COLD_PROFILE = """\
The ten packages whose modules take the most time to import, without what they import in turn; least of five runs."""


def section(title: str, text: str = "") -> Lines:
    """Yield a heading and the text below it."""
    yield from ("", f"## {title}", "")
    if text:
        yield from (text, "")


def table(head: Cells, rows: Iterable[Cells]) -> Lines:
    """Yield a table whose first column is text and whose others are numbers."""
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def warm(modes: Rows) -> Lines:
    """A cached user's call."""
    for mode, rows in modes.items():
        yield from section(f"A cached user's call: {MODES[mode]}")
        head = ("program", "CPU µs", "/ httpx relay", "calls a second", "ms", "far side's CPU µs", "new connections")
        yield from table(head, (_warm(LABELS[key], found, rows["relay_httpx"]) for key, found in rows.items()))


def _warm(label: str, found: Sequence[Rows], floor: Sequence[Rows]) -> Cells:
    per_call = (spread(found, "cpu_us"), ratio(found, floor, "cpu_us"), spread(found, "calls_per_second"))
    others = (number(spread(found, name).median) for name in ("p50_ms", "far_cpu_us", "connections"))
    return (label, *map(str, per_call), *others)


def first_time_users(modes: Rows) -> Lines:
    """A new user's call."""
    for mode, rows in modes.items():
        yield from section(f"A new user's call, keys held: {mode} in flight")
        yield from table(
            ("program", "CPU µs", "/ FastAPI peer", "ms"),
            ((LABELS[key], *_first_time(found, rows["fastapi_peer"])) for key, found in rows.items()),
        )


def _first_time(found: Sequence[Rows], peer: Sequence[Rows]) -> Cells:
    per_call = (str(spread(found, "cpu_us")), str(ratio(found, peer, "cpu_us")))
    return (*per_call, number(spread(found, "p50_ms").median))


def far_neighbours(rows: Rows) -> Lines:
    """Calls with both neighbours 100 ms away."""
    yield from section(
        "Both neighbours 100 ms away", "Milliseconds, one call at a time. A TCP handshake takes one round trip."
    )
    names = ("first_ms", "new_user_ms", "cached_ms")
    yield from table(
        ("program", "a process's first call", "a new user's", "a cached user's"),
        ((LABELS[key], *(str(spread(found, name)) for name in names)) for key, found in rows.items()),
    )


def cold(rows: Rows) -> Lines:
    """Cold starts."""
    yield from section("Cold start", COLD)
    yield from table(
        (
            "program",
            "whole process",
            "whole / runtime and the four",
            "load",
            "first call",
            "load and first call / the four's process",
            "/ the four's import alone",
        ),
        ((LABELS[key], *_cold(found, rows["four"], rows["four_alone"])) for key, found in rows.items()),
    )


def _cold(found: Sequence[Rows], four: Sequence[Rows], alone: Sequence[Rows]) -> Cells:
    whole = (str(spread(found, "cpu_ms")), str(ratio(found, four, "cpu_ms")))
    if "imports_ms" in found[0]:
        over = ratio(found, alone, "imports_ms", base=("cpu_ms",))
        return (*whole, str(spread(found, "imports_ms")), "-", str(over), str(ratio(found, found, "imports_ms")))
    if "load_ms" not in found[0]:
        return (*whole, "-", "-", "-", "-")
    app = ("load_ms", "first_call_ms")
    ratios = (ratio(found, alone, *app, base=("cpu_ms",)), ratio(found, four, *app, base=("imports_ms",)))
    return (*whole, str(spread(found, "load_ms")), str(spread(found, "first_call_ms")), *map(str, ratios))


def memory(rows: Rows) -> Lines:
    """Memory per cached user."""
    yield from section("Memory", MEMORY)
    names = ("loaded_mib", "few_mib", "many_mib", "kb_per_user")
    yield from table(
        ("program", "loaded", "after 100 users", "after more", "kB for each of them", "how many more"),
        ((LABELS[key], *(number(row[name]) for name in names), f"{row['users']:,}") for key, row in rows.items()),
    )


def stalls(rows: Rows) -> Lines:
    """The event loop's worst stall."""
    yield from section("Worst stall of the event loop, ms", STALLS)
    for title, of in (("Within a second", ""), ("All at once", "at_once_")):
        names = (f"{of}worst_cpu_ms", f"{of}worst_ms", f"{of}p50_ms")
        yield from (*(("",) if of else ()), f"{title}:", "")
        yield from table(
            ("program", "stall, CPU", "stall, clock", "a new user's call: median", "longest"),
            (
                (LABELS[key], *(str(spread(found, name)) for name in names), _longest(found, f"{of}max_ms"))
                for key, found in rows.items()
            ),
        )


def beside_cached(rows: Rows) -> Lines:
    """New users beside cached traffic."""
    yield from section("New users beside cached traffic", BESIDE)

    def cached(found: Sequence[Rows]) -> Cells:
        return [str(spread(found, name)) for name in ("cached_p50_ms", "cached_calls")]

    yield from table(
        ("program", "a new user's call: median", "longest", "a cached call: median", "cached calls meanwhile"),
        (
            (LABELS[key], str(spread(found, "p50_ms")), _longest(found, "max_ms"), *cached(found))
            for key, found in rows.items()
        ),
    )


def _longest(found: Sequence[Rows], name: str) -> str:
    return number(spread(found, name).most)


def growth(parts: Rows) -> Lines:
    """More and more users, and many calls."""
    yield from section("Growth: distinct users through the caches alone", CACHES)
    yield from table(
        ("users", "entries", "µs of a hit", "MiB grown"),
        (
            (f"{row['users']:,}", f"{row['entries']:,}", number(row["hit_us"]), number(row["mebibytes"]))
            for row in parts["caches"]
        ),
    )
    titles = {"users": "distinct users through the whole function", "calls": "calls of 16 users on one worker"}
    for name, title in titles.items():
        yield from section(f"Growth: {title}")
        yield from table(
            (name, "CPU µs of a cached call", "resident MiB", "tasks", "descriptors", "threads"),
            (
                (
                    f"{row[name]:,}",
                    number(row["cpu_us"]),
                    number(row["mebibytes"]),
                    *(str(row[held]) for held in ("tasks", "descriptors", "threads")),
                )
                for row in parts[name]
            ),
        )


def surplus(rows: Rows) -> Lines:
    """Answers that nobody asked for."""
    yield from section("Surplus answers", SURPLUS)
    names = ("calls", "surplus", "true", "another's", "untrue", "no answer")
    yield from table(
        ("program", "the surplus answer comes", *names),
        (
            (LABELS[key], moment, *(f"{counts[name]:,}" for name in names))
            for key, moments in rows.items()
            for moment, counts in moments.items()
        ),
    )


def profiles(kinds: Rows) -> Lines:
    """The largest rows of the warm and of the cold path."""
    for key, rows in kinds["warm"].items():
        title = f"Profile of the warm path: {LABELS[key].strip('*')}"
        yield from section(title, "The ten functions with the most own time, under cProfile, one call in flight.")
        yield from table(
            ("function", "calls", "own time", "with what it calls"),
            (
                (f"`{row['name']}`", f"{row['calls']:,}", f"{row['share']:.1%}", f"{row['cumulative_share']:.1%}")
                for row in rows
            ),
        )
    for key, rows in kinds["cold"].items():
        yield from section(f"Profile of the cold path: {LABELS[key].strip('*')}", COLD_PROFILE)
        yield from table(
            ("package", "ms", "of all imports"),
            ((f"`{row['name']}`", number(row["ms"]), f"{row['share']:.1%}") for row in rows),
        )


PARTS: Mapping[str, Callable[[Rows], Lines]] = {
    "warm": warm,
    "first_time_users": first_time_users,
    "far_neighbours": far_neighbours,
    "cold": cold,
    "memory": memory,
    "stalls": stalls,
    "beside_cached": beside_cached,
    "growth": growth,
    "surplus": surplus,
    "profiles": profiles,
}
