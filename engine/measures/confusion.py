"""Which name is taken for which: the confusion matrix of a detector, with background.

Unlike average precision, detections and objects meet here whatever their names: that is the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boxes.detections import Detections
from engine.average_precision import IOU_THRESHOLD, GroundTruth, overlaps


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of what was marked against what was detected.

    Attributes:
        names: K names.
        counts: int64 [K + 1, K + 1]; row = marked, column = detected, the last of both = background: row K
            holds detections of nothing, column K objects that were missed. `counts[K, K]` is 0.
        score_threshold: detections below it do not take part.
        iou_threshold: overlap from which a detection and an object can be a pair.
    """

    names: tuple[str, ...]
    counts: np.ndarray
    score_threshold: float
    iou_threshold: float


def confusion_matrix(
    detections: Sequence[Detections],
    ground_truths: Sequence[GroundTruth],
    names: Sequence[str],
    *,
    score_threshold: float,
    iou_threshold: float = IOU_THRESHOLD,
) -> Confusion:
    """Pair detections with objects and count the pairs.

    Best score first, each detection takes the object it overlaps most among those that are still free and
    that it overlaps enough. What is left over was missed or is background; detections left over on a
    difficult object are not counted, and neither are difficult objects.

    Args:
        detections: one per picture.
        ground_truths: one per picture, in the same order.
        names: every name that occurs in either, in the order wanted.
        score_threshold: detections below it do not take part.
        iou_threshold: overlap from which a detection and an object can be a pair.

    Raises:
        ValueError: a name occurs that is not among `names`.
    """
    detections = [found.above(score_threshold) for found in detections]
    unknown = {name for part in (*detections, *ground_truths) for name in part.names} - set(names)
    if unknown:
        raise ValueError(
            f"The confusion matrix has no row for {', '.join(map(repr, sorted(unknown)))}: add to names."
        )
    index = {name: i for i, name in enumerate(names)}
    background = len(index)
    counts = np.zeros((background + 1, background + 1), np.int64)
    for found, truth, overlap in zip(
        detections, ground_truths, overlaps(detections, ground_truths), strict=True
    ):
        partners = pair(overlap, truth.difficult, iou_threshold=iou_threshold)
        for name, partner in zip(found.names, partners, strict=True):
            if partner >= 0 and truth.difficult[partner]:
                continue
            row = index[truth.names[partner]] if partner >= 0 else background
            counts[row, index[name]] += 1
        missed = ~truth.difficult & ~np.isin(np.arange(len(truth)), partners)
        for i in np.flatnonzero(missed):
            counts[index[truth.names[i]], background] += 1
    return Confusion(tuple(index), counts, score_threshold, iou_threshold)


def pair(overlap: np.ndarray, difficult: np.ndarray, *, iou_threshold: float = IOU_THRESHOLD) -> np.ndarray:
    """The object that each detection of one picture takes.

    Args:
        overlap: [N, G] IoU, detections best first.
        difficult: bool [G]; such an object can be taken by any number of detections, but only by those that
            find no other.
        iou_threshold: overlap from which a detection can take an object.

    Returns:
        int [N], -1 for none.
    """
    partners = np.full(overlap.shape[0], -1)
    free = ~difficult
    for i, row in enumerate(overlap):
        for allowed in (free, difficult):
            candidates = np.where(allowed & (row >= iou_threshold), row, -1.0)
            if len(candidates) and candidates.max() >= 0:
                partners[i] = np.argmax(candidates)
                free[partners[i]] = False
                break
    return partners
