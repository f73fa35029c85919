"""Boxes in pixels, for files and programs of other people: the door out of fractions, and the one in."""

import numpy as np


def to_pixels(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """(ymin, xmin, ymax, xmax) as fractions -> (xmin, ymin, xmax, ymax) in pixels of a picture so large.

    float64 [..., 4], neither rounded nor clipped; the inverse is `from_pixels`.
    """
    return np.asarray(boxes, np.float64)[..., [1, 0, 3, 2]] * (width, height, width, height)


def from_pixels(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """(xmin, ymin, xmax, ymax) in pixels -> (ymin, xmin, ymax, xmax) as fractions: float64 [..., 4]."""
    return np.asarray(pixels, np.float64)[..., [1, 0, 3, 2]] / (height, width, height, width)
