"""`detections.json`: what a detector found, in pixels, for other programs; and back."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from boxes.detections import Detections
from boxes.pixels import from_pixels, to_pixels
from datasets.pictures import UnusableFile, bytes_of
from files.writing import write_text

_MAX_BYTES = 256_000_000  # of some million boxes


def detections_entry(image: str, height: int, width: int, detections: Detections) -> dict[str, Any]:
    """One picture of the file: boxes as [xmin, ymin, xmax, ymax] in pixels, to a tenth, best first."""
    pixels = to_pixels(detections.boxes, height, width)
    return {
        "image": image,
        "width": width,
        "height": height,
        "detections": [
            {"name": name, "score": round(float(score), 6), "box": [round(value, 1) for value in box]}
            for name, score, box in zip(detections.names, detections.scores, pixels.tolist(), strict=True)
        ],
    }


def write_detections(path: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Write a list of entries, one line each."""
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    write_text(path, f"[\n{lines}\n]\n")


def read_detections(path: Path) -> dict[str, Detections]:
    """What `write_detections` wrote, by the name of the picture; boxes of less than a pixel are left out.

    UnusableFile where it cannot be read, or is another file.
    """
    try:
        entries = json.loads(bytes_of(path, _MAX_BYTES, "the file", UnusableFile))
        return {str(entry["image"]): _detections(entry) for entry in entries}
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise UnusableFile("this is no list of detections", repr(error)) from None


def _detections(entry: dict[str, Any]) -> Detections:
    rows = [(one["box"], one["score"], str(one["name"])) for one in entry["detections"]]
    height, width = int(entry["height"]), int(entry["width"])
    pixels = np.array([box for box, _, _ in rows], np.float64).reshape(-1, 4)
    inside = np.clip(pixels, 0, (width, height) * 2)
    scores = np.array([score for _, score, _ in rows], np.float32)
    if min(height, width) < 1 or np.isnan(inside).any() or not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("a number out of range")
    boxes = from_pixels(inside, height, width).astype(np.float32)
    found = Detections(boxes, scores, tuple(name for _, _, name in rows))
    return found.where((inside[:, 2:] - inside[:, :2]).min(1, initial=np.inf) >= 1)
