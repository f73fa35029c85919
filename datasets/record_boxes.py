"""The boxes of TFRecords without their pictures."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from datasets.records import SIDES, examples


def has_countable_box(files: Sequence[Path], most: int | None = None) -> bool:
    """Whether some box of a set counts when a detector is measured: one that is not marked difficult.

    Args:
        files: its records.
        most: look at the first so many pictures only.

    Raises:
        ValueError: a file is damaged or cut short; names it.
    """
    for _, example in islice(examples(files), most):
        feature = example.features.feature
        boxes = len(feature["image/object/bbox/label"].int64_list.value)
        if sum(feature["image/object/bbox/difficult"].int64_list.value) < boxes:
            return True
    return False


def read_boxes(files: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """All boxes of a set.

    Args:
        files: its records.

    Returns:
        float32 [N, 4] corners and int32 [N] class ids.

    Raises:
        ValueError: a file is damaged or cut short; names it.
    """
    boxes, classes = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.int32)]
    for _, example in examples(files):
        feature = example.features.feature
        sides = [feature[f"image/object/bbox/{side}"].float_list.value for side in SIDES]
        boxes.append(np.array(sides, np.float32).reshape(4, -1).T)
        classes.append(np.array(feature["image/object/bbox/label"].int64_list.value, np.int32))
    return np.concatenate(boxes), np.concatenate(classes)
