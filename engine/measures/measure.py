"""An evaluation with everything that is derived from it: what reports say."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from boxes.detections import Detections
from boxes.geometry import to_pixels
from engine.average_precision import DetectionResult, GroundTruth, Matches, NameResult, OperatingPoint
from engine.evaluation import Evaluation
from engine.measures.calibration import Reliability, reliability_of
from engine.measures.intervals import Intervals, bootstrap_intervals
from engine.measures.mistakes import Confusion, confusion_matrix, count_errors
from engine.measures.strangers import StrangerResult, measure_strangers
from nets.thresholds import Thresholds


@dataclass(frozen=True)
class CocoResult:
    """The figures of the COCO detection challenge, at most 100 detections per picture."""

    ap: float  # mean over names and the IoU thresholds 0.50, 0.55, ..., 0.95
    ap50: float  # at IoU 0.5 alone
    ap75: float  # at IoU 0.75 alone
    ap_small: float | None  # `ap` of objects below 32 x 32 pixels; None where there are none
    ap_medium: float | None  # of those up to 96 x 96 pixels
    ap_large: float | None  # of those beyond


@dataclass(frozen=True)
class PictureScore:
    """One picture at the thresholds."""

    counts: OperatingPoint  # right, wrong and missed
    # -1...1: score of the worst-scored right answer (0 if an object has none at any score) minus that of the
    # best-scored wrong one (0 if there is none), also below the threshold: how safely the picture is decided
    margin: float

    @property
    def f1(self) -> float:
        """F1 of the picture; 1 where there was nothing to find and nothing was reported."""
        return 1.0 if self.counts.f1 is None else self.counts.f1


@dataclass(frozen=True, eq=False)
class Measurements:
    """An evaluation and what follows from it at the thresholds at which detections are reported."""

    evaluation: Evaluation
    thresholds: Thresholds  # for each name, as `Detector.detect` uses them
    reported: np.ndarray  # bool [D], the detections of `result.matches` above them
    coco: CocoResult
    intervals: Intervals  # how far the average precisions could be off
    confusion: Confusion  # at the thresholds
    errors: dict[str, int]  # kinds of mistakes at the thresholds
    calibration: Reliability  # whether scores mean what they say
    pictures: tuple[PictureScore, ...]
    without_objects: StrangerResult | None  # on the pictures of the split on which nobody is marked, if any
    strangers: StrangerResult | None  # on pictures that were given for it, if any

    @property
    def result(self) -> DetectionResult:
        """Average precision."""
        return self.evaluation.result

    @property
    def names(self) -> dict[str, NameResult]:
        """Name -> everything measured for it."""
        return self.result.names

    @property
    def score_threshold(self) -> float | None:
        """The one threshold of all names; None where each has its own."""
        return None if self.thresholds.names else self.thresholds.common

    @property
    def threshold_text(self) -> str:
        """The threshold in words."""
        one = self.score_threshold
        return "each name's own score" if one is None else f"score {one:g}"

    def point(self, name: str) -> OperatingPoint:
        """Counts of a name at its threshold."""
        return self.names[name].at(float(self.thresholds.of([name])[0]))

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

    @property
    def worst_first(self) -> list[NameResult]:
        """The names, lowest average precision first, those without objects last."""
        return sorted(self.names.values(), key=lambda one: (one.ap_voc07 is None, one.ap_voc07 or 0.0))


def measure(
    evaluation: Evaluation, thresholds: Thresholds, *, strangers: Sequence[tuple[str, Detections]] = ()
) -> Measurements:
    """Everything that the reports say about an evaluation; `detect_strangers` found the strangers."""
    found, truths, result = evaluation.detections, evaluation.ground_truths, evaluation.result
    matches = result.matches
    counted = ~matches.ignored
    reported = matches.score >= thresholds.of(matches.names)[matches.name]
    pictures = zip(evaluation.filenames, found, truths, strict=True)
    empty = [(filename, one) for filename, one, truth in pictures if not len(truth)]
    return Measurements(
        evaluation=evaluation,
        thresholds=thresholds,
        reported=reported,
        coco=coco_average_precision(found, truths, evaluation.sizes),
        intervals=bootstrap_intervals(result),
        confusion=confusion_matrix(matches, reported),
        errors=count_errors(matches, reported),
        calibration=reliability_of(matches.score[counted].astype(np.float64), matches.right[counted]),
        pictures=picture_scores(matches, reported),
        without_objects=measure_strangers(empty, evaluation, thresholds),
        strangers=measure_strangers(strangers, evaluation, thresholds),
    )


def coco_average_precision(
    detections: Sequence[Detections], ground_truths: Sequence[GroundTruth], sizes: Sequence[tuple[int, int]]
) -> CocoResult:
    """COCO's average precision, by faster-coco-eval: pycocotools in C++, with wheels for every Python.

    Difficult objects are given to the metric as crowds (`iscrowd`), the only objects that COCO does not
    count: they need not be found, and any number of detections that lie within them are ignored.

    Args:
        detections: one per picture.
        ground_truths: one per picture, in the same order.
        sizes: (height, width) of each picture in pixels, which decides what is small and large.
    """
    names = (name for part in (*ground_truths, *detections) for name in part.names)
    category = {name: i for i, name in enumerate(dict.fromkeys(names), start=1)}
    marked, found, images = [], [], []
    parts = zip(detections, ground_truths, sizes, strict=True)
    for image, (found_here, truth, (height, width)) in enumerate(parts, start=1):
        images.append({"id": image, "height": height, "width": width})
        boxes = _left_top_sides(truth.boxes, height, width)
        for name, box, difficult in zip(truth.names, boxes, truth.difficult, strict=True):
            place = {"id": len(marked) + 1, "image_id": image, "category_id": category[name], "bbox": box}
            marked.append({**place, "area": box[2] * box[3], "iscrowd": int(difficult)})
        boxes = _left_top_sides(found_here.boxes, height, width)
        for name, box, score in zip(found_here.names, boxes, found_here.scores, strict=True):
            place = {"image_id": image, "category_id": category[name], "bbox": box}
            found.append({**place, "score": float(score)})
    categories = [{"id": i, "name": name} for name, i in category.items()]
    truth = COCO({"images": images, "annotations": marked, "categories": categories})
    metric = COCOeval_faster(truth, truth.loadRes(found), iouType="bbox", print_function=lambda *_: None)
    metric.run()
    # In the order of pycocotools' summary; -1 where there are no objects.
    ap, ap50, ap75, small, medium, large = (None if value < 0 else float(value) for value in metric.stats[:6])
    return CocoResult(ap or 0.0, ap50 or 0.0, ap75 or 0.0, small, medium, large)


def _left_top_sides(boxes: np.ndarray, height: int, width: int) -> list[list[float]]:
    """COCO's [x, y, width, height] in pixels."""
    pixels = to_pixels(boxes, height, width)
    return np.concatenate([pixels[:, :2], pixels[:, 2:] - pixels[:, :2]], axis=1).tolist()


