"""Faces with names: a folder per character, or boxes of Pascal VOC XML."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from datasets.annotations import Annotation, ReadOptions, read_folder
from datasets.folder import INBOX_MARK, find_files
from datasets.labels import clean_name
from datasets.pictures import MAX_PIXELS, PictureError, read_picture_file
from datasets.problems import Problem
from datasets.splits import source_of
from files.threads import map_in_threads


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
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(sorted({face.name for face in self.faces})))


def read_faces(
    folder: Path,
    options: FaceOptions,
    *,
    margin: float,
    flag: str = "faces_dir",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FaceReading:
    """Lists the faces of a folder; pictures without XML are not decoded yet.

    Args:
        folder: one folder per character (their names are the characters'), or pictures with VOC XML.
        options: see there.
        margin: around boxes, as a share of their longer side; pictures without XML are taken whole.
        flag: what the folder is called in messages.
        progress: called with pictures done and all.

    Raises:
        ValueError: there is no such folder, no face in it, or it is an inbox of unconfirmed reports.
    """
    if not folder.is_dir():
        raise ValueError(f"--{flag} {folder}: there is no such folder; give one with a folder per character")
    if any((place / INBOX_MARK).exists() for place in (folder, folder.resolve().parent)):
        raise ValueError(
            f"--{flag} {folder}: this is an inbox of reports that nobody has confirmed yet; bring them into "
            "your data set with: python -m tools.inbox accept"
        )
    contents = find_files(folder, lambda path: None)
    if any(file.xml is not None for file in contents.files):
        found, problems = _faces_of_xml(folder, options, margin, progress)
        labelled_by = "XML"
    else:
        problems = list(contents.problems)
        found = _faces_of_folders(
            [(file.path, file.name) for file in contents.files], options, problems, progress
        )
        labelled_by = "folders"
    faces = _without_twins(found, problems)
    if not faces:
        wrong = f" ({problems[0].file}: {problems[0].kind})" if problems else ""
        raise ValueError(
            f"--{flag} {folder}: no face with a name in it{wrong}; put the pictures of each character into a "
            "folder of its name, or label boxes with LabelImg"
        )
    return FaceReading(faces, problems, labelled_by)


def read_strangers(folder: Path, options: FaceOptions, *, margin: float) -> FaceReading:
    """Lists the faces of nobody: every picture in a folder, or every box of its XML, whatever it is called.

    Raises:
        ValueError: there is no such folder, or no face in it.
    """
    flag = "strangers_dir"
    if not folder.is_dir():
        raise ValueError(f"--{flag} {folder}: there is no such folder; give one with pictures of faces")
    contents = find_files(folder, lambda path: None)
    if any(file.xml is not None for file in contents.files):
        reading = read_faces(folder, options, margin=margin, flag=flag)
        return FaceReading([replace(one, name="") for one in reading.faces], reading.problems, "XML")
    problems = list(contents.problems)
    files = [(file.path, f"-/{file.name}") for file in contents.files]
    faces = _without_twins(_faces_of_folders(files, options, problems, lambda done, total: None), problems)
    if not faces:
        raise ValueError(f"--{flag} {folder}: no picture in it that can be read")
    return FaceReading(
        [replace(one, name="", shown=one.shown.removeprefix("-/")) for one in faces], problems, "folders"
    )


def _faces_of_folders(
    files: Sequence[tuple[Path, str]],
    options: FaceOptions,
    problems: list[Problem],
    progress: Callable[[int, int], None],
) -> list[Face]:
    def read(file: tuple[Path, str]) -> Face | Problem:
        path, shown = file
        name = clean_name(shown.split("/")[0]) if "/" in shown else ""
        if not name:
            return Problem(shown, "", "picture in no character's folder", "", "left out")
        try:
            data = read_picture_file(path, max_pixels=options.max_pixels)
        except PictureError as error:
            return Problem(shown, "", error.kind, error.detail, error.action)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        return Face(path, shown, name, _source(shown, options), None, True, digest)

    faces = []
    for done, one in enumerate(map_in_threads(read, files), start=1):
        if isinstance(one, Problem):
            problems.append(one)
        else:
            faces.append(one)
        progress(done, len(files))
    return faces


def _faces_of_xml(
    folder: Path, options: FaceOptions, margin: float, progress: Callable[[int, int], None]
) -> tuple[list[Face], list[Problem]]:
    reading = read_folder(
        folder,
        ReadOptions(verified_only=options.verified_only, max_pixels=options.max_pixels),
        progress=lambda _, done, every: progress(done, every),
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
    seen: Counter[str] = Counter()
    kept = []
    for face in faces:
        seen[face.digest] += 1
        if len(names[face.digest]) > 1:
            detail = " and ".join(sorted(names[face.digest]))
            problems.append(Problem(face.shown, face.name, "one face, two names", detail, "left out"))
        elif seen[face.digest] > 1:
            problems.append(Problem(face.shown, face.name, "the same face twice", "", "left out"))
        else:
            kept.append(face)
    return kept
