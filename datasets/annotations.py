"""A folder of pictures and LabelImg XML becomes a list of checked annotations and a list of problems."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets import voc
from datasets.folder import FolderContents, PictureFile, find_files, refuse_inbox
from datasets.kinds import need_folder, seems
from datasets.pictures import (
    ACCEPTED_SUFFIXES,
    MAX_PIXELS,
    PictureError,
    decoded,
    orientation_of,
    read_picture_file,
)
from datasets.problems import Problem
from datasets.sources import sources_of
from datasets.splits import SPLITS, Assignment, SplitOptions, assign
from files.parallel import map_in_threads
from terminal.bars import Progress, silent


@dataclass(frozen=True)
class PictureFacts:
    """What a completely decoded picture file holds."""

    size: tuple[int, int]  # (width, height) in pixels as stored, before any EXIF orientation
    orientation: int  # EXIF orientation, 1 (upright) to 8
    plain_jpeg: bool  # a JPEG with 8-bit RGB or grey: its bytes can go into a record as they are
    digest: bytes  # of the file's bytes; equal for identical files

    @property
    def turned_size(self) -> tuple[int, int]:
        """(width, height) after the EXIF orientation is applied."""
        width, height = self.size
        return (height, width) if self.orientation >= 5 else (width, height)


def examine_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> PictureFacts:
    """Decodes a picture completely and says what it is.

    PictureError where it cannot be read, is cut short, no picture, or has more than `max_pixels`.
    """
    data = read_picture_file(path, max_pixels=max_pixels)
    image = decoded(data, max_pixels)
    return PictureFacts(
        size=image.size,
        orientation=orientation_of(image),
        plain_jpeg=image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L"),
        digest=hashlib.blake2b(data, digest_size=16).digest(),
    )


@dataclass(frozen=True)
class ReadOptions:
    """How a folder is read."""

    #: take only pictures that a person has confirmed (verified="yes" in the XML), with LabelImg's space key
    #: or with tools/inbox.py.
    verified_only: bool = False
    with_drafts: bool = False  #: also take boxes that a program proposed and that nobody has looked at.
    #: a picture without XML shows none of the names, instead of being left out.
    unlabelled_as_negative: bool = False
    max_pixels: int = MAX_PIXELS  #: refuse pictures with more (decompression bombs).
    workers: int = 0  #: threads that decode; 0 means one per core.

    def __post_init__(self) -> None:
        if self.max_pixels < 1:
            raise ValueError(f"--max_pixels {self.max_pixels}: must be at least 1 (default {MAX_PIXELS})")
        if self.workers < 0:
            raise ValueError(f"--workers {self.workers}: must be 0 (one per core) or more")


@dataclass(frozen=True)
class Annotation(voc.RepairedObjects):
    """One picture that can be trained on, and its G objects."""

    path: Path  # the picture file
    name: str  # its path below the picture folder; unique in the folder
    stem: str  # its name without suffix, NFC-normalised
    source: str  # the film or series that it comes from, see `datasets.sources`
    xml: Path | None  # None for an unlabelled picture taken as a negative
    width: int  # in pixels as it goes into the record, as the height
    height: int
    turned: bool  # the EXIF orientation is to be applied to the pixels; the boxes already agree with that
    keep_bytes: bool  # the file's own bytes can go into the record
    digest: bytes  # of the file's bytes


@dataclass(frozen=True)
class FolderReading:
    """What `read_folder` found."""

    dataset_dir: Path
    annotations: list[Annotation]  # in the order of picture names
    problems: list[Problem]  # everything that was repaired, dropped, refused or left out
    contents: FolderContents  # the listing of the folder

    def assign(self, options: SplitOptions, earlier: Mapping[str, str] | None = None) -> Assignment:
        """Distributes the pictures, see `datasets.splits.assign`."""
        return assign([one.stem for one in self.annotations], self.contents.given, options, earlier)

    def nothing_found(self, problems: Sequence[Problem]) -> str:
        """What is said where no picture can be used."""
        files, picture_dir = self.contents.files, self.contents.looked_in[1]
        xmls, suffixes = sum(file.xml is not None for file in files), " ".join(sorted(ACCEPTED_SUFFIXES))
        said = f" problems.csv says what was wrong ({len(problems)} lines)." if problems else ""
        cure = "Label pictures with LabelImg in its PascalVOC format, or give another --dataset_dir"
        if kind := seems(self.dataset_dir):
            cure = kind[0].upper() + kind[1:]
        return (
            f"looked for XML files in {self.dataset_dir} and pictures ({suffixes}) in {picture_dir}, found "
            f"{len(files)} pictures, {xmls} of them with XML, and none that can be used.{said} {cure}"
        )


def read_folder(
    dataset_dir: Path,
    options: ReadOptions,
    *,
    exclude: Collection[Path] = (),
    progress: Progress = silent,
    mapped: Callable[..., Iterator[Any]] | None = None,
) -> FolderReading:
    """Reads and completely decodes every picture of a folder that `exclude` does not name, and reads its XML.

    Args:
        dataset_dir: `Annotations/` and `JPEGImages/`, or pictures and XML side by side.
        progress: called in the calling thread.
        mapped: in whose place `map_in_threads` stands.

    Raises:
        ValueError: the folder does not exist, or is an inbox. An empty one is no error here.
    """
    cure = "give the one that holds Annotations/ and JPEGImages/, or pictures and XML side by side"
    need_folder(dataset_dir, "--dataset_dir", cure)
    refuse_inbox(dataset_dir, "--dataset_dir")
    contents = find_files(dataset_dir, exclude=exclude)
    problems = list(contents.problems)
    # Labelled pictures first: of two identical files the labelled one stays.
    chosen = [file for file in contents.files if file.xml is not None]
    unlabelled = [file for file in contents.files if file.xml is None]
    if options.unlabelled_as_negative:
        chosen += unlabelled
    else:
        action = "left out; --unlabelled_as_negative takes it"
        shown = (_shown(file.path, dataset_dir) for file in unlabelled)
        problems += [Problem(file, "", "picture without XML", "", action) for file in shown]
    annotations: list[Annotation] = []
    first_with: dict[bytes, Annotation] = {}
    read = partial(_read_one, dataset_dir=dataset_dir, options=options)
    results = (mapped or partial(map_in_threads, workers=options.workers))(read, chosen)
    for done, (annotation, found) in enumerate(results, start=1):
        problems += found
        progress("reading", done, len(chosen))
        if annotation is None:
            continue
        twin = first_with.setdefault(annotation.digest, annotation)
        if twin is annotation:
            annotations.append(annotation)
        else:
            same = annotation.names == twin.names and np.array_equal(annotation.boxes, twin.boxes)
            detail = f"equal to {twin.name}{'' if same else ', but with other boxes'}"
            file = _shown(annotation.path, dataset_dir)
            problems.append(Problem(file, "", "the same picture twice", detail, "left out"))
    sources = sources_of(one.stem for one in annotations)
    annotations = [replace(one, source=sources[one.stem]) for one in annotations]
    annotations.sort(key=lambda annotation: annotation.name)
    problems.sort(key=lambda problem: problem.file)
    return FolderReading(dataset_dir, annotations, problems, contents)


def sets_of(annotations: Sequence[Annotation], splits: Mapping[str, str]) -> dict[str, list[Annotation]]:
    """Annotations by the name of their set, train first, in their order; those of no set are left out.

    `splits` has the name of the set by stem, see `Assignment`.
    """
    found = {split: [] for split in (*SPLITS, *splits.values())}
    for one in annotations:
        if one.stem in splits:
            found[splits[one.stem]].append(one)
    return {split: some for split, some in found.items() if some}


@dataclass(frozen=True)
class PixelFrame:
    """In which pixels a picture goes into the record, and in which its boxes are given."""

    turned: bool  # apply the EXIF orientation
    size: tuple[int, int]  # (width, height) of the picture in the record
    reference: tuple[int, int]  # (width, height) that box coordinates are divided by
    problem: tuple[str, str, str] | None = None  # (kind, detail, action) of what had to be decided


def choose_frame(facts: PictureFacts, raw: voc.RawAnnotation) -> PixelFrame:
    """Brings the size in the XML together with the picture's, stored and turned by its EXIF orientation.

    Old LabelImg draws boxes on the pixels as stored, newer (`setAutoTransform`) on the turned picture, and
    `<size>` is of what it drew on. Where `<size>` cannot tell (missing, square, turned by 180°, mirrored) the
    stored pixels stay. Where it fits neither, but has the shape of one, the picture was resized after
    labelling and boxes are fractions of `<size>`, as in SSD-Tensorflow. Else boxes are taken as pixels of the
    picture.
    """
    stored, turned, size = facts.size, facts.turned_size, raw.size
    if facts.orientation == 1 and size in (None, stored):
        return PixelFrame(False, stored, stored)
    if facts.orientation != 1 and not raw.objects:
        return PixelFrame(True, turned, turned)  # no box to contradict: upright, as every viewer shows it
    exif = f"EXIF orientation {facts.orientation}"
    if size is None or size == stored == turned:
        detail = f"{exif} and <size> {_by(size)} leave open on which pixels the boxes were drawn"
        problem = "EXIF orientation is unclear", detail, "pixels kept as stored"
        return PixelFrame(False, stored, stored, problem)
    if size == stored:
        detail = f"{exif}, <size> {_by(size)} is the stored one"
        problem = "boxes drawn without EXIF orientation", detail, "pixels kept as stored"
        return PixelFrame(False, stored, stored, problem)
    if size == turned:
        detail = f"{exif}, <size> {_by(size)} is the turned one"
        problem = "boxes drawn with EXIF orientation", detail, "picture turned"
        return PixelFrame(True, turned, turned, problem)

    detail = f"<size> says {_by(size)}, the picture is {_by(stored)}"
    right, bottom = outermost(raw.objects)
    for is_turned, candidate in ((False, stored), (True, turned)):
        if _same_shape(size, candidate) and right <= size[0] + 1 and bottom <= size[1] + 1:
            kind = "picture resized after labelling"
            return PixelFrame(is_turned, candidate, size, (kind, detail, "boxes scaled with it"))
    kind = "size in the XML is of another picture"
    return PixelFrame(False, stored, stored, (kind, detail, "boxes taken as pixels of the picture"))


def outermost(raw: Sequence[voc.RawObject]) -> tuple[float, float]:
    """The largest x and y in pixels of any readable box: can the boxes belong to a picture of some size?"""
    sides = (voc.number_each(item.box) for item in raw if item.box is not None)
    corners = [some for some in sides if some is not None]
    x, y = (max((max(box[i], box[i + 2]) for box in corners), default=0.0) for i in (0, 1))
    return x, y


def nobody_left(file: str, objects: int) -> Problem:
    """The line of a picture that lost all its objects: with none, it would teach that nobody is there."""
    return Problem(file, "", "none of its objects can be used", f"{objects} dropped", "picture left out")


def set_statistics(annotations: Sequence[Annotation]) -> dict[str, Any]:
    """Counts of one set, ready for JSON.

    Returns:
        "pictures", "pictures_without_boxes", "boxes", "max_boxes" (on one picture), "difficult_boxes",
        "truncated_boxes"; "names": by name (in text order) boxes, pictures, difficult boxes and the median
        width and height of a box as fractions; "picture_sizes": pictures by "WIDTHxHEIGHT", most frequent
        first; "sources": pictures by source.
    """
    sides: dict[str, list[np.ndarray]] = {}  # height and width of each box
    difficult: Counter[str] = Counter()
    for one in annotations:
        for name, box, is_difficult in zip(one.names, one.boxes, one.difficult, strict=True):
            sides.setdefault(name, []).append(box[2:] - box[:2])
            difficult[name] += is_difficult
    pictures = Counter(name for one in annotations for name in set(one.names))
    sizes = Counter(f"{one.width}x{one.height}" for one in annotations)
    sources = Counter(one.source for one in annotations)
    names = {}
    for name, some in sorted(sides.items()):
        height, width = np.median(some, axis=0).tolist()
        names[name] = {
            "boxes": len(some),
            "pictures": pictures[name],
            "difficult": difficult[name],
            "median_width": round(width, 4),
            "median_height": round(height, 4),
        }
    return {
        "pictures": len(annotations),
        "pictures_without_boxes": sum(not one.names for one in annotations),
        "boxes": sum(len(one.names) for one in annotations),
        "max_boxes": max((len(one.names) for one in annotations), default=0),
        "difficult_boxes": sum(difficult.values()),
        "truncated_boxes": sum(sum(one.truncated) for one in annotations),
        "names": names,
        "picture_sizes": dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0]))),
        "sources": dict(sorted(sources.items())),
    }


def counts_of(
    statistics: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Boxes by name, and pictures, by the name of the set: of the `set_statistics` of each."""
    boxes = {
        split: {name: one["boxes"] for name, one in part["names"].items()}
        for split, part in statistics.items()
    }
    return boxes, {split: part["pictures"] for split, part in statistics.items()}