def picture_scores(matches: Matches, reported: np.ndarray) -> tuple[PictureScore, ...]:
    """How well each picture went, when the detections `reported`, bool [D], are."""

    def counts(pictures: np.ndarray) -> np.ndarray:
        return np.bincount(pictures, minlength=matches.pictures)

    picture, score, right, wrong = matches.picture, matches.score.astype(float), matches.right, matches.wrong
    lowest_right, highest_wrong = np.full(matches.pictures, np.inf), np.zeros(matches.pictures)
    np.minimum.at(lowest_right, picture[right], score[right])
    np.maximum.at(highest_wrong, picture[wrong], score[wrong])
    objects, found = counts(matches.object_picture[~matches.difficult]), counts(picture[right])
    margins = np.where((found == objects) & (objects > 0), lowest_right, 0.0) - highest_wrong
    columns = (
        counts(picture[right & reported]),
        counts(picture[wrong & reported]),
        counts(matches.object_picture[matches.missed_by(reported)]),
        margins,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return tuple(PictureScore(OperatingPoint(None, *point), margin) for *point, margin in rows)


def worst_and_best(
    scores: Sequence[PictureScore], filenames: Sequence[str], count: int
) -> tuple[list[int], list[int]]:
    """Which pictures to look at, `count` of either at most: (the worst, worst first; the best, best first).

    Ranked by F1, then by margin; of equals the first filename is the better. No picture is in both lists.
    """
    best_first = sorted(range(len(scores)), key=lambda i: (-scores[i].f1, -scores[i].margin, filenames[i], i))
    each = min(count, -(-len(best_first) // 2))  # of an odd number the one in the middle is a bad one
    best = best_first[: min(count, len(best_first) - each)]
    return best_first[len(best_first) - each :][::-1], best
