"""What kinds of mistakes a detector makes, and what each kind costs: after TIDE.

Bolya et al. 2020, "TIDE: A General Toolbox for Identifying Object Detection Errors". Every wrong detection
and every object that was not found has one kind; the cost of a kind is the rise of the mean average precision
if an oracle undid the mistakes of that kind and no others. Costs do not add up: mistakes hide each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boxes.detections import Detections
from engine.average_precision import DetectionResult, GroundTruth, Judgement, name_result, overlaps

KINDS: tuple[str, ...] = (
    "missed",
    "wrong name",
    "bad box",
    "wrong name and bad box",
    "duplicate",
    "background",
)

# Overlap up to which a detection has nothing to do with an object: TIDE's t_b.
BACKGROUND_IOU = 0.1


@dataclass(frozen=True)
class ErrorBreakdown:
    """Mistakes by kind.

    Attributes:
        counts: kind -> mistakes among the detections that are reported, and objects missed by them.
        costs: kind -> rise of mAP (VOC 2012), over all scores, if they were undone: 0...1.
    """

    counts: dict[str, int]
    costs: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Picture:
    """One picture's mistakes.

    Attributes:
        kinds: of each detection, "" where it is none.
        partners: int [N], the object that a detection of the wrong name or with a bad box meant, else -1.
        missed: int, indices of the objects that no detection meant.
        used: bool [G], objects that were found.
    """

    kinds: list[str]
    partners: np.ndarray
    missed: np.ndarray
    used: np.ndarray


def break_down_errors(
    detections: Sequence[Detections],
    ground_truths: Sequence[GroundTruth],
    result: DetectionResult,
    reported: Sequence[np.ndarray],
) -> ErrorBreakdown:
    """Kinds of mistakes and what they cost.

    Args:
        detections: one per picture, with every score from 0.01 up.
        ground_truths: one per picture.
        result: of the two.
        reported: bool [N] per picture, the detections above their thresholds; the counts are theirs.
    """
    overlap = overlaps(detections, ground_truths)
    iou_threshold = result.iou_threshold
    everything = list(zip(detections, ground_truths, result.judgements, overlap, strict=True))
    counts = dict.fromkeys(KINDS, 0)
    for (found, truth, judgement, here), kept in zip(everything, reported, strict=True):
        shown = Judgement(judgement.right[kept], judgement.ignored[kept], judgement.objects[kept])
        picture = _find(found.where(kept), truth, shown, here[kept], iou_threshold)
        for kind in picture.kinds:
            if kind:
                counts[kind] += 1
        counts["missed"] += len(picture.missed)
    pictures = [_find(*one, iou_threshold) for one in everything]
    return ErrorBreakdown(counts, _costs(everything, pictures, result))


def _find(
    found: Detections, truth: GroundTruth, judgement: Judgement, overlap: np.ndarray, iou_threshold: float
) -> _Picture:
    """The kinds of one picture's mistakes; tests in the order of TIDE's own program (tidecv/quantify.py)."""
    used = np.zeros(len(truth), bool)
    used[judgement.objects[judgement.right]] = True
    kinds, partners = [""] * len(found), np.full(len(found), -1)
    wrong = np.flatnonzero(~judgement.right & ~judgement.ignored)
    same = np.array(found.names, object)[:, None] == np.array(truth.names, object)[None, :]  # [N, G]
    of_name, of_others = np.where(same, overlap, 0.0), np.where(same, 0.0, overlap)
    for i in wrong:
        if not len(truth):
            kinds[i] = "background"
            continue
        near, other = int(np.argmax(of_name[i])), int(np.argmax(of_others[i]))
        if BACKGROUND_IOU <= of_name[i, near] < iou_threshold:
            kinds[i], partners[i] = "bad box", near
        elif of_others[i, other] >= iou_threshold:
            kinds[i], partners[i] = "wrong name", other
        elif of_name[i, near] >= iou_threshold:
            kinds[i] = "duplicate"
        elif overlap[i].max() <= BACKGROUND_IOU:
            kinds[i] = "background"
        else:
            kinds[i] = "wrong name and bad box"
    meant = np.isin(np.arange(len(truth)), partners)
    return _Picture(kinds, partners, np.flatnonzero(~used & ~meant & ~truth.difficult), used)


def _costs(everything, pictures: Sequence[_Picture], result: DetectionResult) -> dict[str, float]:
    """What an oracle for each kind would gain."""
    rated = [name for name, one in result.names.items() if one.objects]
    index = {name: i for i, name in enumerate(rated)}
    name, scores, right, kind, true_name = [], [], [], [], []
    for (found, truth, judgement, _), picture in zip(everything, pictures, strict=True):
        # Of the detections that meant the same object and found it not, the best would be put right.
        taken = picture.used | truth.difficult
        for i in range(len(found)):  # best first
            if judgement.ignored[i]:
                continue
            partner = picture.partners[i]
            mended = ""
            if partner >= 0 and not taken[partner]:
                taken[partner] = True
                mended = truth.names[partner]
            name.append(index.get(found.names[i], -1))
            true_name.append(index.get(mended, -1))
            scores.append(found.scores[i])
            right.append(judgement.right[i])
            kind.append(picture.kinds[i])
    name, true_name, right = np.array(name, int), np.array(true_name, int), np.array(right, bool)
    scores, kind = np.array(scores, np.float32), np.array(kind, object)
    objects = np.array([result.names[one].objects for one in rated])
    missed = np.zeros(len(rated), int)
    for (_, truth, _, _), picture in zip(everything, pictures, strict=True):
        for i in picture.missed:
            missed[index[truth.names[i]]] += 1
    costs = {}
    for one in KINDS:
        here = kind == one
        mended = here & (true_name >= 0)
        kept = ~here | mended
        fewer = missed if one == "missed" else 0
        costs[one] = max(
            0.0,
            _mean_average_precision(
                np.where(mended, true_name, name)[kept], scores[kept], (right | mended)[kept], objects - fewer
            )
            - result.map_voc12,
        )
    return costs


def _mean_average_precision(
    name: np.ndarray, scores: np.ndarray, right: np.ndarray, objects: np.ndarray
) -> float:
    """Mean over names of the area under the curve; a name that has no objects left has nothing to lose."""
    areas = []
    for i, count in enumerate(objects):
        if not count:
            areas.append(1.0)
            continue
        mine = name == i
        areas.append(name_result("", int(count), 0, scores[mine], right[mine]).ap_voc12)
    return float(np.mean(areas))
