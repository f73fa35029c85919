"""A face as rows of numbers: what `nets.likeness` sees in it and in its mirror image."""

from collections.abc import Sequence

import numpy as np

from nets.detector import HEADS
from nets.likeness import Likeness

SIDE = 96  # pixels of a face: 95.1 % right, with the 64 of `nets.likeness` 94.5 (docs/face_classifier.md)
# Goes up whenever the same picture gives other rows: rows kept on disk, and classifiers, then count no more.
_VERSION = 2


class FaceEncoder:
    """Pictures of faces -> rows.

    Attributes:
        way: everything that rows depend on, in one word.
        size: of a row, D.
    """

    def __init__(self):
        self._likeness = Likeness.load(HEADS, SIDE)
        self.way = f"{_VERSION}_{SIDE}_{self._likeness.digest}"
        self.size = self._likeness.rows([]).shape[1]

    def encode(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Rows of each face and of its mirror image, uint8 [H, W, 3] RGB of any size: float16 [N, 2, D].

        They are kept like that, and what was kept must be what is computed anew.
        """
        looks = [look for face in faces for look in (face, np.ascontiguousarray(face[:, ::-1]))]
        return self._likeness.rows(looks).astype(np.float16).reshape(len(faces), 2, self.size)
