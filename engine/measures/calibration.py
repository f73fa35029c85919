"""Whether scores mean what they say (of those of 0.8, are 80 % right?), and how well they part two groups."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

BINS = 9  # 0.1...0.2, 0.2...0.3, up to 1
# Detections below hardly anybody is shown, and there are so many that they alone would decide the figure.
LOWEST_SCORE = 0.1


@dataclass(frozen=True, eq=False)
class Reliability:
    """Scores against the share of right answers, in B bins."""

    edges: np.ndarray  # [B + 1] scores between the bins
    counts: np.ndarray  # int [B] answers in each
    mean_scores: np.ndarray  # [B], NaN in an empty bin
    shares_right: np.ndarray  # [B], NaN in an empty bin
    lowest_score: float  # answers below it do not take part

    @property
    def error(self) -> float | None:
        """Expected calibration error, 0...1: mean distance of score and share; None without answers."""
        return self._mean(np.abs(self.mean_scores - self.shares_right))

    @property
    def excess(self) -> float | None:
        """Mean score minus share of right answers: above 0 the scores promise too much."""
        return self._mean(self.mean_scores - self.shares_right)

    def as_json(self) -> dict[str, Any]:
        """For report.json; null where something is undefined."""
        columns = {
            "from": self.edges[:-1],
            "to": self.edges[1:],
            "answers": self.counts,
            "mean_score": self.mean_scores,
            "share_right": self.shares_right,
        }
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        return {
            "expected_calibration_error": self.error,
            "mean_score_minus_share_right": self.excess,
            "lowest_score": self.lowest_score,
            "bins": [
                {key: None if np.isnan(value) else value for key, value in zip(columns, row, strict=True)}
                for row in rows
            ],
        }

    def _mean(self, values: np.ndarray) -> float | None:
        """Over answers (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3)."""
        filled = self.counts > 0
        if not filled.any():
            return None
        return float(np.average(values[filled], weights=self.counts[filled]))


def reliability_of(
    scores: np.ndarray, right: np.ndarray, *, bins: int = BINS, lowest_score: float = LOWEST_SCORE
) -> Reliability:
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


def auroc(higher: np.ndarray, lower: np.ndarray) -> float | None:
    """Area under the receiver operating characteristic.

    Args:
        higher: [N] values of the group that should have the higher ones.
        lower: [M] values of the other.

    Returns:
        The share of pairs in which the first is higher, ties counted half: 1 apart, 0.5 mixed, 0 the wrong
        way round. None when a group is empty.
    """
    if not len(higher) or not len(lower):
        return None
    group = np.repeat([1, 0], [len(higher), len(lower)])
    return float(roc_auc_score(group, np.concatenate([higher, lower])))


def conformal_share(seen: np.ndarray) -> float:
    """The share of the next ones that will be like those of some, bool [N], that are: conformal."""
    return (np.count_nonzero(seen) + 1) / (len(seen) + 1)
