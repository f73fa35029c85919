"""Which detection belongs to which object, and the average precision that follows, as PASCAL VOC measures it.

The rules are those of the VOC development kit (Everingham et al. 2010, section 4.2; `VOCevaldet.m`): a
detection belongs to the object of its name that it overlaps most; if that overlap reaches the threshold,
the best-scored such detection is right and every further one is a duplicate, hence wrong. Detections that
belong to an object marked difficult are neither right nor wrong, and difficult objects are not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from boxes.detections import Detections
from boxes.geometry import iou

# VOC development kit, `VOCinit.m`: `VOCopts.minoverlap=0.5`; an overlap of exactly this much is enough.
IOU_THRESHOLD = 0.5
_AT_ONCE = 256  # pictures whose overlaps are computed together; bounds the memory

Rule = Literal["voc07", "voc12"]


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The objects that people marked in one picture; a picture without objects has none."""

    boxes: np.ndarray  # float32 [G, 4] corners
    names: tuple[str, ...]  # G
    difficult: np.ndarray = None  # bool [G]; left out, none is  # pyright: ignore[reportAssignmentType]

    def __post_init__(self):
        if self.difficult is None:
            object.__setattr__(self, "difficult", np.zeros(len(self.names), bool))
        if self.boxes.shape != (len(self.names), 4) or self.difficult.shape != (len(self.names),):
            got = f"{self.boxes.shape}, {len(self.names)} names and {self.difficult.shape}"
            raise ValueError(f"GroundTruth needs boxes [G, 4], G names and difficult [G]; got {got}.")

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Matches:
    """Every detection and what became of it: the one table that all measures are made from.

    D detections stand in the order of the pictures, best first in each, and so do G objects. Because they are
    judged best first, those above a score threshold are judged as if the others did not exist.
    """

    names: tuple[str, ...]  # which `name` and `object_name` count from 0
    pictures: int  # how many
    iou_threshold: float  # overlap from which a detection belongs to an object
    picture: np.ndarray  # int [D], number of the picture
    name: np.ndarray  # int [D]
    score: np.ndarray  # float32 [D]
    right: np.ndarray  # bool [D]
    ignored: np.ndarray  # bool [D], true where it belongs to a difficult object
    object: np.ndarray  # int [D], the object that it belongs to, -1 for none
    pairs: np.ndarray  # int [M, 2], detections and objects that overlap at all, whatever their names
    overlap: np.ndarray  # float32 [M], the IoU of each pair
    object_picture: np.ndarray  # int [G]
    object_name: np.ndarray  # int [G]
    difficult: np.ndarray  # bool [G]

    @property
    def wrong(self) -> np.ndarray:
        """Neither right nor ignored: bool [D]."""
        return ~(self.right | self.ignored)

    def missed_by(self, shown: np.ndarray) -> np.ndarray:
        """Objects that count and that no detection of `shown`, bool [D], is right about: bool [G]."""
        found = self.object[self.right & shown]
        return ~self.difficult & ~np.isin(np.arange(len(self.difficult)), found)


@dataclass(frozen=True)
class OperatingPoint:
    """Counts for one name (or all) when only detections at or above a score threshold are reported."""

    threshold: float | None  # the score; None where each name has its own
    right: int  # reported detections that are right
    wrong: int  # those that are not
    missed: int  # objects that none of them is right about

    @property
    def detections(self) -> int:
        """Reported detections, without those of difficult objects."""
        return self.right + self.wrong

    @property
    def precision(self) -> float | None:
        """Share of the reported detections that is right; None when nothing is reported."""
        return self.right / self.detections if self.detections else None

    @property
    def recall(self) -> float | None:
        """Share of the objects that is found; None without objects."""
        objects = self.right + self.missed
        return self.right / objects if objects else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None when there was nothing to find and nothing reported."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else None


@dataclass(frozen=True, eq=False)
class NameResult:
    """Everything measured for one name; without objects it has no curve and no average precision."""

    name: str
    objects: int  # marked ones that count, i.e. are not difficult
    difficult: int  # marked ones that do not
    scores: np.ndarray  # float32 [D], of the detections that count, descending
    right: np.ndarray  # bool [D]
    thresholds: np.ndarray  # float32 [P], the distinct scores: one point of the curve for each
    recall: np.ndarray  # float64 [P]
    precision: np.ndarray  # float64 [P]
    ap_voc07: float | None  # at 11 recalls
    ap_voc12: float | None  # area under the monotone curve

    def at(self, threshold: float) -> OperatingPoint:
        """The counts when detections with a score of at least `threshold` are reported."""
        kept = self.scores >= threshold
        right = int(np.sum(self.right & kept))
        return OperatingPoint(float(threshold), right, int(np.sum(kept)) - right, self.objects - right)

    def best(self) -> OperatingPoint | None:
        """Where F1 is highest (of equals the highest threshold); None where it is 0 or undefined."""
        if not len(self.recall) or not self.recall[-1]:
            return None
        with np.errstate(invalid="ignore"):  # 0 / 0 where both are 0
            f1 = 2 * self.precision * self.recall / (self.precision + self.recall)
        return self.at(float(self.thresholds[np.nanargmax(f1)]))


