"""Areas, overlaps and the two ways to write a box, on any Keras backend."""

import math

from keras import ops

_EPSILON = 1e-9  # of an area or a squared length, as fractions of the picture: keeps divisions finite


def area(boxes):
    """Area of each box as a fraction of the picture: [..., 4] -> [...]; an inverted box has area 0."""
    ymin, xmin, ymax, xmax = ops.unstack(boxes, 4, axis=-1)
    return ops.maximum(ymax - ymin, 0.0) * ops.maximum(xmax - xmin, 0.0)


def intersection(boxes, others):
    """Area that each box shares with each of the others.

    Args:
        boxes: [..., N, 4].
        others: [..., M, 4].

    Returns:
        [..., N, M], a fraction of the picture.
    """
    boxes = ops.expand_dims(boxes, -2)  # [..., N, 1, 4]
    others = ops.expand_dims(others, -3)  # [..., 1, M, 4]
    top_left = ops.maximum(boxes[..., :2], others[..., :2])
    bottom_right = ops.minimum(boxes[..., 2:], others[..., 2:])
    height_width = ops.maximum(bottom_right - top_left, 0.0)  # [..., N, M, 2]
    return height_width[..., 0] * height_width[..., 1]


def iou(boxes, others):
    """Intersection over union (Jaccard overlap) of each box with each of the others.

    Args:
        boxes: [..., N, 4].
        others: [..., M, 4].

    Returns:
        [..., N, M] in 0...1; 0 where both boxes are empty.
    """
    boxes = ops.convert_to_tensor(boxes)
    others = ops.convert_to_tensor(others)
    shared = intersection(boxes, others)
    union = ops.expand_dims(area(boxes), -1) + ops.expand_dims(area(others), -2) - shared
    return ops.where(union > 0.0, shared / ops.where(union > 0.0, union, 1.0), 0.0)


def generalized_iou(boxes, others):
    """Generalised IoU of pairs (Rezatofighi et al. 2019): tells apart boxes that do not touch.

    Args:
        boxes: [..., 4].
        others: [..., 4], broadcast against `boxes`.

    Returns:
        [...] in -1...1: IoU, less the share of the smallest enclosing box that neither covers.
    """
    overlap, union, enclosing = _paired(boxes, others)
    around = enclosing[..., 0] * enclosing[..., 1]
    return overlap - (around - union) / (around + _EPSILON)


def complete_iou(boxes, others):
    """Complete IoU of pairs (Zheng et al. 2020, "Distance-IoU Loss", section 4): also centre and shape.

    Args:
        boxes: [..., 4], as predicted.
        others: [..., 4], as they should be; broadcast against `boxes`.

    Returns:
        [...], at most 1: IoU, less the squared distance of the centres over the squared diagonal of the
        smallest enclosing box, less a penalty for another ratio of width to height.
    """
    overlap, _, enclosing = _paired(boxes, others)
    box, other = corners_to_centers(boxes), corners_to_centers(others)
    distance = ops.sum(ops.square(box[..., :2] - other[..., :2]), axis=-1)
    diagonal = ops.sum(ops.square(enclosing), axis=-1)
    angle, other_angle = (ops.arctan(one[..., 3] / (one[..., 2] + _EPSILON)) for one in (box, other))
    shape = (4.0 / math.pi**2) * ops.square(angle - other_angle)
    weight = ops.stop_gradient(shape / (ops.maximum(1.0 - overlap, 0.0) + shape + _EPSILON))
    return overlap - distance / (diagonal + _EPSILON) - weight * shape


def _paired(boxes, others):
    """IoU and union of pairs [...], height and width of what encloses them [..., 2]."""
    boxes, others = ops.convert_to_tensor(boxes), ops.convert_to_tensor(others)
    inside = ops.minimum(boxes[..., 2:], others[..., 2:]) - ops.maximum(boxes[..., :2], others[..., :2])
    inside = ops.maximum(inside, 0.0)
    shared = inside[..., 0] * inside[..., 1]
    union = area(boxes) + area(others) - shared
    enclosing = ops.maximum(boxes[..., 2:], others[..., 2:]) - ops.minimum(boxes[..., :2], others[..., :2])
    return shared / (union + _EPSILON), union, enclosing


def clip(boxes):
    """Boxes cut at the border of the picture: [..., 4] -> [..., 4] within 0...1."""
    return ops.clip(boxes, 0.0, 1.0)


def corners_to_centers(boxes):
    """(ymin, xmin, ymax, xmax) -> (cy, cx, height, width): [..., 4] -> [..., 4]."""
    ymin, xmin, ymax, xmax = ops.unstack(boxes, 4, axis=-1)
    return ops.stack([(ymin + ymax) / 2.0, (xmin + xmax) / 2.0, ymax - ymin, xmax - xmin], axis=-1)


def centers_to_corners(boxes):
    """(cy, cx, height, width) -> (ymin, xmin, ymax, xmax), the inverse of `corners_to_centers`."""
    cy, cx, height, width = ops.unstack(boxes, 4, axis=-1)
    return ops.stack([cy - height / 2.0, cx - width / 2.0, cy + height / 2.0, cx + width / 2.0], axis=-1)
