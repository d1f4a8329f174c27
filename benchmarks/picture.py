"""results.json -> results.svg: four panels of bars, drawn from the numbers, readable on light and on dark pages."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from .figures import number, spread

Results = Mapping[str, Any]

WIDTH, MARGIN, LABEL_WIDTH, VALUE_WIDTH = 920, 16, 126, 62
ROW, BAR, TITLE = 22, 14, 44
PANEL = (WIDTH - 3 * MARGIN) // 2
LABELS = {
    "ours": "this function",
    "before": "before",
    "relay_httpx": "bare httpx relay",
    "node_peer": "Node.js peer",
    "fastapi_peer": "FastAPI peer",
    "common_sample": "common sample",
}
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px }
.small, .value { fill: #59636e }
.bar { fill: #8c959f }
.ours { fill: #0969da }
text.ours { fill: #0969da; font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small, .value { fill: #9198a1 }
  .bar { fill: #656c76 }
  .ours, text.ours { fill: #4493f8 }
}
"""


class Panel(NamedTuple):
    """A title, a line below it, and the bars: key in LABELS -> value."""

    title: str
    unit: str
    bars: Mapping[str, float]


def panels(results: Results) -> list[Panel]:
    """Return the panels that this run has the numbers for."""
    found = []
    if "warm" in results:
        rows = results["warm"]["16"]
        found.append(Panel("A cached user's call", "ms of CPU, 16 calls in flight", _bars(rows, "cpu_us", 1000)))
    if "first_time_users" in results:
        rows = results["first_time_users"]["1"]
        found.append(Panel("A new user's call", "ms of CPU, keys held, token exchanged", _bars(rows, "cpu_us", 1000)))
    if "far_neighbours" in results:
        rows = results["far_neighbours"]
        found.append(
            Panel("A new user's call, neighbours 100 ms away", "ms by the clock", _bars(rows, "new_user_ms", 1))
        )
    if "cold" in results:
        found.append(
            Panel("Cold start to first answer", "ms of CPU, whole process", _bars(results["cold"], "cpu_ms", 1))
        )
    return found


def svg(results: Results) -> str:
    """Return the picture."""
    drawn = panels(results)
    rows = [drawn[at : at + 2] for at in range(0, len(drawn), 2)]
    heights = [TITLE + ROW * max(len(panel.bars) for panel in row) + MARGIN for row in rows]
    height = sum(heights) + 2 * MARGIN
    about = results["about"]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        "<title>What a call costs: this function and others</title>",
        f"<desc>{escape(_described(drawn))}</desc>",
        f"<style>{STYLE}</style>",
    ]
    top = MARGIN
    for row, row_height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            lines += _panel(panel, MARGIN + column * (PANEL + MARGIN), top)
        top += row_height
    runs = "one run" if len({run["run"] for run in about["measured"].values()}) < 2 else "several runs"
    note = f"Medians of {runs}, {about['began'][:10]}, {about['cores']} cores. Shorter is better."
    note += " See benchmarks/RESULTS.md."
    lines += [f'<text class="small" x="{MARGIN}" y="{height - MARGIN}">{escape(note)}</text>', "</svg>"]
    return "\n".join(lines) + "\n"


def _bars(rows: Mapping[str, Sequence[Mapping[str, Any]]], name: str, by: float) -> dict[str, float]:
    values = {key: spread(rows[key], name).median / by for key in LABELS if key in rows}
    return dict(sorted(values.items(), key=lambda item: item[1]))


def _panel(panel: Panel, left: float, top: float) -> Iterable[str]:
    yield f'<text class="title" x="{left}" y="{top + 14}">{escape(panel.title)}</text>'
    yield f'<text class="small" x="{left}" y="{top + 31}">{escape(panel.unit)}</text>'
    longest = max(panel.bars.values())
    space = PANEL - LABEL_WIDTH - VALUE_WIDTH
    for place, (key, value) in enumerate(panel.bars.items()):
        y = top + TITLE + place * ROW
        width = max(value / longest * space, 1)
        mine = " ours" if key == "ours" else ""
        x = left + LABEL_WIDTH
        yield f'<text class="label{mine}" x="{x - 8}" y="{y + 12}" text-anchor="end">{LABELS[key]}</text>'
        yield f'<rect class="bar{mine}" x="{x}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        yield f'<text class="value" x="{x + width + 6:.1f}" y="{y + 12}">{number(value)}</text>'


def _described(drawn: Sequence[Panel]) -> str:
    """Return the numbers as sentences, for those who do not see the picture."""
    sentences = []
    for panel in drawn:
        bars = ", ".join(f"{LABELS[key]} {number(value)}" for key, value in panel.bars.items())
        sentences.append(f"{panel.title}, {panel.unit}: {bars}.")
    return " ".join(sentences)
