"""Drafts of a data set: where they go, which pictures a person has labelled already, and drawing them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from boxes.detections import Detections
from boxes.pixels import to_pixels
from datasets.folder import find_files
from datasets.pictures import in_batches, read_picture
from datasets.voc import VocObject, may_write, voc_objects, write_draft
from labelling.order import look, useful_first, write_order
from terminal.bars import Progress

# One `Detections` for each of some pictures, uint8 [H, W, 3] RGB.
Finder = Callable[[list[np.ndarray]], list[Detections]]


@dataclass(frozen=True)
class DraftTarget:
    """One picture of a data set.

    Attributes:
        picture: the file.
        name: its path below the folder of pictures, with `/`.
        xml: its annotation: the one that is there, or where LabelImg would put one.
        free: a draft may be written there; False for what a person has saved.
        drafted: a draft is there.
    """

    picture: Path
    name: str
    xml: Path
    free: bool
    drafted: bool


def draft_targets(dataset_dir: Path) -> list[DraftTarget]:
    """Every picture of a folder, in the order of names.

    Raises:
        ValueError: there is no such folder, no picture in it, or two pictures would share an annotation.
    """
    if not dataset_dir.is_dir():
        raise ValueError(f"--dataset_dir {dataset_dir}: there is no such folder")
    annotations = dataset_dir
    if (dataset_dir / "JPEGImages").is_dir():
        annotations = dataset_dir / "Annotations"
        annotations.mkdir(exist_ok=True)  # or the folder would count as a flat one
    contents = find_files(dataset_dir)
    if not contents.files:
        raise ValueError(f"{dataset_dir}: no picture in it; tools.extract_frames takes them out of videos")
    taken: dict[Path, Path] = {}
    targets = []
    for file in contents.files:
        xml = file.xml or annotations / f"{file.path.stem}.xml"
        if xml in taken:
            raise ValueError(
                f"{taken[xml]} and {file.path} would share {xml.name}: LabelImg knows pictures by their file "
                "name only; rename one"
            )
        taken[xml] = file.path
        free = may_write(xml)
        targets.append(DraftTarget(file.path, file.name, xml, free, free and xml.exists()))
    return targets


def save_draft(target: DraftTarget, detections: Detections, height: int, width: int) -> bool:
    """Writes what was found as a draft, unless a person's file stands there meanwhile.

    Args:
        target: of the picture.
        detections: what was found.
        height: of the picture in pixels, upright.
        width: likewise.
    """
    target.xml.parent.mkdir(parents=True, exist_ok=True)
    picture = Path(target.picture.parent.name) / target.picture.name
    return write_draft(target.xml, picture, width, height, draft_objects(detections, height, width))


def draft_objects(detections: Detections, height: int, width: int) -> list[VocObject]:
    """Detections in pixels as LabelImg counts them: what `datasets.voc` reads back as the same fractions.

    Boxes less than one pixel wide or high inside the picture are left out: nobody has seen anything there,
    other than with labels, of which `datasets.voc.voc_objects` loses none.
    """
    inside = np.clip(detections.boxes, 0, 1)
    pixels = to_pixels(inside, height, width)
    sides = pixels[:, 2:] - pixels[:, :2]  # [N, 2]
    seen = np.minimum(sides[:, 0], sides[:, 1]) >= 1
    return voc_objects(inside[seen], detections.where(seen).names, width, height)


@dataclass
class Drafted:
    """What was done with a data set.

    Attributes:
        drafts: written.
        boxes: in them.
        empty: drafts without a box.
        labelled: pictures passed over because a person has saved their annotation.
        earlier: pictures passed over because they have a draft.
        failures: (name, reason) of pictures that could not be read.
        useful: how useful labelling is, by the name of each picture to be labelled.
        order: their names, most useful first.
    """

    drafts: int = 0
    boxes: int = 0
    empty: int = 0
    labelled: int = 0
    earlier: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    useful: dict[str, float] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)


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
        dataset_dir: the data set.
        find: what is found in pictures.
        drafted: what of that belongs into the draft of a picture.
        usefulness: of labelling a picture that has a draft.
        redo: replace drafts that nobody has changed.
        batch_size: pictures for `find` at once.
        max_pixels: refuse pictures with more.
        progress: told of every picture.

    Raises:
        ValueError: the folder cannot be used.
    """
    outcome, looks = Drafted(), {}
    targets = draft_targets(dataset_dir)
    todo = [target for target in targets if target.free and (redo or not target.drafted)]
    rest = [target for target in targets if target not in todo]
    outcome.labelled = sum(not target.free for target in targets)
    outcome.earlier = len(rest) - outcome.labelled

    def looked_at(
        some: Sequence[DraftTarget], work: Finder
    ) -> Iterator[tuple[DraftTarget, np.ndarray, Detections]]:
        for target, image, found in in_batches(
            some,
            lambda target: read_picture(target.picture, max_pixels=max_pixels),
            work,
            batch_size=batch_size,
            unreadable=lambda target, reason: outcome.failures.append((target.name, reason)),
        ):
            looks[target.name] = look(image)
            yield target, image, found
            progress("drafting", len(looks) + len(outcome.failures), len(targets))

    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())
    for _ in looked_at(rest, lambda images: [nothing] * len(images)):
        pass  # only how they look is asked for
    for target, image, found in looked_at(todo, find):
        draft = drafted(target, image, found)
        if save_draft(target, draft, *image.shape[:2]):
            outcome.drafts += 1
            outcome.boxes += len(draft)
            outcome.empty += not len(draft)
    seen = [target for target in targets if target.name in looks]
    outcome.useful = {one.name: usefulness(one) for one in seen if one.free and one.xml.exists()}
    known = np.array([looks[one.name] for one in seen if not one.free], np.float32)
    names = list(outcome.useful)
    mine = np.array([looks[name] for name in names], np.float32)
    outcome.order = [names[i] for i in useful_first(list(outcome.useful.values()), mine, known)]
    write_order(dataset_dir, outcome.order)
    return outcome
