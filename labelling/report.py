"""Reports on a folder of labelled pictures: problems, statistics, near-duplicates, suspicious labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets.annotations import Annotation, set_statistics, sets_of
from datasets.look_alikes import near_duplicates, perceptual_hash
from datasets.pictures import in_batches, read_picture, save_picture
from datasets.splits import Assignment, coverage_notes
from files.threads import map_in_threads
from files.writing import write_bytes, write_table
from preprocessing.crops import crop_around
from terminal.bars import Progress
from visualization.dataset_figure import plot_dataset
from visualization.drawing import draw_boxes
from visualization.figures import picture_of
from visualization.sheets import contact_sheet, scale_to

if TYPE_CHECKING:  # importing it would start Keras
    from nets.detector import Detects

MOST_TILES = 60  # more on one sheet could not be looked at
_TILE = 320  # pixels
_BATCH = 8


@dataclass(frozen=True)
class AlikePair:
    """Two pictures of different splits that look nearly the same."""

    picture: Annotation
    split: str
    other: Annotation
    other_split: str


def find_alike(
    annotations: Sequence[Annotation], splits: Mapping[str, str], progress: Progress
) -> list[AlikePair]:
    """Near-duplicates that stand in different splits; pictures without a split do not count."""
    chosen = [one for one in annotations if one.stem in splits]

    def hash_of(annotation: Annotation) -> np.uint64:
        return perceptual_hash(read_picture(annotation.path, turn=annotation.turned))

    hashes = []
    for one in map_in_threads(hash_of, chosen):
        hashes.append(one)
        progress("comparing", len(hashes), len(chosen))
    pairs = []
    for a, b in near_duplicates(np.array(hashes, np.uint64)).tolist():
        first, second = splits[chosen[a].stem], splits[chosen[b].stem]
        if first != second:
            pairs.append(AlikePair(chosen[a], first, chosen[b], second))
    return pairs


def write_alike(output_dir: Path, pairs: Sequence[AlikePair]) -> None:
    """near_duplicates.csv and, where there are any, near_duplicates.jpg with pairs side by side."""
    rows = [(one.picture.name, one.split, one.other.name, one.other_split) for one in pairs]
    write_table(output_dir / "near_duplicates.csv", ("picture", "split", "like", "its_split"), rows)
    tiles, captions = [], []
    for one in pairs[: MOST_TILES // 2]:
        for annotation, split in ((one.picture, one.split), (one.other, one.other_split)):
            tiles.append(scale_to(read_picture(annotation.path, turn=annotation.turned), _TILE))
            captions.append(f"{split}: {Path(annotation.name).name}")
    _write_sheet(output_dir / "near_duplicates.jpg", tiles, captions)


def write_statistics(
    output_dir: Path, annotations: Sequence[Annotation], splits: Mapping[str, str]
) -> dict[str, dict]:
    """dataset.png and names.csv; gives the numbers of `set_statistics` by split."""
    nowhere = dict.fromkeys((one.stem for one in annotations), "in no split")
    sets = sets_of(annotations, {**nowhere, **splits})
    numbers = {name: set_statistics(some) for name, some in sets.items()}
    boxes = [one.boxes for one in annotations]
    figure = plot_dataset(
        {
            split: {name: one["boxes"] for name, one in part["names"].items()}
            for split, part in numbers.items()
        },
        {split: part["pictures"] for split, part in numbers.items()},
        np.concatenate(boxes) if boxes else np.zeros((0, 4), np.float32),
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
    output_dir: Path, annotations: Sequence[Annotation], detector: Detects, progress: Progress
) -> dict[str, int]:
    """suspicious.csv, strongest disagreement first, and suspicious.jpg with the first of them.

    A detector that does not see many of the faces says little by not seeing one more: "nobody there?" counts
    less by the share of labels that it does not see.

    Returns:
        How many there are of each kind.
    """
    from labelling.suspicions import LOWEST_SCORE, find_suspicions

    found = []

    def unreadable(one: Annotation, reason: str) -> None:
        raise ValueError(f"{one.path}: {reason}")  # it was readable a moment ago

    looked_at = in_batches(
        annotations,
        lambda one: read_picture(one.path, turn=one.turned),
        partial(detector.detect_batch, score_threshold=LOWEST_SCORE, all_names=True),
        batch_size=_BATCH,
        unreadable=unreadable,
    )
    for done, (one, _, detections) in enumerate(looked_at, start=1):
        found += [(one, suspicion) for suspicion in find_suspicions(one, detections, detector.labels)]
        progress("looking", done, len(annotations))
    boxes = sum(len(one.names) for one in annotations)
    unseen = sum(suspicion.kind == "nobody there?" for _, suspicion in found) / max(1, boxes)
    found = [
        (one, replace(suspicion, strength=suspicion.strength * (1 - unseen)))
        if suspicion.kind == "nobody there?"
        else (one, suspicion)
        for one, suspicion in found
    ]
    found.sort(key=lambda pair: -pair[1].strength)
    rows, tiles, captions = [], [], []
    for one, suspicion in found:
        ymin, xmin, ymax, xmax = suspicion.box * (one.height, one.width, one.height, one.width)
        said = (suspicion.kind, suspicion.name, suspicion.suggestion, f"{suspicion.strength:.3f}")
        rows.append((one.name, *said, *(f"{value:.0f}" for value in (xmin, ymin, xmax, ymax))))
    for one, suspicion in found[:MOST_TILES]:
        image = read_picture(one.path, turn=one.turned)
        crop, box = crop_around(image, suspicion.box, 0.6)
        shown = suspicion.name or f"{suspicion.suggestion}?"
        tiles.append(draw_boxes(scale_to(crop, _TILE), box[None], [shown]))
        said = f"{suspicion.suggestion}?" if suspicion.kind == "wrong name?" else suspicion.kind
        captions.append(f"{said} · {Path(one.name).stem}")
    headings = ("picture", "suspicion", "name", "suggestion", "strength", "xmin", "ymin", "xmax", "ymax")
    write_table(output_dir / "suspicious.csv", headings, rows)
    _write_sheet(output_dir / "suspicious.jpg", tiles, captions)
    return dict(Counter(suspicion.kind for _, suspicion in found))


def _write_sheet(path: Path, tiles: Sequence[np.ndarray], captions: Sequence[str]) -> None:
    """A sheet of tiles; without any, the one of an earlier run goes, which would be wrong."""
    if tiles:
        save_picture(
            path,
            contact_sheet(tiles, columns=min(6, len(tiles) + len(tiles) % 2), cell=_TILE, captions=captions),
        )
    else:
        path.unlink(missing_ok=True)


def notes_of(numbers: Mapping[str, dict], assignment: Assignment) -> Iterator[str]:
    """What a person should know beside the tables."""
    yield from assignment.notes
    yield from coverage_notes(numbers, assignment.by)
