"""Numbers about sets of annotations, for dataset.json and for the notes on screen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from datasets.annotations import Annotation
from datasets.splits import source_of

# Fewer boxes than this of one name in training is called few: published results on small sets start there.
FEW_BOXES = 20


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


def coverage_notes(statistics: Mapping[str, Mapping[str, Any]], by: str) -> list[str]:
    """Says which names cannot be learnt or judged well from these sets.

    Args:
        statistics: `set_statistics` by split; says nothing where there is no "train".
        by: how the splits were made, see `datasets.splits.Assignment`.
    """
    if "train" not in statistics:
        return []
    notes = []
    trained = statistics["train"]["names"]
    for split, one in statistics.items():
        untaught = [name for name in one["names"] if name not in trained]
        if untaught:
            cure = (
                " If file names begin with the character's, use --split_by picture." if by == "source" else ""
            )
            names = ", ".join(untaught)
            notes.append(f"{split} has names that train has not, so they will never be found: {names}.{cure}")
    few = [f"{name} ({one['boxes']})" for name, one in trained.items() if one["boxes"] < FEW_BOXES]
    if few:
        notes.append(
            f"Fewer than {FEW_BOXES} boxes to train on: {', '.join(few)}. More of them help most; until then "
            "--repeat_factor=0.3 of the training shows them more often."
        )
    for split in ("validation", "test"):
        unjudged = [name for name in trained if name not in statistics.get(split, {}).get("names", {})]
        if split in statistics and unjudged:
            notes.append(
                f"{split} has no box of: {', '.join(unjudged)}; nothing will be known of them there."
            )
    return notes
