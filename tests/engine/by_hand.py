"""Detections and marked objects of a picture, written down by hand."""

import numpy as np

from boxes.detections import Detections
from engine.average_precision import GroundTruth


def detected(*rows) -> Detections:
    """From (name, score, box) rows in any order."""
    rows = sorted(rows, key=lambda row: -row[1])
    boxes = np.array([row[2] for row in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([row[1] for row in rows], np.float32), tuple(row[0] for row in rows))


def marked(*rows) -> GroundTruth:
    """From (name, box) or (name, box, "difficult") rows."""
    boxes = np.array([row[1] for row in rows], np.float32).reshape(-1, 4)
    return GroundTruth(boxes, tuple(row[0] for row in rows), np.array([len(row) > 2 for row in rows], bool))
