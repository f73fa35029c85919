"""Black borders around the pictures of a video: where they end."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_BLACK = 28  # grey levels of 255; compression leaves black this bright here and there
_MOST = 0.4  # of the width or height is border on one side: more is a dark scene
_LEAST = 2  # pixels: thinner lines are not worth a cut


@dataclass(frozen=True)
class Crop:
    """What to cut off each side, in pixels of the upright picture."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """The rest of a picture [H, W, 3]."""
        height, width = picture.shape[:2]
        return picture[self.top : height - self.bottom, self.left : width - self.right]


def find_black_borders(pictures: Iterable[np.ndarray]) -> Crop:
    """What is black at the border of every picture.

    Args:
        pictures: uint8 [H, W, 3] RGB, of one size, from different scenes; those black all over tell nothing.
    """
    brightest: np.ndarray | None = None
    for picture in pictures:
        grey = picture.max(axis=2)
        if grey.max() > _BLACK:
            brightest = grey if brightest is None else np.maximum(brightest, grey)
    if brightest is None:
        return Crop()
    # All but 1 % of a line: a speck of dust is no picture.
    rows = np.percentile(brightest, 99, axis=1) > _BLACK
    columns = np.percentile(brightest, 99, axis=0) > _BLACK
    if not rows.any() or not columns.any():
        return Crop()
    top, bottom = _ends(rows)
    left, right = _ends(columns)
    return Crop(left, top, right, bottom)


def _ends(lit: np.ndarray) -> tuple[int, int]:
    """How many values are False before the first and after the last True."""
    where = np.flatnonzero(lit)
    ends = int(where[0]), int(len(lit) - 1 - where[-1])
    return tuple(end if _LEAST <= end <= _MOST * len(lit) else 0 for end in ends)  # pyright: ignore
