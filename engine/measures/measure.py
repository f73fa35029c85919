"""An evaluation with everything that is derived from it: what reports say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.average_precision import Matches, NameResult, OperatingPoint
from engine.evaluation import Evaluation
from engine.measures.calibration import Reliability, reliability
from engine.measures.coco import CocoResult, coco_average_precision
from engine.measures.intervals import Intervals, bootstrap_intervals
from engine.measures.mistakes import Confusion, ErrorBreakdown, break_down_errors, confusion_matrix
from engine.measures.strangers import (
    StrangerDetections,
    StrangerResult,
    measure_strangers,
    pictures_without_objects,
)
from nets.thresholds import Thresholds


@dataclass(frozen=True)
class PictureScore:
    """One picture at the thresholds.

    Attributes:
        counts: right, wrong and missed.
        margin: -1...1: score of the worst-scored right answer (0 if an object has none at any score) minus
            that of the best-scored wrong one (0 if there is none), below the threshold as well: how safely
            the picture is decided.
    """

    counts: OperatingPoint
    margin: float

    @property
    def f1(self) -> float:
        """F1 of the picture; 1 where there was nothing to find and nothing was reported."""
        return 1.0 if self.counts.f1 is None else self.counts.f1


@dataclass(frozen=True, eq=False)
class Measurements:
    """An evaluation and what follows from it at the thresholds at which detections are reported.

    Attributes:
        evaluation: of a model on a split.
        thresholds: for each name, as `Detector.detect` uses them.
        reported: bool [D], the detections of `evaluation.result.matches` above them.
        coco: COCO's figures.
        intervals: how far the average precisions could be off.
        confusion: at the thresholds.
        errors: kinds of mistakes; counts at the thresholds.
        calibration: whether scores mean what they say.
        pictures: score of each picture at the thresholds.
        without_objects: false detections on the pictures of the split on which nobody is marked; None
            where there are none.
        strangers: false detections on pictures that were given for it; None if none were.
    """

    evaluation: Evaluation
    thresholds: Thresholds
    reported: np.ndarray
    coco: CocoResult
    intervals: Intervals
    confusion: Confusion
    errors: ErrorBreakdown
    calibration: Reliability
    pictures: tuple[PictureScore, ...]
    without_objects: StrangerResult | None
    strangers: StrangerResult | None

    @property
    def names(self) -> dict[str, NameResult]:
        """Name -> everything measured for it."""
        return self.evaluation.result.names

    @property
    def score_threshold(self) -> float | None:
        """The one threshold of all names; None where each has its own."""
        return None if self.thresholds.names else self.thresholds.common

    @property
    def threshold_text(self) -> str:
        """The threshold in words."""
        one = self.score_threshold
        return "each name's own score" if one is None else f"score {one:g}"

    def threshold(self, name: str) -> float:
        """The threshold of a name."""
        return float(self.thresholds.of([name])[0])

    def point(self, name: str) -> OperatingPoint:
        """Counts of a name at its threshold."""
        return self.names[name].at(self.threshold(name))

    @property
    def overall(self) -> OperatingPoint:
        """Counts over all names at the thresholds."""
        points = [self.point(name) for name in self.names]
        return OperatingPoint(
            self.score_threshold,
            right=sum(point.right for point in points),
            wrong=sum(point.wrong for point in points),
            missed=sum(point.missed for point in points),
        )

    def gallery(self, count: int) -> tuple[list[int], list[int]]:
        """The pictures to show: (the worst, the best), `count` of either."""
        return worst_and_best(self.pictures, self.evaluation.filenames, count)


def measure(
    evaluation: Evaluation, thresholds: Thresholds, *, strangers: StrangerDetections | None = None
) -> Measurements:
    """Everything that the reports say about an evaluation.

    Args:
        evaluation: of a model on a split.
        thresholds: at which detections are reported.
        strangers: what the same model found on pictures of nobody that it knows.
    """
    found, truths, result = evaluation.detections, evaluation.ground_truths, evaluation.result
    matches = result.matches
    reported = matches.score >= thresholds.of(matches.names)[matches.name]
    empty = pictures_without_objects(evaluation)
    return Measurements(
        evaluation=evaluation,
        thresholds=thresholds,
        reported=reported,
        coco=coco_average_precision(found, truths, evaluation.sizes),
        intervals=bootstrap_intervals(result),
        confusion=confusion_matrix(matches, reported),
        errors=break_down_errors(result, reported),
        calibration=reliability(matches),
        pictures=picture_scores(matches, reported),
        without_objects=None if empty is None else measure_strangers(empty, evaluation, thresholds),
        strangers=None if strangers is None else measure_strangers(strangers, evaluation, thresholds),
    )


def picture_scores(matches: Matches, reported: np.ndarray) -> tuple[PictureScore, ...]:
    """How well each picture went, when the detections `reported`, bool [D], are."""

    def counts(pictures: np.ndarray) -> np.ndarray:
        return np.bincount(pictures, minlength=matches.pictures)

    picture, score, right, wrong = matches.picture, matches.score.astype(float), matches.right, matches.wrong
    lowest_right, highest_wrong = np.full(matches.pictures, np.inf), np.zeros(matches.pictures)
    np.minimum.at(lowest_right, picture[right], score[right])
    np.maximum.at(highest_wrong, picture[wrong], score[wrong])
    objects, found = counts(matches.object_picture[~matches.difficult]), counts(picture[right])
    margin = np.where((found == objects) & (objects > 0), lowest_right, 0.0) - highest_wrong
    points = zip(
        counts(picture[right & reported]).tolist(),
        counts(picture[wrong & reported]).tolist(),
        counts(matches.object_picture[matches.missed_by(reported)]).tolist(),
        strict=True,
    )
    return tuple(
        PictureScore(OperatingPoint(None, *point), one)
        for point, one in zip(points, margin.tolist(), strict=True)
    )


def worst_and_best(
    scores: Sequence[PictureScore], filenames: Sequence[str], count: int
) -> tuple[list[int], list[int]]:
    """Which pictures to look at, `count` of either at most: (the worst, worst first; the best, best first).

    Ranked by F1, then by margin; of equals the first filename is the better. No picture is in both lists.
    """
    order = sorted(
        range(len(scores)), key=lambda i: (-scores[i].f1, -scores[i].margin, filenames[i], i)
    )  # best first
    each = min(count, -(-len(order) // 2))  # of an odd number the one in the middle is a bad one
    best = order[: min(count, len(order) - each)]
    return order[len(order) - each :][::-1], best
