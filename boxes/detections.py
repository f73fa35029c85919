"""What a detector says about one picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Detections:
    """Named boxes of one picture, best first."""

    boxes: np.ndarray  # float32 [N, 4] corners
    scores: np.ndarray  # float32 [N] in 0...1, descending
    names: tuple[str, ...]  # N names
    # float32 [N], how clearly each box speaks for its name (`nets.thresholds`); None where it is not known
    evidence: np.ndarray | None = None

    def __post_init__(self):
        if self.boxes.shape != (len(self.names), 4) or self.scores.shape != (len(self.names),):
            got = f"{self.boxes.shape}, {self.scores.shape} and {len(self.names)} names"
            raise ValueError(f"Detections need boxes [N, 4], scores [N] and N names; got {got}.")

    def __len__(self) -> int:
        return len(self.names)

    def above(self, threshold: float | np.ndarray) -> "Detections":
        """The detections with a score of at least `threshold`: one number, or one for each of them [N]."""
        return self.where(self.scores >= threshold)

    def where(self, kept: np.ndarray) -> "Detections":
        """The detections for which `kept`, bool [N], is true."""
        return Detections(
            self.boxes[kept],
            self.scores[kept],
            tuple(name for name, keep in zip(self.names, kept.tolist(), strict=True) if keep),
            None if self.evidence is None else self.evidence[kept],
        )

    def renamed(self, names: Sequence[str]) -> "Detections":
        """The same boxes under other names."""
        return replace(self, names=tuple(names))


def ranked(found: Iterable[tuple[float, np.ndarray, str]]) -> Detections:
    """Of one picture score, box and name of each detection, in any order."""
    some = sorted(found, key=lambda one: -one[0])
    boxes = np.array([box for _, box, _ in some], np.float32).reshape(-1, 4)
    return Detections(
        boxes, np.array([score for score, _, _ in some], np.float32), tuple(one[2] for one in some)
    )
