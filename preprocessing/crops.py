"""Parts of pictures, to be looked at closely."""

from __future__ import annotations

import numpy as np

_CELLS = 3  # per side
_HUES, _GREYS = 12, 4


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


def cell_colours(image: np.ndarray) -> np.ndarray:
    """Of nine cells, the share of each hue and, for what has little colour, of each brightness.

    Args:
        image: uint8 [H, W, 3] RGB, with sides that three divides.

    Returns:
        float64 [144], square roots, of length 1.
    """
    import cv2  # no --help waits for it

    hsv, cells = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL), []
    for cell in (part for rows in np.split(hsv, _CELLS) for part in np.split(rows, _CELLS, axis=1)):
        hue, saturation, value = cell.reshape(-1, 3).astype(np.float64).T / 256
        vivid = saturation * value
        place = hue * _HUES
        lower, share = place.astype(int), place % 1
        hues = np.bincount(lower, vivid * (1 - share), _HUES)
        hues += np.bincount((lower + 1) % _HUES, vivid * share, _HUES)
        both = np.concatenate([hues, np.bincount((value * _GREYS).astype(int), 1 - vivid, _GREYS)])
        cells.append(np.sqrt(both / both.sum()))
    return np.concatenate(cells) / _CELLS
