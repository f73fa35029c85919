"""Who appears when in a video: from detections frame by frame to spans of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from files.writing import write_table

HEADINGS = ("name", "start", "end", "frames", "best_score")


@dataclass(frozen=True)
class Appearance:
    """A span of time in which a name is seen.

    Attributes:
        name: who.
        start: in seconds.
        end: in seconds, when the last frame ends.
        frames: in how many frames.
        best_score: of all detections.
    """

    name: str
    start: float
    end: float
    frames: int
    best_score: float


def find_appearances(
    entries: Sequence[Mapping[str, Any]], seconds: float, *, pause: float = 1.0
) -> list[Appearance]:
    """Joins what was seen in single frames.

    Args:
        entries: of `detections.json`, of one video, in order.
        seconds: when the last frame ends.
        pause: a name that is away for less than so many seconds has not left.

    Returns:
        In the order of their start, then of their names.
    """
    ends = [*(entry["time"] for entry in entries[1:]), seconds]
    open_spans: dict[str, Appearance] = {}
    closed: list[Appearance] = []
    for entry, end in zip(entries, ends, strict=False):
        # A long frame of a variable frame rate shows its names as long as it stands.
        scores: dict[str, float] = {}
        for one in entry["detections"]:
            scores[one["name"]] = max(one["score"], scores.get(one["name"], 0.0))
        for name, score in scores.items():
            span = open_spans.get(name)
            if span is not None and entry["time"] - span.end < pause:
                best = max(span.best_score, score)
                open_spans[name] = Appearance(name, span.start, end, span.frames + 1, best)
            else:
                if span is not None:
                    closed.append(span)
                open_spans[name] = Appearance(name, entry["time"], end, 1, score)
    return sorted([*closed, *open_spans.values()], key=lambda span: (span.start, span.name))


def write_appearances(path: Path, spans: Iterable[Appearance]) -> None:
    """Writes them as CSV (UTF-8), times in seconds."""
    rows = (
        (span.name, f"{span.start:.3f}", f"{span.end:.3f}", span.frames, f"{span.best_score:.3f}")
        for span in spans
    )
    write_table(path, HEADINGS, rows)
