"""Labelled pictures of other formats: what is common to them, and what of their files may be touched at all.

Only files inside the folder that a person gave are read, of limited size, and what is wrong is listed as
problems instead of ending the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from datasets.problems import Problem
from datasets.voc import RawObject
from files.writing import printable

# What folders and files of splits are called, and what ImageSets/Main calls them.
SPLIT_WORDS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}

# Gives the objects, in the pixels of a picture of such a (width, height), and what is wrong with the others.
ObjectsIn = Callable[[tuple[int, int]], Iterator[RawObject | Problem]]


@dataclass(frozen=True)
class ForeignPicture:
    """A picture of another format's data set, and its labels.

    Attributes:
        path: the picture; exists, inside the folder that was given.
        name: its path for people, with `/`.
        split: "train", "val", "test", or "" where the set has none.
        size: (width, height) that the boxes are given in, where the set says so.
        objects_in: its objects.
    """

    path: Path
    name: str
    split: str
    size: tuple[int, int] | None
    objects_in: ObjectsIn


@dataclass(frozen=True)
class ForeignDataset:
    """The pictures that were found, in order, and what could not be taken."""

    pictures: list[ForeignPicture]
    problems: list[Problem]


def raw_object(name: str, box: Sequence[float], *, difficult: bool = False) -> RawObject:
    """A box (xmin, ymin, xmax, ymax) in pixels as our readers take it; ValueError if it is none."""
    xmin, ymin, xmax, ymax = box
    if not (xmin <= xmax and ymin <= ymax):
        raise ValueError("its width or height is not a number from 0 on")
    corners = (repr(xmin), repr(ymin), repr(xmax), repr(ymax))
    return RawObject(printable(name), corners, "1" if difficult else "0", None)


def text_of(file: Path, most_bytes: int) -> str:
    """A text of limited size; ValueError, which names the file: too large, or cannot be read."""
    try:
        if file.stat().st_size > most_bytes:
            raise ValueError(f"more than {most_bytes} bytes")
        return file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: cannot be read ({error})") from None


def inside(folder: Path, root: Path, name: str) -> Path | None:
    """The file that a name means, seen from a folder, if it is inside of `root`.

    Links count for what they lead to.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or "\0" in name or len(name) > 1000:
        return None
    try:
        found = (folder / path).resolve()
    except (OSError, RuntimeError):  # a circle of links
        return None
    return found if found.is_relative_to(root.resolve()) else None


def shorten(value: object) -> str:
    """A value for a problem's detail."""
    text = printable(value if isinstance(value, str) else repr(value))
    return text if len(text) <= 80 else text[:79] + "…"