@dataclass(frozen=True, eq=False)
class DetectionResult:
    """What `evaluate_detections` measured."""

    names: dict[str, NameResult]  # in the order of the names given, then of appearance
    matches: Matches

    @property
    def ap_voc07(self) -> dict[str, float | None]:
        """By the rule of VOC 2007, of each name; None for names without objects."""
        return {name: result.ap_voc07 for name, result in self.names.items()}

    @property
    def ap_voc12(self) -> dict[str, float | None]:
        """By the rule of VOC 2010 to 2012, of each name; None for names without objects."""
        return {name: result.ap_voc12 for name, result in self.names.items()}

    @property
    def map_voc07(self) -> float:
        """Mean over the names that have objects."""
        return _mean(self.ap_voc07)

    @property
    def map_voc12(self) -> float:
        """Mean over the names that have objects."""
        return _mean(self.ap_voc12)


def average_precision(recall, precision, *, rule: Rule = "voc12") -> float:
    """Average precision of a precision-recall curve.

    Args:
        recall: [P] in 0...1, from the highest score threshold to the lowest, hence never falling.
        precision: [P] in 0...1.
        rule: "voc07" is the mean, over the recalls 0, 0.1, ..., 1, of the best precision at that recall or
            beyond; "voc12" (VOC 2010 to 2012) the area under the curve made monotone, from every point.

    Returns:
        0...1; 0 for an empty curve (nothing was detected).

    Raises:
        ValueError: for anything that is not such a curve.
    """
    recall, precision = np.asarray(recall, np.float64), np.asarray(precision, np.float64)
    if recall.ndim != 1 or recall.shape != precision.shape:
        shapes = f"{recall.shape} and {precision.shape}"
        raise ValueError(f"A curve needs as many recalls as precisions, one axis each; got {shapes}.")
    for values, what in ((recall, "recall"), (precision, "precision")):
        if not np.all((values >= 0) & (values <= 1)):
            raise ValueError(f"Each {what} must be between 0 and 1; got {values}.")
    if np.any(np.diff(recall) < 0):
        wrong = "must not fall from one point to the next (swapped with precision?)"
        raise ValueError(f"Recall {wrong}; got {recall}. Sort the points by descending score.")
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # best precision at this recall or beyond
    if rule == "voc07":
        # Tenths as np.arange(11) / 10: 3 / 10 is the recall of three objects in ten, 3 * 0.1 lies above it.
        first = np.searchsorted(recall, np.arange(11) / 10, side="left")
        return float(np.mean(np.append(envelope, 0.0)[first]))
    if rule == "voc12":
        return float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    raise ValueError(f"Unknown rule {rule!r} for average precision; known are 'voc07' and 'voc12'.")


