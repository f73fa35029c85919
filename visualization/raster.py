"""Smooth shapes on a picture: rectangles of pixels, distance to a rounded one, blending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rectangle:
    """Whole pixels; `bottom` and `right` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        return max(0, self.bottom - self.top) * max(0, self.right - self.left)


def overlaps(places: Sequence[Rectangle], others: Sequence[Rectangle]) -> np.ndarray:
    """How many pixels of each place the others cover, counted once for each of them: float64 [places]."""
    a = np.array([(r.top, r.left, r.bottom, r.right) for r in places], np.float64).reshape(-1, 1, 4)
    b = np.array([(r.top, r.left, r.bottom, r.right) for r in others], np.float64).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])  # [places, others, 2]
    return np.prod(np.maximum(sides, 0), axis=-1).sum(axis=-1)


def distance(area: Rectangle, shape: Rectangle, radius: float) -> np.ndarray:
    """Signed distance of each pixel's centre in `area` to a rounded rectangle, negative inside; [h, w]."""
    y = np.arange(area.top, area.bottom, dtype=np.float32) + 0.5
    x = np.arange(area.left, area.right, dtype=np.float32) + 0.5
    dy = np.abs(y - (shape.top + shape.bottom) / 2) - (shape.bottom - shape.top) / 2 + radius
    dx = np.abs(x - (shape.left + shape.right) / 2) - (shape.right - shape.left) / 2 + radius
    outside = np.hypot(np.maximum(dy, 0)[:, None], np.maximum(dx, 0)[None, :])
    return outside + np.minimum(np.maximum(dy[:, None], dx[None, :]), 0) - radius


def blend(
    canvas: np.ndarray, area: Rectangle, cover: np.ndarray, colour: np.ndarray | tuple[int, int, int]
) -> None:
    """Lays a colour ([3] or [h, w, 3]) over an area of the canvas, as much as `cover` [h, w] says."""
    part = canvas[area.top : area.bottom, area.left : area.right]
    mixed = part + cover[..., None] * (np.asarray(colour, np.float32) - part)
    part[:] = (mixed + 0.5).astype(np.uint8)
