"""Anchors moved to where the labels are: k-means by overlap instead of distance, on the network's own grid.

After Redmon and Farhadi 2017 (YOLO9000, section 2), but boxes and anchors keep their places in the picture:
moved to a common centre, as there, the anchors of coarse maps shrink to shapes that lie between the centres
of their cells and meet nothing. It starts from the network's own anchors and gives each one's successor its
place, so that weights trained for the old ones have the least to learn anew.
"""

from collections.abc import Sequence

import numpy as np

from boxes.anchors import AnchorLayer, make_anchors, shapes_of, with_shapes
from boxes.geometry import iou

# A cluster of fewer boxes than this says little about the next picture's: its anchor stays.
LEAST_BOXES = 10
ROUNDS = 50  # it stops by itself after a few
_BOXES_AT_ONCE = 256  # against all anchors: 2 to 25 million overlaps


def fit_anchors(layers: Sequence[AnchorLayer], boxes: np.ndarray) -> tuple[AnchorLayer, ...]:
    """The same grid with other shapes: those that overlap better with the boxes of some data.

    Of boxes as the network sees them, corners [N, 4], as many layers, cells and anchors as before, in the
    same order; `layers` if nothing is better.
    """
    best, fitted = tuple(layers), tuple(layers)
    sizes = boxes[:, 2:] - boxes[:, :2]  # [N, 2]
    boxes, sizes = boxes[(sizes > 0).all(axis=1)], sizes[(sizes > 0).all(axis=1)]
    reached = -1.0
    for _ in range(ROUNDS):
        overlaps, nearest = best_anchors(fitted, boxes)
        if len(boxes) == 0 or overlaps.mean() <= reached + 1e-4:
            break
        best, reached = fitted, overlaps.mean()
        shapes = np.array(shapes_of(fitted))  # [K, 2]
        for k in np.flatnonzero(np.bincount(nearest, minlength=len(shapes)) >= LEAST_BOXES):
            shapes[k] = np.median(sizes[nearest == k], axis=0)  # better here than the mean
        fitted = with_shapes(layers, shapes.tolist())
    return best


def best_anchors(layers: Sequence[AnchorLayer], boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The anchor that overlaps best with each box, corners [N, 4].

    Returns:
        IoU, float32 [N], and which of the shapes of `shapes_of` it has, int [N].
    """
    anchors = make_anchors(layers)
    ends = np.cumsum([len(layer.shapes) for layer in layers])
    kinds = zip(layers, np.split(np.arange(ends[-1]), ends[:-1]), strict=True)
    shape = [np.tile(numbers, layer.rows * layer.columns) for layer, numbers in kinds]
    overlaps, nearest = [], []
    for part in np.split(boxes.astype(np.float32), range(_BOXES_AT_ONCE, len(boxes), _BOXES_AT_ONCE)):
        found = iou(part, anchors)  # [n, A]
        overlaps.append(found.max(axis=1, initial=0.0))
        nearest.append(found.argmax(axis=1))
    return np.concatenate(overlaps), np.concatenate(shape)[np.concatenate(nearest)]
