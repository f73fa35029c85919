"""A folder of pictures and LabelImg XML becomes a list of checked annotations and a list of problems."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.folder import INBOX_MARK, FolderContents, PictureFile, find_files
from datasets.pictures import MAX_PIXELS, PictureError, PictureFacts, examine_picture
from datasets.problems import Problem
from datasets.splits import source_of
from datasets.voc import RawAnnotation, RawObject, XmlError, is_draft, outermost, read_xml, repair_objects
from files.threads import map_in_threads
from terminal.bars import Progress, silent


@dataclass(frozen=True)
class ReadOptions:
    """How a folder is read.

    Attributes:
        verified_only: take only pictures that a person has confirmed (verified="yes" in the XML), with
            LabelImg's space key or with tools/inbox.py.
        with_drafts: also take boxes that a program proposed and that nobody has looked at.
        unlabelled_as_negative: a picture without XML shows none of the names, instead of being left out.
        max_pixels: refuse pictures with more (decompression bombs).
        workers: threads that decode; 0 means one per core.
    """

    verified_only: bool = False
    with_drafts: bool = False
    unlabelled_as_negative: bool = False
    max_pixels: int = MAX_PIXELS
    workers: int = 0

    def __post_init__(self) -> None:
        if self.max_pixels < 1:
            raise ValueError(f"--max_pixels {self.max_pixels}: must be at least 1 (default {MAX_PIXELS})")
        if self.workers < 0:
            raise ValueError(f"--workers {self.workers}: must be 0 (one per core) or more")


@dataclass(frozen=True)
class Annotation:
    """One picture that can be trained on, and its G objects.

    Attributes:
        path: the picture file.
        name: its path below the picture folder; unique in the folder.
        stem: its file name without suffix, NFC-normalised.
        xml: None for an unlabelled picture taken as a negative.
        width: in pixels as it goes into the record.
        height: likewise.
        turned: the EXIF orientation is to be applied to the pixels; the boxes already agree with that.
        keep_bytes: the file's own bytes can go into the record.
        digest: of the file's bytes.
        boxes: float32 [G, 4], (ymin, xmin, ymax, xmax) as fractions.
        names: G names.
        difficult: G flags.
        truncated: G flags.
    """

    path: Path
    name: str
    stem: str
    xml: Path | None
    width: int
    height: int
    turned: bool
    keep_bytes: bool
    digest: bytes
    boxes: np.ndarray
    names: tuple[str, ...]
    difficult: tuple[bool, ...]
    truncated: tuple[bool, ...]


@dataclass(frozen=True)
class FolderReading:
    """What `read_folder` found.

    Attributes:
        annotations: in the order of picture names.
        problems: everything that was repaired, dropped, refused or left out.
        stems: of every picture file in the folder, usable or not.
        contents: the listing of the folder.
    """

    annotations: list[Annotation]
    problems: list[Problem]
    stems: frozenset[str]
    contents: FolderContents


def read_folder(
    dataset_dir: Path,
    options: ReadOptions,
    *,
    exclude: Collection[Path] = (),
    progress: Progress = silent,
) -> FolderReading:
    """Reads and completely decodes every picture of a folder, and reads its XML.

    Args:
        dataset_dir: `Annotations/` and `JPEGImages/`, or pictures and XML side by side.
        options: see there.
        exclude: files and folders inside `dataset_dir` to pass over.
        progress: called in the calling thread.

    Raises:
        ValueError: the folder does not exist. An empty one is no error here.
    """
    if not dataset_dir.is_dir():
        raise ValueError(
            f"--dataset_dir {dataset_dir}: there is no such folder; give the one that holds Annotations/ and "
            "JPEGImages/, or pictures and XML side by side"
        )
    if any((folder / INBOX_MARK).exists() for folder in (dataset_dir, dataset_dir.resolve().parent)):
        raise ValueError(
            f"--dataset_dir {dataset_dir}: this is an inbox of reports that nobody has confirmed yet; bring "
            "them into your data set with: python -m tools.inbox accept"
        )
    contents = find_files(dataset_dir, _filename_of, exclude=exclude)
    problems = list(contents.problems)
    labelled = [file for file in contents.files if file.xml is not None]
    unlabelled = [file for file in contents.files if file.xml is None]
    if not options.unlabelled_as_negative:
        problems += [
            Problem(
                _shown(file.path, dataset_dir),
                "",
                "picture without XML",
                "",
                "left out; --unlabelled_as_negative takes it",
            )
            for file in unlabelled
        ]
        unlabelled = []

    # Labelled pictures first: of two identical files the labelled one stays.
    chosen = labelled + unlabelled
    annotations: list[Annotation] = []
    first_with: dict[bytes, Annotation] = {}

    def read_one(file: PictureFile) -> tuple[Annotation | None, list[Problem]]:
        return _read_one(file, dataset_dir, options)

    results = map_in_threads(read_one, chosen, workers=options.workers)
    for done, (annotation, found) in enumerate(results, start=1):
        problems += found
        progress("reading", done, len(chosen))
        if annotation is None:
            continue
        twin = first_with.setdefault(annotation.digest, annotation)
        if twin is annotation:
            annotations.append(annotation)
        else:
            file = _shown(annotation.path, dataset_dir)
            differs = "" if _same_objects(annotation, twin) else ", but with other boxes"
            problems.append(
                Problem(file, "", "the same picture twice", f"equal to {twin.name}{differs}", "left out")
            )
    annotations.sort(key=lambda annotation: annotation.name)
    problems.sort(key=lambda problem: problem.file)
    return FolderReading(annotations, problems, frozenset(file.stem for file in contents.files), contents)


@dataclass(frozen=True)
class PixelFrame:
    """In which pixels a picture goes into the record, and in which its boxes are given.

    Attributes:
        turned: apply the EXIF orientation.
        size: (width, height) of the picture in the record.
        reference: (width, height) that box coordinates are divided by.
        problem: (kind, detail, action), or None where nothing had to be decided.
    """

    turned: bool
    size: tuple[int, int]
    reference: tuple[int, int]
    problem: tuple[str, str, str] | None = None


def choose_frame(facts: PictureFacts, raw: RawAnnotation) -> PixelFrame:
    """Brings the size in the XML together with the picture's, stored and turned by its EXIF orientation.

    Old LabelImg draws boxes on the pixels as stored, newer (`setAutoTransform`) on the turned picture, and
    `<size>` is of what it drew on. Where `<size>` cannot tell (missing, square, turned by 180°, mirrored) the
    stored pixels stay. Where it fits neither, but has the shape of one, the picture was resized after
    labelling and boxes are fractions of `<size>`, as in SSD-Tensorflow. Else boxes are taken as pixels of the
    picture.
    """
    stored, turned, size = facts.size, facts.turned_size, raw.size
    if facts.orientation != 1 and not raw.objects:
        return PixelFrame(True, turned, turned)  # no box to contradict: upright, as every viewer shows it
    exif = f"EXIF orientation {facts.orientation}"
    if facts.orientation != 1 and (size is None or size == stored == turned):
        detail = f"{exif} and <size> {_by(size)} leave open on which pixels the boxes were drawn"
        return PixelFrame(
            False, stored, stored, ("EXIF orientation is unclear", detail, "pixels kept as stored")
        )
    if size is None or size == stored:
        if facts.orientation == 1:
            return PixelFrame(False, stored, stored)
        detail = f"{exif}, <size> {_by(size)} is the stored one"
        return PixelFrame(
            False, stored, stored, ("boxes drawn without EXIF orientation", detail, "pixels kept as stored")
        )
    if size == turned:
        detail = f"{exif}, <size> {_by(size)} is the turned one"
        return PixelFrame(
            True, turned, turned, ("boxes drawn with EXIF orientation", detail, "picture turned")
        )

    detail = f"<size> says {_by(size)}, the picture is {_by(stored)}"
    for is_turned, candidate in ((False, stored), (True, turned)):
        if _same_shape(size, candidate) and _inside(raw.objects, size):
            kind = "picture resized after labelling"
            return PixelFrame(is_turned, candidate, size, (kind, detail, "boxes scaled with it"))
    kind = "size in the XML is of another picture"
    return PixelFrame(False, stored, stored, (kind, detail, "boxes taken as pixels of the picture"))


def set_statistics(annotations: Sequence[Annotation]) -> dict[str, Any]:
    """Counts of one set, ready for JSON.

    Returns:
        "pictures", "pictures_without_boxes", "boxes", "max_boxes" (on one picture), "difficult_boxes",
        "truncated_boxes"; "names": by name (in text order) boxes, pictures, difficult boxes and the median
        width and height of a box as fractions; "picture_sizes": pictures by "WIDTHxHEIGHT", most frequent
        first; "sources": pictures by source.
    """
    boxes = {name: [] for name in sorted({name for one in annotations for name in one.names})}
    difficult: Counter[str] = Counter()
    for one in annotations:
        for name, box, is_difficult in zip(one.names, one.boxes, one.difficult, strict=True):
            boxes[name].append(box)
            difficult[name] += is_difficult
    pictures = Counter(name for one in annotations for name in set(one.names))
    sizes = Counter(f"{one.width}x{one.height}" for one in annotations)
    sources = Counter(source_of(one.stem) for one in annotations)
    names = {}
    for name, some in boxes.items():
        sides = np.asarray(some)[:, 2:] - np.asarray(some)[:, :2]  # [n, 2] height, width
        height, width = np.median(sides, axis=0)
        names[name] = {
            "boxes": len(some),
            "pictures": pictures[name],
            "difficult": difficult[name],
            "median_width": round(float(width), 4),
            "median_height": round(float(height), 4),
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


def _read_one(
    file: PictureFile, dataset_dir: Path, options: ReadOptions
) -> tuple[Annotation | None, list[Problem]]:
    problems: list[Problem] = []
    picture_shown = _shown(file.path, dataset_dir)
    raw = RawAnnotation(None, None, ())
    if file.xml is not None:
        try:
            raw = read_xml(file.xml)
        except XmlError as error:
            return None, [Problem(_shown(file.xml, dataset_dir), "", error.kind, error.detail, error.action)]
    if options.verified_only and not raw.verified:
        detail = 'no verified="yes" in its XML: press the space key in LabelImg'
        action = "left out (--verified_only)"
        return None, [Problem(picture_shown, "", "not confirmed by a person", detail, action)]
    if is_draft(raw) and not options.with_drafts:
        detail = "save it in LabelImg: the space key there says that it is right"
        action = "left out; --with_drafts takes it"
        return None, [Problem(picture_shown, "", "draft that nobody has looked at", detail, action)]
    try:
        facts = examine_picture(file.path, max_pixels=options.max_pixels)
    except PictureError as error:
        return None, [Problem(picture_shown, "", error.kind, error.detail, error.action)]
    if facts.frames > 1:
        detail = f"{facts.frames} pictures in one file"
        problems.append(Problem(picture_shown, "", "animation", detail, "its first picture taken"))
    xml_shown = picture_shown if file.xml is None else _shown(file.xml, dataset_dir)
    frame = choose_frame(facts, raw)
    if frame.problem is not None:
        problems.append(Problem(xml_shown, "", *frame.problem))
    repaired, more = repair_objects(raw.objects, frame.reference, xml_shown)
    width, height = frame.size
    annotation = Annotation(
        path=file.path,
        name=file.name,
        stem=file.stem,
        xml=file.xml,
        width=width,
        height=height,
        turned=frame.turned,
        keep_bytes=facts.plain_jpeg and not frame.turned,
        digest=facts.digest,
        boxes=repaired.boxes,
        names=repaired.names,
        difficult=repaired.difficult,
        truncated=repaired.truncated,
    )
    return annotation, problems + more


def _same_objects(a: Annotation, b: Annotation) -> bool:
    return a.names == b.names and np.array_equal(a.boxes, b.boxes)


def _filename_of(xml: Path) -> str | None:
    try:
        return read_xml(xml).filename
    except XmlError:
        return None


def _same_shape(size: tuple[int, int], picture: tuple[int, int]) -> bool:
    """Equal aspect ratio within 1 %, or within the rounding of one pixel."""
    width_by_height = size[0] * picture[1] / size[1]
    return abs(width_by_height - picture[0]) <= max(1.0, 0.01 * picture[0])


def _inside(objects: Sequence[RawObject], size: tuple[int, int]) -> bool:
    right, bottom = outermost(objects)
    return right <= size[0] + 1 and bottom <= size[1] + 1


def _by(size: tuple[int, int] | None) -> str:
    return "(missing)" if size is None else f"{size[0]} x {size[1]}"


def _shown(path: Path, dataset_dir: Path) -> str:
    return path.relative_to(dataset_dir).as_posix()
