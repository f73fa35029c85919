"""Drafts of a data set: where they go, drawing them, and in which order a person should look at them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from boxes.detections import Detections, ranked
from boxes.geometry import to_pixels
from datasets import voc
from datasets.folder import FolderContents, find_files
from datasets.kinds import need_folder, seems
from datasets.pictures import SUFFIXES, in_batches, read_picture
from files.locking import locked
from files.telling import why
from files.writing import write_text
from terminal.bars import Progress

if TYPE_CHECKING:  # it would start Keras, for which no --help waits
    from nets.looks import Finder

# Score of a close look from which on a box is drafted. Of boxes a little below and a little above about three
# in ten are heads in 200 real frames; from 0.2 on the page took as many keys for a film (docs/labelling.md).
DRAFTED = 0.3
ORDER = "labelling_order.txt"  # in the data set; `make labelimg` follows it
OFFERS = "labelling_detections.json"  # in the data set: all that a detector sees there, for the page
BEGUN = f"{voc.DRAFT} begun"  # marks a draft of which a person has named some heads on the page

# Pictures in which the detector sees nothing may show somebody that it does not know yet: variety alone must
# be able to bring them forward.
_BASE = 0.25
_GRID = 8


@dataclass(frozen=True)
class DraftTarget:
    """One picture of a data set."""

    picture: Path  # the file
    name: str  # its path below the folder of pictures, with `/`
    xml: Path  # its annotation: the one that is there, or where LabelImg would put one
    free: bool  # a draft may be written there
    drafted: bool  # a draft is there
    saved: bool  # by a person; neither free nor saved is what a person has begun


def checkpoint_finder(folder: Path | None, threshold: float) -> Finder:
    """A detector of ours, the shipped one if none is named, looking closely; whatever it finds is a head.

    ValueError where the folder cannot be used.
    """
    from nets.detector import HEADS, Detector
    from nets.looks import HEAD, close_finder

    find = close_finder(Detector.trained(folder or HEADS), HEAD)
    return lambda images: [one.above(threshold) for one in find(images)]


def find_pictures(dataset_dir: Path) -> FolderContents:
    """What `find_files` finds; ValueError where there is no such folder, or no picture in it."""
    need_folder(dataset_dir, "--dataset_dir")
    if not (contents := find_files(dataset_dir)).files:
        cure = seems(dataset_dir) or "tools.extract_frames takes them out of videos"
        raise ValueError(f"{dataset_dir}: no picture in it; {cure}")
    return contents


def draft_targets(contents: FolderContents) -> list[DraftTarget]:
    """Every picture of a folder, in the order of names; ValueError where two would share an annotation."""
    targets: dict[Path, DraftTarget] = {}
    for file in contents.files:
        xml = file.xml or contents.new_xml(file.path)
        if xml in targets:
            why = "LabelImg knows pictures by their file name only; rename one"
            raise ValueError(f"{targets[xml].picture} and {file.path} would share {xml.name}: {why}")
        state = state_of(xml)
        free = state == "free"
        targets[xml] = DraftTarget(file.path, file.name, xml, free, free and xml.exists(), state == "saved")
    return list(targets.values())


def draft_objects(detections: Detections, height: int, width: int) -> list[voc.VocObject]:
    """Detections in pixels as LabelImg counts them: what `datasets.voc` reads back as the same fractions.

    Boxes less than one pixel wide or high inside the picture are left out: nobody has seen anything there,
    other than with labels, of which `datasets.voc.voc_objects` loses none.
    """
    inside = np.clip(detections.boxes, 0, 1)
    pixels = to_pixels(inside, height, width)
    seen = (pixels[:, 2:] - pixels[:, :2]).min(axis=1, initial=np.inf) >= 1  # [N]
    return voc.voc_objects(inside[seen], detections.where(seen).names, width, height)


@dataclass
class Drafted:
    """What was done with a data set."""

    drafts: int = 0  # written
    boxes: int = 0  # in them
    empty: int = 0  # drafts without a box
    labelled: int = 0  # pictures passed over because a person has saved their annotation
    earlier: int = 0  # pictures passed over because they have a draft
    # (name, reason) of pictures that could not be read, and of those that have no draft
    failures: list[tuple[str, str]] = field(default_factory=list)
    # how useful labelling is, by the name of each picture to be labelled
    useful: dict[str, float] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)  # their names, most useful first


def make_drafts(
    dataset_dir: Path,
    find: Finder,
    drafted: Callable[[DraftTarget, np.ndarray, Detections], Detections],
    usefulness: Callable[[DraftTarget], float],
    *,
    redo: bool,
    batch_size: int,
    max_pixels: int,
    progress: Progress,
) -> Drafted:
    """Writes drafts for the pictures that a person has not labelled, and the order in which to label them.

    Args:
        drafted: what of that belongs into the draft of a picture.
        usefulness: of labelling a picture that has a draft.
        redo: replace drafts that nobody has changed; what a person has begun is looked at and left.
        batch_size: pictures for `find` at once.

    Raises:
        ValueError: the folder cannot be used.
    """
    contents = find_pictures(dataset_dir)
    targets, looks = draft_targets(contents), {}
    lost = [one for one in contents.problems if Path(one.file).suffix.lower() in SUFFIXES]
    outcome = Drafted(failures=[(one.file, f"{one.reason}; {one.action}") for one in lost])
    todo = [one for one in targets if not one.saved and (redo or (one.free and not one.drafted))]
    rest = [target for target in targets if target not in todo]
    outcome.labelled = sum(target.saved for target in targets)
    outcome.earlier = len(rest) - outcome.labelled

    def read(target: DraftTarget) -> np.ndarray:
        return read_picture(target.picture, max_pixels=max_pixels)

    def unreadable(target: DraftTarget, error: Exception) -> None:
        outcome.failures.append((target.name, str(error)))

    for some, work in ((rest, lambda images: [ranked(())] * len(images)), (todo, find)):
        pictures = in_batches(some, read, work, batch_size=batch_size, unreadable=unreadable)
        for target, image, found in pictures:
            looks[target.name] = look(image)
            progress("drafting", len(looks) + len(outcome.failures) - len(lost), len(targets))
            if some is rest:  # only how they look is asked for
                continue
            height, width = image.shape[:2]
            picture = Path(target.picture.parent.name, target.picture.name)
            try:
                draft = drafted(target, image, found)
                objects = draft_objects(draft, height, width)
                if write_draft(target.xml, picture, width, height, objects):  # or a person has saved it
                    outcome.drafts += 1
                    outcome.boxes += len(draft)
                    outcome.empty += not len(draft)
            except OSError as error:
                outcome.failures.append((target.name, why(error)))
    seen = [target for target in targets if target.name in looks]
    outcome.useful = {one.name: usefulness(one) for one in seen if not one.saved and one.xml.exists()}
    known = np.array([looks[one.name] for one in seen if one.saved], np.float32)
    names = list(outcome.useful)
    mine = np.array([looks[name] for name in names], np.float32).reshape(len(names), 3 * _GRID**2)
    outcome.order = [names[i] for i in useful_first(list(outcome.useful.values()), mine, known)]
    write_text(dataset_dir / ORDER, "".join(f"{name}\n" for name in outcome.order))
    return outcome


def expected_corrections(detections: Detections) -> float:
    """How many boxes of a draft a person must put right, if scores are the chances of being right.

    A box that is drawn is wrong with the chance 1 - score, one that is left out was right with the chance
    score: of each the smaller counts. So detections with low scores are needed too.
    """
    return float(np.minimum(detections.scores, 1 - detections.scores).sum())


def look(picture: np.ndarray) -> np.ndarray:
    """What uint8 [H, W, 3] looks like from afar: float32 [192] of its colours in an 8 x 8 grid, 0 to 1."""
    import cv2  # no --help waits for it

    small = cv2.resize(picture, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return small.ravel().astype(np.float32) / 255


def useful_first(uncertainty: Sequence[float], looks: np.ndarray, labelled: np.ndarray) -> list[int]:
    """Orders pictures, most useful first.

    Each next picture is the one with the largest product of its uncertainty and its distance from the nearest
    picture that is labelled or comes earlier (farthest-first, Gonzalez 1985): among ten frames of one scene
    the most uncertain comes early, the others late.

    Args:
        uncertainty: one number for each of N pictures, as `expected_corrections`.
        looks: float32 [N, D], from `look`.
        labelled: float32 [M, D], of pictures that a person has labelled; M may be 0.

    Returns:
        a permutation of 0...N-1.
    """
    value = _BASE + np.asarray(uncertainty, np.float64)
    # Until something is labelled, everything is equally far from it.
    distance = np.full(len(looks), np.inf)
    for one in labelled:
        distance = np.minimum(distance, np.linalg.norm(looks - one, axis=1))
    left = np.ones(len(looks), bool)
    order: list[int] = []
    for _ in looks:
        finite = np.where(np.isinf(distance), 1.0, distance)
        # The first of equals, so that the order is the same on every machine.
        best = int(np.argmax(np.where(left, value * finite, -1.0)))
        order.append(best)
        left[best] = False
        distance = np.minimum(distance, np.linalg.norm(looks - looks[best], axis=1))
    return order


def state_of(xml: Path) -> Literal["free", "begun", "saved"]:
    """Whether a draft may be written there: no file yet, or a draft that nobody has changed; or why not."""
    try:
        annotation = voc.read_xml(xml)
    except voc.XmlError:
        return "saved" if xml.exists() else "free"  # whatever it is, it is not ours
    if voc.is_draft(annotation) and annotation.origin in (mark := _mark(annotation.objects), BEGUN):
        return "free" if annotation.origin == mark else "begun"
    return "saved"


def may_write(xml: Path) -> bool:
    """Whether a draft may be written there."""
    return state_of(xml) == "free"


def write_draft(xml: Path, picture: Path, width: int, height: int, objects: Sequence[voc.VocObject]) -> bool:
    """Writes a draft (see `write_annotation`) unless a person's file stands there; says whether it did."""
    with alone_with(xml):
        if free := may_write(xml):
            voc.write_annotation(xml, picture, width, height, objects, verified=False, draft=_mark(objects))
    return free


@contextmanager
def alone_with(xml: Path) -> Iterator[None]:
    """No other program of ours writes there meanwhile: what was read before writing still holds."""
    xml.parent.mkdir(parents=True, exist_ok=True)
    with locked(xml.parent):
        yield


def _mark(objects: Iterable[voc.VocObject | voc.RawObject]) -> str:
    """What says in a draft which objects the program drew."""
    rows = ((item.name, *(item.box or ()), item.difficult, item.truncated) for item in objects)
    lines = ("\t".join("" if value is None else str(value) for value in row) for row in rows)
    return f"{voc.DRAFT} {hashlib.blake2b(chr(10).join(lines).encode(), digest_size=8).hexdigest()}"
