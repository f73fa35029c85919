"""Where the drafts of a data set go, and which of its pictures a person has labelled already."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from boxes.detections import Detections
from boxes.pixels import to_pixels
from datasets.folder import find_files
from datasets.voc import VocObject, XmlError, may_write, read_xml, voc_objects, write_draft


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
    contents = find_files(dataset_dir, _filename_of)
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


def _filename_of(xml: Path) -> str | None:
    try:
        return read_xml(xml).filename
    except XmlError:
        return None


Finder = Callable[[list[np.ndarray]], list[Detections]]