def count_rows(
    statistics: Mapping[str, Mapping[str, Any]], names: Iterable[str]
) -> list[tuple[str | int, ...]]:
    """Rows of a table "boxes of": of each name in each set; last those of all names, and the pictures.

    The statistics are those of `set_statistics`, by the name of the set.
    """
    sets = statistics.values()
    rows = [(name, *(one["names"].get(name, {}).get("boxes", 0) for one in sets)) for name in names]
    sums = (("all names", "boxes"), ("pictures", "pictures"))
    return [*rows, *((what, *(one[key] for one in sets)) for what, key in sums)]


def _read_one(
    file: PictureFile, dataset_dir: Path, options: ReadOptions
) -> tuple[Annotation | None, list[Problem]]:
    shown = _shown(file.path, dataset_dir)
    xml_shown = shown if file.xml is None else _shown(file.xml, dataset_dir)
    try:
        raw = voc.RawAnnotation() if file.xml is None else voc.read_xml(file.xml)
        if options.verified_only and not raw.verified:
            detail = 'no verified="yes" in its XML: press the space key in LabelImg'
            raise PictureError("not confirmed by a person", detail, "left out (--verified_only)")
        if voc.is_draft(raw) and not options.with_drafts:
            detail = "save it in LabelImg: the space key there says that it is right"
            raise PictureError("draft that nobody has looked at", detail, "left out; --with_drafts takes it")
        facts = examine_picture(file.path, max_pixels=options.max_pixels)
    except voc.XmlError as error:
        return None, [Problem.of(error, xml_shown)]
    except PictureError as error:
        return None, [Problem.of(error, shown)]
    frame = choose_frame(facts, raw)
    repaired, problems = voc.repair_objects(raw.objects, frame.reference, xml_shown)
    if frame.problem is not None:
        problems.insert(0, Problem(xml_shown, "", *frame.problem))
    if raw.objects and not repaired.names:
        return None, [*problems, nobody_left(shown, len(raw.objects))]
    width, height = frame.size
    annotation = Annotation(
        **vars(repaired),
        path=file.path,
        name=file.name,
        stem=file.stem,
        source="",  # which depends on the others
        xml=file.xml,
        width=width,
        height=height,
        turned=frame.turned,
        keep_bytes=facts.plain_jpeg and not frame.turned,
        digest=facts.digest,
    )
    return annotation, problems


def _same_shape(size: tuple[int, int], picture: tuple[int, int]) -> bool:
    """Equal aspect ratio within 1 %, or within the rounding of one pixel."""
    width_by_height = size[0] * picture[1] / size[1]
    return abs(width_by_height - picture[0]) <= max(1.0, 0.01 * picture[0])


def _by(size: tuple[int, int] | None) -> str:
    return "(missing)" if size is None else f"{size[0]} x {size[1]}"


def _shown(path: Path, dataset_dir: Path) -> str:
    return path.relative_to(dataset_dir).as_posix()
