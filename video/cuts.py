"""Where a new scene begins in a video."""

from __future__ import annotations

import numpy as np

_SHARED = 0.5  # two pictures that share less of their colours are of two scenes


class CutFinder:
    """Says where a new scene begins: the colours of the whole picture change from one frame to the next."""

    _before: np.ndarray | None = None

    def is_cut(self, image: np.ndarray) -> bool:
        """Whether this frame begins another scene than the one before it: uint8 [H, W, 3]."""
        import cv2  # no --help waits for it

        small = cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA)
        colours = cv2.calcHist([small], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel() / (64 * 36)
        before, self._before = self._before, colours
        return before is not None and float(np.minimum(before, colours).sum()) < _SHARED
