"""Boxes in pixels, for files and programs of other people: the door out of fractions, and the one in."""

import numpy as np


def to_pixels(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Boxes as others write them; the inverse is `from_pixels`.

    Args:
        boxes: [..., 4], (ymin, xmin, ymax, xmax) as fractions.
        height: of the picture in pixels.
        width: likewise.

    Returns:
        float64 [..., 4], (xmin, ymin, xmax, ymax) in pixels, neither rounded nor clipped.
    """
    return np.asarray(boxes, np.float64)[..., [1, 0, 3, 2]] * (width, height, width, height)


def from_pixels(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """(xmin, ymin, xmax, ymax) in pixels -> (ymin, xmin, ymax, xmax) as fractions: float64 [..., 4]."""
    return np.asarray(pixels, np.float64)[..., [1, 0, 3, 2]] / (height, width, height, width)
