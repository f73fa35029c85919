"""Views of a face: how it could as well have been drawn, cropped and lit. Colours keep their hue.

A face's views are numbered: 0 is the face as it is, 1 its mirror image, the others are drawn for this face by
their number, so that more views leave the first ones, and what was computed of them, as they were.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import cv2
import numpy as np

# Drawn faces are known by their shapes and colours: nothing is bent, sheared or dyed, only held, framed and
# lit a little differently, about as two frames of one film differ.
_ANGLE = 10.0  # degrees, either way
_ZOOM = (0.95, 1.25)  # below 1 shows edges drawn out, above 1 crops
_SHIFT = 0.06  # of the side, either way
_CONTRAST = (0.9, 1.1)
_BRIGHTNESS = 16.0  # of 255: half of what the SSD paper changes
_MIDDLE = 128.0  # what a change of contrast leaves alone
_SEED = 0  # not that of the splits: faces that are split anew have the same views in the cache


@dataclass(frozen=True)
class View:
    """A way to look at a face.

    Attributes:
        flip: left and right swapped.
        angle: turned by so many degrees.
        zoom: above 1 shows less than the whole.
        down: shifted by so much of the height.
        right: shifted by so much of the width.
        contrast: factor on the distance from middle grey.
        brightness: added, in 0...255.
    """

    flip: bool = False
    angle: float = 0.0
    zoom: float = 1.0
    down: float = 0.0
    right: float = 0.0
    contrast: float = 1.0
    brightness: float = 0.0

    def key(self) -> str:
        """A text that differs between views that look different."""
        return " ".join(f"{float(value):.4f}" for value in astuple(self))


PLAIN, MIRRORED = View(), View(flip=True)


def face_view(number: int, face: str) -> View:
    """A view by its number.

    Args:
        number: 0 as it is, 1 mirrored, 2 and up drawn; even ones are not mirrored, odd ones are.
        face: hexadecimal digest of the face.
    """
    if number < 2:
        return (PLAIN, MIRRORED)[number]
    rng = np.random.default_rng([_SEED, number, int(face[:12], 16)])
    angle, down, right, brightness = rng.uniform(-1, 1, 4) * (_ANGLE, _SHIFT, _SHIFT, _BRIGHTNESS)
    zoom, contrast = rng.uniform(*_ZOOM), rng.uniform(*_CONTRAST)
    values = (round(float(value), 4) for value in (angle, zoom, down, right, contrast, brightness))
    return View(bool(number % 2), *values)


def look_at(image: np.ndarray, view: View) -> np.ndarray:
    """The view of a picture: uint8 [H, W, 3] -> uint8 [H, W, 3]."""
    if view.flip:
        image = np.ascontiguousarray(image[:, ::-1])
    height, width = image.shape[:2]
    if (view.angle, view.zoom, view.down, view.right) != (0.0, 1.0, 0.0, 0.0):
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), view.angle, view.zoom)
        matrix[:, 2] += view.right * width, view.down * height
        # Edges are drawn out, for a black corner would be something to learn.
        image = cv2.warpAffine(
            image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    if (view.contrast, view.brightness) != (1.0, 0.0):
        lit = (image.astype(np.float32) - _MIDDLE) * view.contrast + (_MIDDLE + view.brightness)
        image = np.clip(np.rint(lit), 0, 255).astype(np.uint8)
    return image
