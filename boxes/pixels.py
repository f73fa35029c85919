"""Boxes in pixels: the door out of fractions, for others, and the one in; what of a picture is in a box."""

import numpy as np


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
    height, width = image.shape[:2]
    pixels = np.clip(np.asarray(box, np.float64), 0, 1) * (height, width, height, width)
    more = margin * max(pixels[2] - pixels[0], pixels[3] - pixels[1])
    top, left = np.maximum(np.floor(pixels[:2] - more).astype(int), 0)
    top, left = min(top, height - 1), min(left, width - 1)
    bottom = int(min(max(np.ceil(pixels[2] + more), top + 1), height))
    right = int(min(max(np.ceil(pixels[3] + more), left + 1), width))
    crop = np.ascontiguousarray(image[top:bottom, left:right])
    inside = (pixels - (top, left, top, left)) / np.tile((bottom - top, right - left), 2)
    return crop, np.clip(inside, 0, 1).astype(np.float32)
