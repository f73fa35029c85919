"""Detections and marked objects of a picture, written down by hand, and the evaluation of some."""

from collections.abc import Sequence

import numpy as np

from boxes.detections import Detections
from engine.average_precision import GroundTruth, evaluate_detections
from engine.evaluation import Evaluation, Timing


def detected(*rows) -> Detections:
    """From (name, score, box) rows in any order."""
    rows = sorted(rows, key=lambda row: -row[1])
    boxes = np.array([row[2] for row in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([row[1] for row in rows], np.float32), tuple(row[0] for row in rows))


def marked(*rows) -> GroundTruth:
    """From (name, box) or (name, box, "difficult") rows."""
    boxes = np.array([row[1] for row in rows], np.float32).reshape(-1, 4)
    return GroundTruth(boxes, tuple(row[0] for row in rows), np.array([len(row) > 2 for row in rows], bool))


def evaluated(
    found: Sequence[Detections], truths: Sequence[GroundTruth], names=(), filenames=None
) -> Evaluation:
    """Of pictures that are 80 pixels wide, 40 high and numbered, if they have no names."""
    count = len(found)
    result = evaluate_detections(found, truths, names=names)
    filenames = filenames or tuple(f"{number}.jpg" for number in range(count))
    return Evaluation(filenames, ((40, 80),) * count, tuple(truths), tuple(found), result, Timing(0, 0, 0))
