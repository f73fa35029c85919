"""Files moved into folders: never one over another, each step logged before it is done, all can be undone.

The log has a JSON object on each line: first where the files came from, then one for each file.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TextIO

FORMAT = 1
_MOST_NAME = 100  # letters of a folder's name
_MOST_LOG = 200_000_000  # bytes


def folder_name(text: str) -> str:
    """A name as the name of one folder: never a path, never hidden, the same on every system."""
    kept = "".join("_" if letter in '/\\:*?"<>|' or not letter.isprintable() else letter for letter in text)
    kept = kept.strip(" .")[:_MOST_NAME].strip(" .")
    return kept or "_"


@dataclass(frozen=True)
class Undone:
    """Files put back, and those that could not be: moved on, or their place is taken."""

    restored: int
    left: tuple[Path, ...]


class Mover:
    """Moves (or copies) files from one folder into folders of another; use it in a `with` statement.

    Attributes:
        log: the file from which `undo` takes it back.
        moved: how many files were moved so far.
    """

    def __init__(self, source: Path, target: Path, *, copy: bool = False):
        """Begins a log in `target`, which is made if it does not exist."""
        self._source, self._target, self._copy = source.absolute(), target, copy
        self.moved = 0
        target.mkdir(parents=True, exist_ok=True)
        stem = time.strftime("sorting_%Y%m%d_%H%M%S")
        for number in range(1000):
            self.log = target / (f"{stem}_{number}.jsonl" if number else f"{stem}.jsonl")
            with contextlib.suppress(FileExistsError):
                self._file: TextIO = self.log.open("x", encoding="utf-8")
                break
        else:
            raise OSError(f"{target} has a thousand logs of this second")
        self._write({"format": FORMAT, "copies": copy, "from": str(self._source)})

    def __enter__(self) -> Mover:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self.moved:
            self.log.unlink()

    def move(self, path: Path, folder: str) -> Path:
        """Moves one file into a folder.

        Args:
            path: below the source folder.
            folder: its name is made by `folder_name`.

        Returns:
            Where it is now; a number is added to its name where another file has it.
        """
        into = self._target / folder_name(folder)
        into.mkdir(exist_ok=True)
        for place in _places(into, path.name):
            if place.exists():
                continue
            origin = path.absolute().relative_to(self._source).as_posix()
            self._write({"file": origin, "to": place.relative_to(self._target).as_posix()})
            with contextlib.suppress(FileExistsError):
                _put(path, place, copy=self._copy)
                self.moved += 1
                return place
        raise AssertionError("unreachable: the places never end")

    def _write(self, entry: dict[str, object]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()


def copied_before(source: Path, target: Path) -> set[Path]:
    """Files of a source folder that earlier runs copied into a target folder, where the copy still is."""
    found: set[Path] = set()
    for log in sorted(target.glob("sorting_*.jsonl")):
        with contextlib.suppress(ValueError):  # whatever it is, it tells nothing
            copies, pairs = _read(log)
            found.update(origin for origin, place in pairs if copies and place.exists())
    return {path for path in found if path.is_relative_to(source.absolute())}


def undo(log: Path) -> Undone:
    """Puts back what a `Mover` moved, and removes what it copied; folders that are empty then go too.

    Raises:
        ValueError: not such a log.
    """
    target = log.absolute().parent
    copies, pairs = _read(log)
    restored, left = 0, []
    for origin, place in reversed(pairs):
        if copies:
            if place.is_file() and origin.is_file() and place.read_bytes() == origin.read_bytes():
                place.unlink()
                restored += 1
            elif place.exists():
                left.append(place)
        elif place.is_file() and not origin.exists():
            origin.parent.mkdir(parents=True, exist_ok=True)
            _put(place, origin, copy=False)
            restored += 1
        elif place.exists() or not origin.exists():
            left.append(place)
    for folder in {place.parent for _, place in pairs} - {target}:
        with contextlib.suppress(OSError):  # not empty, or gone
            folder.rmdir()
    return Undone(restored, tuple(left))


def _read(log: Path) -> tuple[bool, list[tuple[Path, Path]]]:
    """Whether a log is of copies, and where each file came from and went.

    Raises:
        ValueError: not such a log.
    """
    target = log.absolute().parent
    try:
        if log.stat().st_size > _MOST_LOG:
            raise ValueError("too large")
        header, *lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        if header["format"] != FORMAT:
            raise ValueError("another format")
        source = Path(header["from"])
        pairs = [(_inside(source, line["file"]), _inside(target, line["to"])) for line in lines]
        return bool(header["copies"]), pairs
    except FileNotFoundError:
        raise ValueError(f"{log}: there is no such file") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{log}: not a log of sorted files ({error}); give a sorting_DATE.jsonl") from None


def _places(folder: Path, name: str) -> Iterator[Path]:
    """`a.jpg`, `a_2.jpg`, `a_3.jpg` ..."""
    yield folder / name
    number = 2
    while True:
        yield folder / f"{Path(name).stem}_{number}{Path(name).suffix}"
        number += 1


def _put(path: Path, place: Path, *, copy: bool) -> None:
    """Moves or copies a file.

    Raises:
        FileExistsError: something is there already; it stays.
    """
    try:
        if copy:
            raise OSError("a link would be the same file, not a copy")
        os.link(path, place)  # unlike a rename it never replaces
    except FileExistsError:
        raise
    except OSError:  # another disk, or a file system without links
        with path.open("rb") as original, place.open("xb") as new:
            shutil.copyfileobj(original, new)
            new.flush()
            os.fsync(new.fileno())
        shutil.copystat(path, place)
    if not copy:
        path.unlink()


def _inside(folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise ValueError(f"{name!r} leads out of the folder")
    return folder / path
