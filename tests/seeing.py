"""Detectors without a network, of which it is known what they find."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from boxes.detections import Detections
from nets.detector import Detector
from nets.thresholds import Thresholds


@dataclass
class Seeing(Detector):
    """Finds what a function says of each picture, and remembers batches and what it was asked for."""

    see: Callable[[np.ndarray], Detections]
    labels: tuple[str, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    batches: list[int] = field(default_factory=list)
    asked: set[tuple[float | None, bool]] = field(default_factory=set)

    def detect_batch(
        self, images: Sequence[np.ndarray], *, score_threshold: float | None = None, all_names: bool = False
    ) -> list[Detections]:
        self.batches.append(len(images))
        self.asked.add((score_threshold, all_names))
        least = self.thresholds.common if score_threshold is None else score_threshold
        return [self.see(image).above(least) for image in images]
