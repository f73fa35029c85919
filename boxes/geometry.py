"""Areas, overlaps and the two ways to write a box, on any Keras backend."""

from keras import ops


def area(boxes):
    """Area of each box as a fraction of the picture: [..., 4] -> [...]; an inverted box has area 0."""
    ymin, xmin, ymax, xmax = ops.unstack(boxes, 4, axis=-1)
    return ops.maximum(ymax - ymin, 0.0) * ops.maximum(xmax - xmin, 0.0)


def intersection(boxes, others):
    """Area that each box shares with each of the others: [..., N, 4], [..., M, 4] -> [..., N, M]."""
    boxes = ops.expand_dims(boxes, -2)  # [..., N, 1, 4]
    others = ops.expand_dims(others, -3)  # [..., 1, M, 4]
    top_left = ops.maximum(boxes[..., :2], others[..., :2])
    bottom_right = ops.minimum(boxes[..., 2:], others[..., 2:])
    height_width = ops.maximum(bottom_right - top_left, 0.0)  # [..., N, M, 2]
    return height_width[..., 0] * height_width[..., 1]


def iou(boxes, others):
    """Intersection over union (Jaccard overlap) of each box with each of the others.

    [..., N, 4], [..., M, 4] -> [..., N, M] in 0...1; 0 where both boxes are empty.
    """
    boxes = ops.convert_to_tensor(boxes)
    others = ops.convert_to_tensor(others)
    shared = intersection(boxes, others)
    union = ops.expand_dims(area(boxes), -1) + ops.expand_dims(area(others), -2) - shared
    return ops.where(union > 0.0, shared / ops.where(union > 0.0, union, 1.0), 0.0)


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
