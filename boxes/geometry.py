"""Areas, overlaps, what belongs together, what is in a box, and ways to write one: in pixels, as a code.

NumPy's arrays give NumPy's arrays, at once; tensors give Keras' tensors, in a graph too.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

# Offsets are divided by these, in the order (cx, cy, w, h) of the codes: the "variances" of the Caffe SSD
# (`prior_variance: 0.1 0.1 0.2 0.2`), which bring all four to about unit size.
SCALES = (0.1, 0.1, 0.2, 0.2)


def _ops_of(*arrays) -> Any:
    """What computes with them: NumPy, or Keras' operations, which take seconds to start."""
    if all(isinstance(one, np.ndarray) for one in arrays):
        return np
    from keras import ops

    return ops


def _parts(boxes):
    """The four numbers of each box: [..., 4] -> four of [...]."""
    return (boxes[..., i] for i in range(4))


def area(boxes):
    """Area of each box as a fraction of the picture: [..., 4] -> [...]; an inverted box has area 0."""
    ops, (ymin, xmin, ymax, xmax) = _ops_of(boxes), _parts(boxes)
    return ops.maximum(ymax - ymin, 0.0) * ops.maximum(xmax - xmin, 0.0)


def intersection(boxes, others):
    """Area that each box shares with each of the others: [..., N, 4], [..., M, 4] -> [..., N, M]."""
    ops = _ops_of(boxes, others)
    ymin, xmin, ymax, xmax = _parts(ops.expand_dims(boxes, -2))  # [..., N, 1]
    tops, lefts, bottoms, rights = _parts(ops.expand_dims(others, -3))  # [..., 1, M]
    heights = ops.maximum(ops.minimum(ymax, bottoms) - ops.maximum(ymin, tops), 0.0)
    widths = ops.maximum(ops.minimum(xmax, rights) - ops.maximum(xmin, lefts), 0.0)
    return heights * widths


def iou(boxes, others):
    """Intersection over union (Jaccard overlap) of each box with each of the others.

    [..., N, 4], [..., M, 4] -> [..., N, M] in 0...1; 0 where both boxes are empty.
    """
    ops, shared = _ops_of(boxes, others), intersection(boxes, others)
    union = ops.expand_dims(area(boxes), -1) + ops.expand_dims(area(others), -2) - shared
    return ops.where(union > 0.0, shared / ops.where(union > 0.0, union, 1.0), 0.0)


def clip(boxes):
    """Boxes cut at the border of the picture: [..., 4] -> [..., 4] within 0...1."""
    return _ops_of(boxes).clip(boxes, 0.0, 1.0)


def corners_to_centers(boxes):
    """(ymin, xmin, ymax, xmax) -> (cy, cx, height, width): [..., 4] -> [..., 4]."""
    ymin, xmin, ymax, xmax = _parts(boxes)
    return _ops_of(boxes).stack([(ymin + ymax) / 2.0, (xmin + xmax) / 2.0, ymax - ymin, xmax - xmin], axis=-1)


def centers_to_corners(boxes):
    """(cy, cx, height, width) -> (ymin, xmin, ymax, xmax), the inverse of `corners_to_centers`."""
    cy, cx, height, width = _parts(boxes)
    corners = [cy - height / 2.0, cx - width / 2.0, cy + height / 2.0, cx + width / 2.0]
    return _ops_of(boxes).stack(corners, axis=-1)


def encode(boxes, anchors):
    """Boxes as codes relative to their anchors (paper, equation 2).

    Corners [..., A, 4], one box for each anchor [A, 4], with height and width above 0 -> [..., A, 4] offsets
    (cx, cy, w, h), divided by SCALES.
    """
    ops, (cy, cx, height, width) = _ops_of(boxes, anchors), _parts(corners_to_centers(boxes))
    anchor_cy, anchor_cx, anchor_height, anchor_width = _parts(corners_to_centers(anchors))
    code_cx = (cx - anchor_cx) / anchor_width / SCALES[0]
    code_cy = (cy - anchor_cy) / anchor_height / SCALES[1]
    code_w = ops.log(width / anchor_width) / SCALES[2]
    code_h = ops.log(height / anchor_height) / SCALES[3]
    return ops.stack([code_cx, code_cy, code_w, code_h], axis=-1)


def decode(codes, anchors):
    """Codes as boxes, not clipped; undoes `encode`: [..., A, 4], [A, 4] -> [..., A, 4] corners."""
    ops, (code_cx, code_cy, code_w, code_h) = _ops_of(codes, anchors), _parts(codes)
    anchor_cy, anchor_cx, anchor_height, anchor_width = _parts(corners_to_centers(anchors))
    cy = anchor_cy + code_cy * SCALES[1] * anchor_height
    cx = anchor_cx + code_cx * SCALES[0] * anchor_width
    height = anchor_height * ops.exp(code_h * SCALES[3])
    width = anchor_width * ops.exp(code_w * SCALES[2])
    return centers_to_corners(ops.stack([cy, cx, height, width], axis=-1))


def best_pairs(scores: np.ndarray) -> Iterator[tuple[int, int]]:
    """Rows and columns that belong together, the best pair first; none twice.

    float [A, B], how well each two fit; 0 where they do not.
    """
    scores = np.array(scores)
    while scores.any():
        row, column = np.unravel_index(scores.argmax(), scores.shape)
        yield int(row), int(column)
        scores[row], scores[:, column] = 0.0, 0.0


def to_pixels(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """(ymin, xmin, ymax, xmax) as fractions -> (xmin, ymin, xmax, ymax) in pixels of a picture so large.

    float64 [..., 4], neither rounded nor clipped; the inverse is `from_pixels`.
    """
    return np.asarray(boxes, np.float64)[..., [1, 0, 3, 2]] * (width, height, width, height)


def from_pixels(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """(xmin, ymin, xmax, ymax) in pixels -> (ymin, xmin, ymax, xmax) as fractions: float64 [..., 4]."""
    return np.asarray(pixels, np.float64)[..., [1, 0, 3, 2]] / (height, width, height, width)


def crop_around(image: np.ndarray, box: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """What is in a box and around it.

    Args:
        image: uint8 [H, W, 3].
        box: [4] corners as fractions of the picture.
        margin: added on every side, as a share of the box's longer side in pixels.

    Returns:
        The crop, uint8 [h, w, 3] of at least one pixel, and the box as fractions of it, float32 [4].
    """
    size = np.array(image.shape[:2])
    pixels = np.clip(np.asarray(box, np.float64), 0, 1) * np.tile(size, 2)
    more = margin * max(pixels[2] - pixels[0], pixels[3] - pixels[1])
    top, left = start = np.clip(np.floor(pixels[:2] - more).astype(int), 0, size - 1)
    bottom, right = end = np.clip(np.ceil(pixels[2:] + more).astype(int), start + 1, size)
    crop = np.ascontiguousarray(image[top:bottom, left:right])
    inside = (pixels - np.tile(start, 2)) / np.tile(end - start, 2)
    return crop, np.clip(inside, 0, 1).astype(np.float32)
