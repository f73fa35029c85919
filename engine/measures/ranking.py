"""How well each picture went, so that the best and the worst can be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boxes.detections import Detections
from engine.average_precision import GroundTruth, Judgement, OperatingPoint


@dataclass(frozen=True, eq=False)
class PictureScore:
    """One picture at the thresholds.

    Attributes:
        counts: right, wrong and missed.
        margin: -1...1: score of the worst-scored right answer (0 if an object has none at any score) minus
            that of the best-scored wrong one (0 if there is none), below the threshold as well: how safely
            the picture is decided.
        missed: index of each object that was missed.
        right: bool, one for each reported detection: it is right.
        ignored: likewise: it is of a difficult object.
    """

    counts: OperatingPoint
    margin: float
    missed: tuple[int, ...]
    right: np.ndarray
    ignored: np.ndarray

    @property
    def f1(self) -> float:
        """F1 of the picture; 1 where there was nothing to find and nothing was reported."""
        return 1.0 if self.counts.f1 is None else self.counts.f1


def score_picture(
    detections: Detections, ground_truth: GroundTruth, judgement: Judgement, reported: np.ndarray
) -> PictureScore:
    """Score of one picture.

    Args:
        detections: of the picture, best first.
        ground_truth: of the picture.
        judgement: of its detections.
        reported: bool [N], detections above their thresholds.
    """
    objects = np.flatnonzero(~ground_truth.difficult)
    found = judgement.objects[judgement.right & reported]
    wrong = ~judgement.right & ~judgement.ignored
    right_scores = detections.scores[judgement.right]
    lowest_right = float(right_scores.min()) if len(right_scores) == len(objects) > 0 else 0.0
    highest_wrong = float(detections.scores[wrong].max()) if wrong.any() else 0.0
    counts = OperatingPoint(None, len(found), int((wrong & reported).sum()), missed=len(objects) - len(found))
    return PictureScore(
        counts=counts,
        margin=lowest_right - highest_wrong,
        missed=tuple(int(i) for i in np.setdiff1d(objects, found)),
        right=judgement.right[reported],
        ignored=judgement.ignored[reported],
    )


def worst_and_best(
    scores: Sequence[PictureScore], filenames: Sequence[str], count: int
) -> tuple[list[int], list[int]]:
    """Which pictures to look at.

    Ranked by F1, then by margin; of equals the first filename is the better. No picture is in both lists.

    Args:
        scores: one per picture.
        filenames: one per picture.
        count: how many of either.

    Returns:
        (the worst, worst first; the best, best first), as indices.
    """
    order = sorted(
        range(len(scores)), key=lambda i: (-scores[i].f1, -scores[i].margin, filenames[i], i)
    )  # best first
    each = min(count, -(-len(order) // 2))  # of an odd number the one in the middle is a bad one
    best = order[: min(count, len(order) - each)]
    return order[len(order) - each :][::-1], best
