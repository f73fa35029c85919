"""Faces with names: a folder per character, or boxes of Pascal VOC XML."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from datasets.annotations import Annotation, ReadOptions, read_folder
from datasets.folder import PictureFile, find_files, refuse_inbox
from datasets.labels import clean_name
from datasets.pictures import MAX_PIXELS, PictureError, read_picture_file
from datasets.problems import Problem
from datasets.splits import source_of
from files.threads import map_in_threads
from terminal.bars import Progress, silent

Item = TypeVar("Item")
_CHUNK = 48  # pictures in memory at once


@dataclass(frozen=True)
class FaceOptions:
    """How faces are found.

    Attributes:
        source_pattern: a regular expression that is searched for in the picture's path below the folder,
            without suffix; the parts in brackets are its source. Default: the text before the last number of
            the file name.
        verified_only: of XML, only pictures that a person has confirmed (verified="yes").
        max_pixels: refuse pictures with more (decompression bombs).
    """

    source_pattern: str = ""
    verified_only: bool = False
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if self.max_pixels < 1:
            raise ValueError(f"--max_pixels {self.max_pixels}: must be at least 1 (default {MAX_PIXELS})")
        try:
            brackets = re.compile(self.source_pattern).groups
        except re.error as error:
            raise ValueError(
                f"--source_pattern {self.source_pattern!r} is no regular expression: {error}"
            ) from None
        if self.source_pattern and not brackets:
            raise ValueError(
                f"--source_pattern {self.source_pattern!r} has no brackets; put them around what names the "
                r"source, as in '^(.*)/.*_(\d+)$'"
            )


@dataclass(frozen=True)
class Face:
    """One face of somebody.

    Attributes:
        path: the picture.
        shown: its path below the folder, and the number of the box where it has several: says in reports
            which face it is.
        name: of the character.
        source: video or series of drawings that it comes from; "" where nothing is known.
        box: (ymin, xmin, ymax, xmax) as fractions; None: the whole picture.
        turned: the EXIF orientation is to be applied.
        digest: 32 hexadecimal digits of the file's bytes, the box and the margin: of what is seen.
    """

    path: Path
    shown: str
    name: str
    source: str
    box: tuple[float, float, float, float] | None
    turned: bool
    digest: str


@dataclass(frozen=True)
class FaceReading:
    """What was found.

    Attributes:
        faces: in the order of the pictures' names.
        problems: what was left out.
        labelled_by: "folders" or "XML".
    """

    faces: list[Face]
    problems: list[Problem]
    labelled_by: str

    @property
    def names(self) -> tuple[str, ...]:
        """Of the characters, in text order."""
        return tuple(sorted({face.name for face in self.faces}))


def read_faces(
    folder: Path,
    options: FaceOptions,
    *,
    margin: float,
    strangers: bool = False,
    progress: Progress = silent,
) -> FaceReading:
    """Lists the faces of a folder; pictures without XML are not decoded yet.

    Args:
        folder: one folder per character (their names are the characters'), or pictures with VOC XML.
        options: see there.
        margin: around boxes, as a share of their longer side; pictures without XML are taken whole.
        strangers: every picture, or every box of XML, is a face without a name.
        progress: told of "reading".

    Raises:
        ValueError: there is no such folder, no face in it, or it is an inbox of unconfirmed reports.
    """
    flag = f"--{'strangers' if strangers else 'faces'}_dir"
    if not folder.is_dir():
        what = "with pictures of faces" if strangers else "with a folder per character"
        raise ValueError(f"{flag} {folder}: there is no such folder; give one {what}")
    refuse_inbox(folder, flag)
    contents = find_files(folder)
    if any(file.xml is not None for file in contents.files):
        found, problems = _faces_of_xml(folder, options, margin, progress)
        labelled_by = "XML"
    else:
        problems, labelled_by = list(contents.problems), "folders"
        found = _faces_of_folders(contents.files, options, problems, strangers, progress)
    if strangers:
        found = [replace(face, name="") for face in found]
    faces = _without_twins(found, problems)
    if not faces:
        wrong = f" ({problems[0].file}: {problems[0].kind})" if problems else ""
        cure = (
            "no picture in it that can be read" + wrong
            if strangers
            else f"no face with a name in it{wrong}; put the pictures of each character into a folder of its "
            "name, or label boxes with LabelImg"
        )
        raise ValueError(f"{flag} {folder}: {cure}")
    return FaceReading(faces, problems, labelled_by)


def _faces_of_folders(
    files: Sequence[PictureFile],
    options: FaceOptions,
    problems: list[Problem],
    strangers: bool,
    progress: Progress,
) -> list[Face]:
    def read(file: PictureFile) -> Face | Problem:
        shown = file.name
        name = clean_name(shown.split("/")[0]) if "/" in shown else ""
        if not name and not strangers:
            return Problem(shown, "", "picture in no character's folder", "", "left out")
        try:
            data = read_picture_file(file.path, max_pixels=options.max_pixels)
        except PictureError as error:
            return error.problem(shown)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        return Face(file.path, shown, name, _source(shown, options), None, True, digest)

    faces = []
    for done, one in enumerate(map_in_threads(read, files), start=1):
        if isinstance(one, Problem):
            problems.append(one)
        else:
            faces.append(one)
        progress("reading", done, len(files))
    return faces


def _faces_of_xml(
    folder: Path, options: FaceOptions, margin: float, progress: Progress
) -> tuple[list[Face], list[Problem]]:
    reading = read_folder(
        folder,
        ReadOptions(verified_only=options.verified_only, max_pixels=options.max_pixels),
        progress=lambda _, done, every: progress("reading", done, every),
    )
    problems = list(reading.problems)
    faces = []
    for annotation in reading.annotations:
        for number, name in enumerate(annotation.names):
            shown = annotation.name if len(annotation.names) == 1 else f"{annotation.name}#{number + 1}"
            if annotation.difficult[number]:
                problems.append(Problem(annotation.name, name, "difficult", f"box {number + 1}", "left out"))
                continue
            box = tuple(annotation.boxes[number].tolist())
            digest = _box_digest(annotation, box, margin)
            source = _source(annotation.name, options)
            faces.append(Face(annotation.path, shown, name, source, box, annotation.turned, digest))
    return faces, problems


def _box_digest(annotation: Annotation, box: tuple[float, ...], margin: float) -> str:
    seen = annotation.digest + np.array([*box, margin, annotation.turned], np.float64).tobytes()
    return hashlib.blake2b(seen, digest_size=16).hexdigest()


def _source(shown: str, options: FaceOptions) -> str:
    stem = shown.rsplit(".", 1)[0]
    if not options.source_pattern:
        return source_of(stem.rsplit("/", 1)[-1])
    match = re.search(options.source_pattern, stem)
    return "/".join(part or "" for part in match.groups()) if match else ""


def _without_twins(faces: Sequence[Face], problems: list[Problem]) -> list[Face]:
    """Each face once; one that has two names has none."""
    names: dict[str, set[str]] = {}
    for face in faces:
        names.setdefault(face.digest, set()).add(face.name)
    kept: dict[str, Face] = {}
    for face in faces:
        if len(names[face.digest]) > 1:
            detail = " and ".join(sorted(names[face.digest]))
            problems.append(Problem(face.shown, face.name, "one face, two names", detail, "left out"))
        elif face.digest in kept:
            problems.append(Problem(face.shown, face.name, "the same face twice", "", "left out"))
        else:
            kept[face.digest] = face
    return list(kept.values())


def read_pictures(
    items: Sequence[Item],
    read: Callable[[Item], np.ndarray],
    wrong: Callable[[Item, PictureError], None],
    progress: Progress = silent,
) -> Iterator[list[tuple[Item, np.ndarray]]]:
    """Things with their pictures, 48 at a time, so that few are in memory at once.

    Args:
        items: faces, paths ...
        read: raises PictureError where that cannot be done, which is then passed over.
        wrong: told of these.
        progress: told of "looking" when the pictures before have been looked at.
    """

    def tried(item: Item) -> np.ndarray | PictureError:
        try:
            return read(item)
        except PictureError as error:
            return error

    for start in range(0, len(items), _CHUNK):
        chunk, some = [], items[start : start + _CHUNK]
        for item, image in zip(some, map_in_threads(tried, some), strict=True):
            if isinstance(image, PictureError):
                wrong(item, image)
            else:
                chunk.append((item, image))
        if chunk:
            yield chunk
        progress("looking", start + len(some), len(items))
