"""An evaluation with everything that is derived from it: what reports say."""

from __future__ import annotations

from dataclasses import dataclass

from engine.average_precision import NameResult, OperatingPoint
from engine.evaluation import Evaluation
from engine.measures.calibration import Reliability, reliability
from engine.measures.coco import CocoResult, coco_average_precision
from engine.measures.confusion import Confusion, confusion_matrix
from engine.measures.intervals import Intervals, bootstrap_intervals
from engine.measures.mistakes import ErrorBreakdown, break_down_errors
from engine.measures.ranking import PictureScore, score_picture, worst_and_best
from engine.measures.strangers import (
    StrangerDetections,
    StrangerResult,
    measure_strangers,
    pictures_without_objects,
)
from nets.thresholds import Thresholds


@dataclass(frozen=True, eq=False)
class Measurements:
    """An evaluation and what follows from it at the thresholds at which detections are reported.

    Attributes:
        evaluation: of a model on a split.
        thresholds: for each name, as `Detector.detect` uses them.
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
    reported = [one.scores >= thresholds.of(one.names) for one in found]
    empty = pictures_without_objects(evaluation)
    return Measurements(
        evaluation=evaluation,
        thresholds=thresholds,
        coco=coco_average_precision(found, truths, evaluation.sizes),
        intervals=bootstrap_intervals(found, truths, result),
        confusion=confusion_matrix(
            [one.where(kept) for one, kept in zip(found, reported, strict=True)],
            truths,
            tuple(result.names),
            score_threshold=0.0,
            iou_threshold=result.iou_threshold,
        ),
        errors=break_down_errors(found, truths, result, reported),
        calibration=reliability(found, result.judgements),
        pictures=tuple(
            score_picture(*one) for one in zip(found, truths, result.judgements, reported, strict=True)
        ),
        without_objects=None if empty is None else measure_strangers(empty, evaluation, thresholds),
        strangers=None if strangers is None else measure_strangers(strangers, evaluation, thresholds),
    )
