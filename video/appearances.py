"""Who appears when in a video: from detections frame by frame to spans of time, their table and picture."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from files.telling import write_table
from visualization.colours import hex_colour
from visualization.figures import LIGHT, Theme, add_panel, label_text, set_names
from visualization.text import one_line

_MOST_NAMES = 30
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)  # seconds between marks


@dataclass(frozen=True)
class Appearance:
    """A span of time in which a name is seen; start, and the end of its last frame, in seconds."""

    name: str
    start: float
    end: float
    frames: int
    best_score: float


def find_appearances(
    entries: Sequence[Mapping[str, Any]], seconds: float, *, pause: float = 1.0
) -> list[Appearance]:
    """Joins what was seen in single frames: in the order of their start, then of their names.

    Args:
        entries: of `detections.json`, of one video, in order.
        seconds: when the last frame ends.
        pause: a name that is away for less than so many seconds has not left.
    """
    ends = [*(entry["time"] for entry in entries[1:]), seconds]
    spans: dict[str, list[Appearance]] = {}
    for entry, end in zip(entries, ends, strict=False):
        # A long frame of a variable frame rate shows its names as long as it stands.
        start, scores = entry["time"], {}
        for one in entry["detections"]:
            scores[one["name"]] = max(one["score"], scores.get(one["name"], 0.0))
        for name, score in scores.items():
            of_name = spans.setdefault(name, [])
            seen = Appearance(name, start, end, 1, score)
            if of_name and start - of_name[-1].end < pause:
                last = of_name.pop()
                seen = Appearance(name, last.start, end, last.frames + 1, max(last.best_score, score))
            of_name.append(seen)
    return sorted(itertools.chain(*spans.values()), key=lambda span: (span.start, span.name))


def write_appearances(path: Path, spans: Iterable[Appearance]) -> None:
    """Writes them as CSV (UTF-8), times in seconds."""
    rows = ((s.name, f"{s.start:.3f}", f"{s.end:.3f}", s.frames, f"{s.best_score:.3f}") for s in spans)
    write_table(path, ("name", "start", "end", "frames", "best_score"), rows)


def plot_timeline(spans: Sequence[Appearance], seconds: float, *, title: str, theme: Theme = LIGHT) -> Figure:
    """A video of so many seconds: one row a name, a bar where it is seen; who is seen longest is on top."""
    seconds = max(seconds, 1e-3)
    bars: dict[str, list[tuple[float, float]]] = {}  # start and length
    least = seconds / 500  # else a short appearance in a long film is no pixel wide
    for span in spans:
        bars.setdefault(span.name, []).append((span.start, max(span.end - span.start, least)))
    lengths = {name: sum(span.end - span.start for span in spans if span.name == name) for name in bars}
    names = sorted(lengths, key=lambda name: (-lengths[name], name))
    shown = names[:_MOST_NAMES]
    rows = max(1, len(shown) + (len(names) > len(shown)))
    width, height = 12.0, 0.36 * rows + 1.1
    figure = Figure((width, height), facecolor=theme.background)
    text, families = label_text(one_line(title), 700)
    figure.text(
        0.35 / width, 1 - 0.4 / height, text, fontsize=14, fontweight="bold", color=theme.text,
        family=families, parse_math=False,
    )  # fmt: skip
    axes = add_panel(figure, theme, 1.75, 0.45, width - 3.2, 0.36 * rows)
    axes.grid(axis="x", color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for row, name in enumerate(shown):
        axes.axhline(row, color=theme.grid, linewidth=0.8, zorder=0)
        axes.broken_barh(bars[name], (row - 0.33, 0.66), facecolors=hex_colour(name))
        share = f"{clock(lengths[name])}  {100 * lengths[name] / seconds:.0f}%"
        axes.text(1.01 * seconds, row, share, va="center", fontsize=8.5, color=theme.faint, clip_on=False)
    if len(names) > len(shown):
        said = f"and {len(names) - len(shown)} more names"
        axes.text(0, len(shown), said, va="center", fontsize=9, color=theme.faint)
    if not names:
        axes.text(seconds / 2, 0, "nobody was found", va="center", ha="center", color=theme.faint)
    axes.set(ylim=(rows - 0.45, -0.55), xlim=(0, seconds))
    set_names(axes.yaxis, [label_text(name, 100) for name in shown], theme)
    step = next((step for step in _STEPS if seconds / step <= 12), _STEPS[-1])
    marks = np.arange(0, seconds + 1e-6, step)
    axes.set_xticks(marks, labels=[clock(mark) for mark in marks])
    return figure


def clock(seconds: float) -> str:
    """`1:05` or `1:02:05`."""
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
