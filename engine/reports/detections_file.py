"""`detections.json`: what a detector found, in pixels, for other programs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boxes.detections import Detections
from boxes.pixels import to_pixels
from files.writing import write_text


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
