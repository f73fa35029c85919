"""Whether scores mean what they say: of the detections with score 0.8, are 80 % right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boxes.detections import Detections
from engine.average_precision import Judgement

BINS = 9  # 0.1...0.2, 0.2...0.3, up to 1
# Detections below hardly anybody is shown, and there are so many that they alone would decide the figure.
LOWEST_SCORE = 0.1


@dataclass(frozen=True, eq=False)
class Reliability:
    """Scores against the share of right detections.

    Attributes:
        edges: [BINS + 1] scores between the bins.
        counts: int [BINS] detections in each.
        mean_scores: [BINS], NaN in an empty bin.
        shares_right: [BINS], NaN in an empty bin.
        lowest_score: detections below it do not take part.
    """

    edges: np.ndarray
    counts: np.ndarray
    mean_scores: np.ndarray
    shares_right: np.ndarray
    lowest_score: float

    @property
    def error(self) -> float | None:
        """Expected calibration error, 0...1: mean distance of score and share; None without detections."""
        return self._mean(np.abs(self.mean_scores - self.shares_right))

    @property
    def excess(self) -> float | None:
        """Mean score minus share of right detections: above 0 the scores promise too much."""
        return self._mean(self.mean_scores - self.shares_right)

    def _mean(self, values: np.ndarray) -> float | None:
        """Over detections (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3)."""
        filled = self.counts > 0
        if not filled.any():
            return None
        return float(np.average(values[filled], weights=self.counts[filled]))


def reliability(detections: Sequence[Detections], judgements: Sequence[Judgement]) -> Reliability:
    """Counts right detections by score, in BINS of equal width from LOWEST_SCORE to 1.

    Args:
        detections: one per picture.
        judgements: one per picture; ignored detections do not take part.
    """
    kept = [~judgement.ignored for judgement in judgements]
    scores = np.concatenate([f.scores[k] for f, k in zip(detections, kept, strict=True)]).astype(np.float64)
    right = np.concatenate([j.right[k] for j, k in zip(judgements, kept, strict=True)])
    return reliability_of(scores, right, bins=BINS, lowest_score=LOWEST_SCORE)


def reliability_of(scores: np.ndarray, right: np.ndarray, *, bins: int, lowest_score: float) -> Reliability:
    """Counts right answers by score.

    Args:
        scores: [N], 0...1.
        right: bool [N].
        bins: of equal width between `lowest_score` and 1.
        lowest_score: answers below it do not take part.
    """
    shown = scores >= lowest_score
    scores, right = scores[shown], right[shown]
    edges = np.linspace(lowest_score, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, scores, "right") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_scores = np.bincount(place, scores, minlength=bins) / counts
        shares = np.bincount(place, right, minlength=bins) / counts
    return Reliability(edges, counts, mean_scores, shares, lowest_score)
