"""Faces with names: a folder per character, or boxes of Pascal VOC XML."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from boxes.geometry import crop_around
from datasets.annotations import ReadOptions, read_folder
from datasets.folder import PictureFile, find_files, refuse_inbox
from datasets.kinds import need_folder, seems
from datasets.labels import clean_name
from datasets.pictures import MAX_PIXELS, PictureError, read_picture, read_picture_file
from datasets.problems import Problem
from datasets.sources import source_of
from files.parallel import map_in_threads
from terminal.bars import Progress, silent


@dataclass(frozen=True)
class FaceOptions:
    """How faces are found."""

    #: a regular expression that is searched for in the picture's path below the folder, without suffix; the
    #: parts in brackets are its source. Default: the text before the last number of the file name.
    source_pattern: str = ""
    verified_only: bool = False  #: of XML, only pictures that a person has confirmed (verified="yes").
    max_pixels: int = MAX_PIXELS  #: refuse pictures with more (decompression bombs).

    def __post_init__(self) -> None:
        if self.max_pixels < 1:
            raise ValueError(f"--max_pixels {self.max_pixels}: must be at least 1 (default {MAX_PIXELS})")
        try:
            brackets = re.compile(self.source_pattern).groups
        except re.error as error:
            wrong = f"is no regular expression: {error}"
            raise ValueError(f"--source_pattern {self.source_pattern!r} {wrong}") from None
        if self.source_pattern and not brackets:
            cure = r"put them around what names the source, as in '^(.*)/.*_(\d+)$'"
            raise ValueError(f"--source_pattern {self.source_pattern!r} has no brackets; {cure}")

    def source(self, shown: str) -> str:
        """Where the picture with this path below the folder comes from; "" where nothing is known."""
        stem = shown.rsplit(".", 1)[0]
        if not self.source_pattern:
            return source_of(stem.rsplit("/", 1)[-1])
        match = re.search(self.source_pattern, stem)
        return "/".join(part or "" for part in match.groups()) if match else ""


@dataclass(frozen=True)
class Face:
    """One face of somebody."""

    path: Path  # the picture
    # its path below the folder, and the number of the box where it has several: names the face in reports
    shown: str
    name: str  # of the character
    source: str  # video or series of drawings that it comes from; "" where nothing is known
    digest: str  # 32 hexadecimal digits of the file's bytes, the box and the margin: of what is seen
    # (ymin, xmin, ymax, xmax) as fractions; None: the whole picture
    box: tuple[float, float, float, float] | None = None
    margin: float = 0.0  # around the box, as a share of its longer side
    turned: bool = True  # the EXIF orientation is to be applied
    max_pixels: int = MAX_PIXELS  # a larger picture is refused

    def picture(self) -> np.ndarray:
        """What is seen of it: uint8 [h, w, 3]; PictureError where it cannot be read."""
        image = read_picture(self.path, turn=self.turned, max_pixels=self.max_pixels)
        return image if self.box is None else crop_around(image, np.array(self.box), self.margin)[0]


@dataclass(frozen=True)
class FaceReading:
    """What was found."""

    faces: list[Face]  # in the order of the pictures' names
    problems: list[Problem]  # what was left out
    labelled_by: str  # "folders" or "XML"


def read_faces(
    folder: Path, options: FaceOptions, *, margin: float, strangers: bool = False, progress: Progress = silent
) -> FaceReading:
    """Lists the faces of a folder; pictures without XML are not decoded yet.

    Args:
        folder: one folder per character (their names are the characters'), or pictures with VOC XML.
        margin: around boxes, as a share of their longer side; pictures without XML are taken whole.
        strangers: every picture, or every box of XML, is a face without a name.

    Raises:
        ValueError: there is no such folder, no face in it, or it is an inbox of unconfirmed reports.
    """
    flag = f"--{'strangers' if strangers else 'faces'}_dir"
    what = "with pictures of faces" if strangers else "with a folder per character"
    need_folder(folder, flag, f"give one {what}")
    refuse_inbox(folder, flag)
    contents = find_files(folder)
    by_xml = any(file.xml is not None for file in contents.files)
    if by_xml:
        found = list(_faces_of_xml(folder, options, margin, progress))
    else:
        found = [*contents.problems, *_faces_of_folders(contents.files, options, strangers, progress)]
    problems = [one for one in found if isinstance(one, Problem)]
    faces = [one for one in found if isinstance(one, Face)]
    if strangers:
        faces = [replace(face, name="") for face in faces]
    faces = _without_twins(faces, problems)
    if not faces:
        wrong = f" ({problems[0].file}: {problems[0].kind})" if problems else ""
        what = "picture in it that can be read" if strangers else "face with a name in it"
        cure = "put the pictures of each character into a folder of its name, or label boxes with LabelImg"
        said = f"{flag} {folder}: no {what}{wrong}", "" if strangers else cure
        raise ValueError("; ".join(filter(None, (*said, "" if contents.files else seems(folder)))))
    return FaceReading(faces, problems, "XML" if by_xml else "folders")


def _faces_of_folders(
    files: Sequence[PictureFile], options: FaceOptions, strangers: bool, progress: Progress
) -> Iterator[Face | Problem]:
    def read(file: PictureFile) -> Face | Problem:
        shown = file.name
        name = clean_name(shown.split("/")[0]) if "/" in shown else ""
        if not name and not strangers:
            return Problem(shown, "", "picture in no character's folder", "", "left out")
        try:
            data = read_picture_file(file.path, max_pixels=options.max_pixels)
        except PictureError as error:
            return Problem.of(error, shown)
        source = options.source(shown)
        return Face(file.path, shown, name, source, _digest(data), max_pixels=options.max_pixels)

    for done, one in enumerate(map_in_threads(read, files), start=1):
        yield one
        progress("reading", done, len(files))


def _faces_of_xml(
    folder: Path, options: FaceOptions, margin: float, progress: Progress
) -> Iterator[Face | Problem]:
    reading = read_folder(
        folder,
        ReadOptions(verified_only=options.verified_only, max_pixels=options.max_pixels),
        progress=lambda _, done, every: progress("reading", done, every),
    )
    yield from reading.problems
    for one in reading.annotations:
        for number, (name, box) in enumerate(zip(one.names, one.boxes.tolist(), strict=True), start=1):
            if one.difficult[number - 1]:
                yield Problem(one.name, name, "difficult", f"box {number}", "left out")
                continue
            shown = one.name if len(one.names) == 1 else f"{one.name}#{number}"
            seen = one.digest + np.array([*box, margin, one.turned], np.float64).tobytes()
            yield Face(
                one.path, shown, name, options.source(one.name) if options.source_pattern else one.source,
                _digest(seen),
                tuple(box), margin, one.turned, options.max_pixels,
            )  # fmt: skip


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


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
