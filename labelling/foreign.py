"""Labelled pictures of other formats: what is common to them, and what of their files may be touched at all.

Only files inside the folder that a person gave are read, of limited size, and what is wrong is listed as
problems instead of ending the reading.
"""

import posixpath
import re
import reprlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from datasets.folder import SPLIT_WORDS, folded, index_by, tails
from datasets.pictures import ACCEPTED_SUFFIXES, SUFFIXES
from datasets.problems import Problem
from datasets.voc import RawObject
from files.below import files_below
from files.telling import printable

# What folders and files of splits are called, and what ImageSets/Main calls these.
LIST_OF = {word: "val" if split == "validation" else split for word, split in SPLIT_WORDS.items()}
del LIST_OF["trainval"]

# Gives the objects, in the pixels of a picture of such a (width, height), and what is wrong with the others.
ObjectsIn = Callable[[tuple[int, int]], Iterator[RawObject | Problem]]

# A path that another machine wrote, read in one or more ways; last as it was written.
Written = tuple[str, ...]

IMPORT_PROBLEMS = "import_problems.csv"  # where it lies, an import has put its pictures

_MOST_PARTS = 50  # of a path, from its end


@dataclass(frozen=True)
class ForeignPicture:
    """A picture of another format's data set, and its labels."""

    path: Path  # the picture; exists, inside the folder that was given
    name: str  # its path for people, with `/`
    split: str  # "train", "val", "test", or "" where the set has none
    size: tuple[int, int] | None  # (width, height) that the boxes are given in, where the set says so
    objects_in: ObjectsIn  # its objects


class Files:
    """The files below a folder, and which of them a path means that was written on another machine.

    Whatever a path says, it is only looked up in this list: nothing outside of the folder is ever touched.
    """

    def __init__(self, root: Path):
        self.root = root.resolve()
        found = files_below(self.root, other=lambda folder: (folder / IMPORT_PROBLEMS).exists(), links=False)
        # By name, which is the path below the folder `root`, with `/`; in order.
        self.paths = {path.relative_to(self.root).as_posix(): path for path in found}
        # Names of pictures, also of formats that are not read, and of folders above them; "." is the root.
        self.pictures = [name for name, path in self.paths.items() if path.suffix.lower() in SUFFIXES]
        self.folders = {str(one) for name in self.pictures for one in PurePosixPath(name).parents}
        self._files_by_end, self._folders_by_end = index_by(self.paths, tails), index_by(self.folders, tails)

    def folder(self, written: Written) -> str:
        """The folder of pictures that a path means, as `meant`; "" where there is none."""
        return _find(written, self.folders, self._folders_by_end)[0]

    def meant(self, written: Iterable[Written]) -> dict[Written, str]:
        """The names of the files that paths mean: the one that lies there, by the first reading that fits.

        Else it is the only file that ends on as much of the path as any does, if need be without regard to
        case. That is a guess: no file is guessed that another path names outright, or for two paths.
        """
        found: dict[Written, str] = {}
        guesses: dict[str, list[Written]] = {}
        for one in dict.fromkeys(written):
            name, sure = _find(one, self.paths, self._files_by_end)
            if sure:
                found[one] = name
            elif name:
                guesses.setdefault(name, []).append(one)
        taken = set(found.values())
        for name, some in guesses.items():
            if name not in taken and len({one[-1] for one in some}) == 1:
                found.update(dict.fromkeys(some, name))
        return found


@dataclass(frozen=True)
class ForeignDataset:
    """The pictures that were found among some files, in order, and what could not be taken."""

    files: Files
    pictures: dict[str, ForeignPicture] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, name: str, split: str, size: tuple[int, int] | None, objects_in: ObjectsIn) -> None:
        """Takes a picture, the first time that it is met, if its format is read; else it is a problem."""
        suffix = posixpath.splitext(name)[1].lower()
        if suffix not in ACCEPTED_SUFFIXES:
            self.leave_out(name, "picture format is not read", suffix, "left out: save it as PNG or JPEG")
        elif name in self.pictures:
            splits = f"in {self.pictures[name].split} and {split}" if split else ""
            self.leave_out(name, "the same picture twice", splits, "second one left out")
        else:
            self.pictures[name] = ForeignPicture(self.files.paths[name], name, split, size, objects_in)

    def leave_out(self, file: str, kind: str, detail: str = "", action: str = "left out") -> None:
        """A problem of a whole file."""
        self.problems.append(Problem(file, "", kind, detail, action))


def _find(written: Written, names: Container[str], by_end: Mapping[str, Sequence[str]]) -> tuple[str, bool]:
    """The name at a path, or what ends on most of it, "" for none; and whether it is the one at the path."""
    paths = [posixpath.normpath(path) for one in written for path in _spellings(one)]
    for path in paths:
        if path in names:
            return path, True
    for spelt in (str, folded):
        for path in paths:
            parts = [part for part in path.split("/")[-_MOST_PARTS:] if part not in ("", ".", "..")]
            for end in tails("/".join(parts)):
                if len(ends := by_end.get(spelt(end), ())) == 1:
                    return ends[0], False
    return "", False


def _spellings(path: str) -> list[str]:
    """A path as it stands, with the separators of Unix, and of a URL, such as Label Studio's `?d=`."""
    slashed = path.strip().replace("\\", "/")
    return [path, slashed, *map(unquote, re.split(r"[?#]|\bd=", slashed))]


def split_of(text: str) -> str:
    """The split that a path speaks of; "" where it speaks of none, or of several."""
    words = "".join(letter if letter.isalpha() else " " for letter in text.lower()).split()
    found = {LIST_OF[word] for word in words if word in LIST_OF}
    return found.pop() if len(found) == 1 else ""


def raw_object(name: str, box: Sequence[float], *, difficult: bool = False) -> RawObject:
    """A box (xmin, ymin, xmax, ymax) in pixels as our readers take it; ValueError if it is none."""
    xmin, ymin, xmax, ymax = box
    if not (xmin <= xmax and ymin <= ymax):
        raise ValueError("its width or height is not a number from 0 on")
    return RawObject(name, tuple(map(repr, box)), "1" if difficult else "0", None)


def box_around(points: Sequence[float]) -> tuple[float, float, float, float]:
    """(xmin, ymin, xmax, ymax) of the points x, y, x, y, ...; ValueError where they are no polygon."""
    xs, ys = points[::2], points[1::2]
    if len(xs) != len(ys) or len(xs) < 3:
        raise ValueError("neither a box nor a polygon")
    return min(xs), min(ys), max(xs), max(ys)


def text_of(file: Path, most_bytes: int) -> str:
    """A text of limited size; ValueError, which names the file: too large, or cannot be read."""
    try:
        if file.stat().st_size > most_bytes:
            raise ValueError(f"more than {most_bytes} bytes")
        data = file.read_bytes()
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        cure = "save the file with UTF-8 encoding"
        raise ValueError(f"{file}: byte {error.start} is not UTF-8; {cure}") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: cannot be read ({error})") from None


def shorten(value: object) -> str:
    """A value for a problem's detail."""
    text = printable(value if isinstance(value, str) else reprlib.repr(value))
    return text if len(text) <= 80 else text[:79] + "…"
