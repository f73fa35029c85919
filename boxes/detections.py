"""What a detector says about one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Detections:
    """Named boxes of one picture, best first.

    Attributes:
        boxes: float32 [N, 4] corners.
        scores: float32 [N] in 0...1, descending.
        names: N names.
    """

    boxes: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self):
        if self.boxes.shape != (len(self.names), 4) or self.scores.shape != (len(self.names),):
            raise ValueError(
                f"Detections need boxes [N, 4], scores [N] and N names; got {self.boxes.shape}, "
                f"{self.scores.shape} and {len(self.names)} names."
            )

    def __len__(self) -> int:
        return len(self.names)

    def above(self, threshold: float) -> Detections:
        """The detections with a score of at least `threshold`."""
        count = int(np.sum(self.scores >= threshold))
        return Detections(self.boxes[:count], self.scores[:count], self.names[:count])
