"""Reports on a folder of labelled pictures: statistics, near-duplicates, suspicious labels.

Suspicious are those that a trained detector strongly disagrees with. It may be the one who is wrong; and one
that was trained on these very labels has learnt many of their mistakes too, and finds only some. One trained
on other pictures finds more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from boxes.detections import Detections
from boxes.geometry import crop_around, iou, to_pixels
from datasets.annotations import Annotation, counts_of, set_statistics, sets_of
from datasets.look_alikes import near_duplicates, perceptual_hash
from datasets.pictures import PictureError, in_batches, read_picture, save_picture
from files.parallel import map_in_threads
from files.telling import write_table
from files.writing import write_bytes
from terminal.bars import Progress
from visualization.dataset_figure import plot_dataset
from visualization.drawing import contact_sheet, draw_boxes, scale_to
from visualization.figures import picture_of

if TYPE_CHECKING:  # importing it would start Keras
    from nets.detector import Detector

MOST_TILES = 60  # more on one sheet could not be looked at
_TILE = 320  # pixels
_BATCH = 8
LOWEST_SCORE = 0.05  # detections below say nothing
_SURE = 0.8  # score from which on the detector is sure of what it says
_DOUBTFUL = 0.2  # score below which it does not believe in a name at all
_SAME = 0.4  # overlap from which on a detection and a label mean the same face
_APART = 0.3  # overlap up to which a detection is of nobody who is labelled

Kind = Literal["wrong name?", "nobody there?", "not labelled?"]


def write_alike(
    output_dir: Path, annotations: Sequence[Annotation], splits: Mapping[str, str], progress: Progress
) -> int:
    """near_duplicates.csv, and near_duplicates.jpg with the first pairs side by side; gives their number.

    They are pictures of different splits that look nearly the same; pictures of no split do not count.
    """
    chosen = [one for one in annotations if one.stem in splits]
    hashes = []
    for one in map_in_threads(lambda one: perceptual_hash(_picture_of(one)), chosen):
        hashes.append(one)
        progress("comparing", len(hashes), len(chosen))
    pairs = [
        [(chosen[i], splits[chosen[i].stem]) for i in pair]
        for pair in near_duplicates(np.array(hashes, np.uint64)).tolist()
    ]
    pairs = [pair for pair in pairs if pair[0][1] != pair[1][1]]
    rows = [[cell for one, split in pair for cell in (one.name, split)] for pair in pairs]
    write_table(output_dir / "near_duplicates.csv", ("picture", "split", "like", "its_split"), rows)
    shown = [one for pair in pairs[: MOST_TILES // 2] for one in pair]
    tiles = [scale_to(_picture_of(one), _TILE) for one, _ in shown]
    captions = [f"{split}: {Path(one.name).name}" for one, split in shown]
    _write_sheet(output_dir / "near_duplicates.jpg", tiles, captions)
    return len(pairs)


def write_statistics(
    output_dir: Path, annotations: Sequence[Annotation], splits: Mapping[str, str]
) -> dict[str, dict]:
    """dataset.png and names.csv; gives the numbers of `set_statistics` by split."""
    nowhere = dict.fromkeys((one.stem for one in annotations), "in no split")
    sets = sets_of(annotations, {**nowhere, **splits})
    numbers = {name: set_statistics(some) for name, some in sets.items()}
    figure = plot_dataset(
        *counts_of(numbers),
        np.concatenate([np.zeros((0, 4), np.float32), *(one.boxes for one in annotations)]),
    )
    write_bytes(output_dir / "dataset.png", picture_of(figure, dots_per_inch=120))
    columns = ("boxes", "pictures", "difficult", "median_width", "median_height")
    rows = [
        (split, name, *(one[key] for key in columns))
        for split, part in numbers.items()
        for name, one in part["names"].items()
    ]
    write_table(output_dir / "names.csv", ("split", "name", *columns), rows)
    return numbers


def write_suspicions(
    output_dir: Path, annotations: Sequence[Annotation], detector: "Detector", progress: Progress
) -> Counter[str]:
    """suspicious.csv, strongest disagreement first, and suspicious.jpg with the first; gives counts by kind.

    A detector that does not see many of the faces says little by not seeing one more: "nobody there?" counts
    less by the share of labels that it does not see.
    """

    def unreadable(one: Annotation, error: PictureError) -> None:
        raise ValueError(f"{one.path}: {error}")  # it was readable a moment ago

    find = partial(detector.detect_batch, score_threshold=LOWEST_SCORE, all_names=True)
    looked_at = in_batches(annotations, _picture_of, find, batch_size=_BATCH, unreadable=unreadable)
    found = []
    for done, (one, _, detections) in enumerate(looked_at, start=1):
        found += [(one, suspicion) for suspicion in find_suspicions(one, detections, detector.labels)]
        progress("looking", done, len(annotations))
    kinds = Counter(suspicion.kind for _, suspicion in found)
    seen = 1 - kinds["nobody there?"] / max(1, sum(len(one.names) for one in annotations))
    weighed = [
        (one, what, what.strength * (seen if what.kind == "nobody there?" else 1)) for one, what in found
    ]
    weighed.sort(key=lambda one: -one[2])
    rows, tiles, captions = [], [], []
    for number, (one, what, strength) in enumerate(weighed):
        corners = [f"{side:.0f}" for side in to_pixels(what.box, one.height, one.width)]
        rows.append((one.name, what.kind, what.name, what.suggestion, f"{strength:.3f}", *corners))
        if number < MOST_TILES:
            crop, box = crop_around(_picture_of(one), what.box, 0.6)
            tiles.append(draw_boxes(scale_to(crop, _TILE), box[None], [what.name or f"{what.suggestion}?"]))
            said = f"{what.suggestion}?" if what.kind == "wrong name?" else what.kind
            captions.append(f"{said} · {Path(one.name).stem}")
    headings = ("picture", "suspicion", "name", "suggestion", "strength", "xmin", "ymin", "xmax", "ymax")
    write_table(output_dir / "suspicious.csv", headings, rows)
    _write_sheet(output_dir / "suspicious.jpg", tiles, captions)
    return kinds


@dataclass(frozen=True, eq=False)
class Suspicion:
    """One label, or missing label."""

    kind: Kind  # what is suspected
    box: np.ndarray  # float32 [4], of the label; where none is, of the detection
    name: str  # on the label; empty where none is
    suggestion: str  # what the detector says; empty where it sees nobody
    strength: float  # 0...1: how much the detector disagrees


def find_suspicions(annotation: Annotation, detections: Detections, labels: Sequence[str]) -> list[Suspicion]:
    """Compares one picture's labels with what a detector finds, the strongest disagreement first.

    Its detections go down to `LOWEST_SCORE`. `labels` are the names that it knows; of others it can only say
    that nobody is there.
    """
    overlap = iou(detections.boxes, annotation.boxes)  # [N, G]
    found: list[Suspicion] = []
    names = np.array(detections.names, object)
    for g, name in enumerate(annotation.names):
        on_it = overlap[:, g] >= _SAME
        scores = np.where(on_it, detections.scores, 0.0)
        own = float(scores[names == name].max(initial=0.0))
        best = int(scores.argmax()) if len(scores) else -1
        highest = float(scores[best]) if best >= 0 else 0.0
        box = annotation.boxes[g]
        if highest < _DOUBTFUL:
            # A difficult object is one of which a person says that it can hardly be seen.
            if not annotation.difficult[g]:
                found.append(Suspicion("nobody there?", box, name, "", 1 - highest))
        elif name in labels and highest >= _SURE and own < _DOUBTFUL and detections.names[best] != name:
            found.append(Suspicion("wrong name?", box, name, detections.names[best], highest - own))
    for n, score in enumerate(detections.scores):
        if score < _SURE or (overlap[n] > _APART).any():
            continue
        # Several names on one face are one finding.
        if not any(one.kind == "not labelled?" and _same(one.box, detections.boxes[n]) for one in found):
            box, name = detections.boxes[n], detections.names[n]
            found.append(Suspicion("not labelled?", box, "", name, float(score)))
    return sorted(found, key=lambda one: -one.strength)


def _same(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes lie on one another: each has its middle in the other."""
    middle, others = (box[:2] + box[2:]) / 2, (other[:2] + other[2:]) / 2
    in_other = (other[:2] < middle) & (middle < other[2:])
    return bool((in_other & (box[:2] < others) & (others < box[2:])).all())


def _picture_of(annotation: Annotation) -> np.ndarray:
    return read_picture(annotation.path, turn=annotation.turned)


def _write_sheet(path: Path, tiles: Sequence[np.ndarray], captions: Sequence[str]) -> None:
    """A sheet of tiles; without any, the one of an earlier run goes, which would be wrong."""
    if not tiles:
        return path.unlink(missing_ok=True)
    columns = min(6, len(tiles) + len(tiles) % 2)
    save_picture(path, contact_sheet(tiles, columns=columns, cell=_TILE, captions=captions))
