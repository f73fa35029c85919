"""`detections.json`: what a detector found, in pixels, for other programs."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from boxes.detections import Detections
from boxes.geometry import to_pixels
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


def as_line(entry: Mapping[str, Any]) -> str:
    """An entry in the file."""
    return json.dumps(entry, ensure_ascii=False)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes the file, of what `as_line` made of its entries."""
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
