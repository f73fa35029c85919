"""The boxes of TFRecords without their pictures, for statistics."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

_SIDES = ("ymin", "xmin", "ymax", "xmax")


def read_boxes(files: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """All boxes of a set.

    Args:
        files: its records.

    Returns:
        float32 [N, 4] corners and int32 [N] class ids.
    """
    boxes, classes = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.int32)]
    for file in files:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature  # pyright: ignore[reportArgumentType]
            sides = [feature[f"image/object/bbox/{side}"].float_list.value for side in _SIDES]
            boxes.append(np.array(sides, np.float32).reshape(4, -1).T)
            classes.append(np.array(feature["image/object/bbox/label"].int64_list.value, np.int32))
    return np.concatenate(boxes), np.concatenate(classes)