def nearest(pairs: np.ndarray, overlap: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The object that each of D = `count` detections overlaps most, -1 for none, and by how much: two of [D].

    Args:
        pairs: int [M, 2], detections and objects to choose from; of equals the first object is chosen.
        overlap: [M].
    """
    detection, marked = pairs.T
    order = np.lexsort((marked, -overlap, detection))
    rows, first = np.unique(detection[order], return_index=True)
    best, best_overlap = np.full(count, -1), np.zeros(count, np.float32)
    best[rows], best_overlap[rows] = marked[order][first], overlap[order][first]
    return best, best_overlap


def _match(
    detections: Sequence[Detections],
    ground_truths: Sequence[GroundTruth],
    names: Sequence[str],
    iou_threshold: float,
) -> Matches:
    """Decide which detections are right; arguments as for `evaluate_detections`."""
    if len(detections) != len(ground_truths):
        got = f"{len(detections)} and {len(ground_truths)} pictures"
        raise ValueError(f"Detections and ground truths go together picture by picture; got {got}.")
    both, pairs = (detections, ground_truths), zip(ground_truths, detections, strict=True)
    known = dict.fromkeys((*names, *(name for pair in pairs for part in pair for name in part.names)))
    index = {name: i for i, name in enumerate(known)}
    name, object_name = (
        np.array([index[one] for part in parts for one in part.names], int) for parts in both
    )
    picture, object_picture = (np.repeat(np.arange(len(parts)), [*map(len, parts)]) for parts in both)
    pairs, overlap = _overlaps(detections, ground_truths)
    same = name[pairs[:, 0]] == object_name[pairs[:, 1]]
    owner, closeness = nearest(pairs[same], overlap[same], len(name))
    owner[closeness < iou_threshold] = -1
    score = np.concatenate([np.asarray(part.scores, np.float32) for part in detections])
    order = np.argsort(-score, kind="stable")
    claimed, best = np.unique(owner[order], return_index=True)
    right = np.zeros(len(name), bool)
    right[order[best[claimed >= 0]]] = True  # the best-scored detection of each object
    difficult = np.concatenate([truth.difficult for truth in ground_truths])
    ignored = (owner >= 0) & np.append(difficult, False)[owner]
    return Matches(
        tuple(index), len(detections), iou_threshold, picture, name, score, right & ~ignored, ignored, owner,
        pairs, overlap, object_picture, object_name, difficult,
    )  # fmt: skip


def evaluate_detections(
    detections: Sequence[Detections],
    ground_truths: Sequence[GroundTruth],
    *,
    names: Sequence[str] = (),
    iou_threshold: float = IOU_THRESHOLD,
) -> DetectionResult:
    """Average precision of every name, over pictures.

    Detections of equal score enter the curve together, so that the result does not depend on the order of
    the pictures. A name without objects has no average precision and does not count in the means, but its
    detections are reported. ValueError where no picture has an object that counts.

    Args:
        detections: one per picture; every score counts, so give them all, from about 0.01 up.
        ground_truths: one per picture, in the same order.
        names: names to report even if they occur nowhere, first and in this order.
        iou_threshold: overlap from which a detection belongs to an object.
    """
    if not any(np.any(~truth.difficult) for truth in ground_truths):
        none = "no marked object that counts (difficult ones do not), so there is no average precision"
        cure = "Evaluate on pictures with objects: check the split and the annotations."
        raise ValueError(f"The {len(ground_truths)} pictures have {none}. {cure}")
    matches = _match(detections, ground_truths, names, iou_threshold)
    results = {}
    for i, name in enumerate(matches.names):
        mine, marked = (matches.name == i) & ~matches.ignored, matches.object_name == i
        difficult = int(np.sum(marked & matches.difficult))
        objects = int(np.sum(marked)) - difficult
        results[name] = name_result(name, objects, difficult, matches.score[mine], matches.right[mine])
    return DetectionResult(results, matches)


def name_result(name: str, objects: int, difficult: int, scores: np.ndarray, right: np.ndarray) -> NameResult:
    """Curve and average precisions of one name from its detections in any order."""
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], right[order]
    last = np.flatnonzero(np.append(np.diff(scores) != 0, len(scores) > 0))  # last detection of each score
    found = np.cumsum(right)[last]
    recall, precision = (found / objects, found / (last + 1)) if objects else (np.empty(0), np.empty(0))
    voc07, voc12 = (
        average_precision(recall, precision, rule=rule) if objects else None for rule in get_args(Rule)
    )
    return NameResult(name, objects, difficult, scores, right, scores[last], recall, precision, voc07, voc12)


def _overlaps(
    detections: Sequence[Detections], ground_truths: Sequence[GroundTruth]
) -> tuple[np.ndarray, np.ndarray]:
    """`pairs` and `overlap` of `Matches`."""
    first, first_object = (np.cumsum([0, *map(len, parts)]) for parts in (detections, ground_truths))
    most, most_objects = (max(map(len, parts), default=0) for parts in (detections, ground_truths))
    pairs, overlap = [], []
    for start in range(0, len(detections), _AT_ONCE):
        found, marked = (part[start : start + _AT_ONCE] for part in (detections, ground_truths))
        padded = iou(_padded(found, most), _padded(marked, most_objects))  # [pictures, N, G]
        picture, i, j = np.nonzero(padded > 0)
        overlap.append(padded[picture, i, j])
        pairs.append(np.stack([first[start + picture] + i, first_object[start + picture] + j], axis=1))
    return np.concatenate(pairs), np.concatenate(overlap)


def _padded(parts: Sequence[Detections] | Sequence[GroundTruth], count: int) -> np.ndarray:
    """Boxes of several pictures in one array, filled up with zeros: float32 [pictures, count, 4]."""
    boxes = np.zeros((len(parts), count, 4), np.float32)
    for row, part in zip(boxes, parts, strict=True):
        row[: len(part)] = part.boxes
    return boxes


def _mean(values: dict[str, float | None]) -> float:
    return float(np.mean([value for value in values.values() if value is not None]))
