"""`detections.json`: what a detector found, in pixels, for other programs; and back."""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from boxes.detections import Detections
from boxes.geometry import from_pixels, to_pixels
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


def as_line(entry: Mapping[str, Any]) -> str:
    """An entry in the file."""
    return json.dumps(entry, ensure_ascii=False)


def write_detections(path: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Write a list of entries, one line each."""
    write_lines(path, map(as_line, entries))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """`write_detections` of what `as_line` made."""
    write_text(path, "[\n" + ",\n".join(lines) + "\n]\n")


class Journal:
    """The lines of files that are done, on the disk as soon as they are: a run that was killed goes on."""

    def __init__(self, path: Path, made: str):
        """Reads what a run with the same `made`, which says all that decides about the lines, left there."""
        self._path, self._done, first = path, dict[str, str](), json.dumps(made)
        # Half a line, at its end, is done again, and so is what somebody else wrote.
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            begun, *lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [""]
            for file, line in map(json.loads, lines if begun == first else []):
                self._done[str(file)] = line if isinstance(json.loads(line)["detections"], list) else ""
        kept = "".join(f"{json.dumps(one)}\n" for one in self._done.items())
        write_text(path, f"{first}\n{kept}")

    def line(self, file: Path) -> str | None:
        """What was found in it; None: nobody looked, or it has changed since."""
        return self._done.get(_as_it_is(file))

    def add(self, file: Path, line: str) -> None:
        """Keeps it."""
        with self._path.open("a", encoding="utf-8") as journal:
            print(json.dumps((_as_it_is(file), line)), file=journal)

    def finish(self) -> None:
        """All is done: the next run begins anew."""
        self._path.unlink()


def _as_it_is(file: Path) -> str:
    there = file.stat() if file.exists() else None
    return f"{there and (there.st_size, there.st_mtime_ns)} {file}"


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
