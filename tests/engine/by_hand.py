"""Detections and marked objects of a picture, written down by hand, and the evaluation of some."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from boxes.detections import Detections
from engine.average_precision import GroundTruth, evaluate_detections
from engine.evaluation import Evaluation, Timing
from tests.conftest import tables

TABLES = tables(__file__, "by_hand")

# Top left, top right, bottom left and bottom right: no two of them touch.
A, B, C, D = ((y, x, y + 0.4, x + 0.4) for y in (0.0, 0.5) for x in (0.0, 0.5))


def detected(*rows) -> Detections:
    """From (name, score, box) or (name, score, box, evidence) rows in any order."""
    rows = sorted(rows, key=lambda row: -row[1])
    boxes = np.array([row[2] for row in rows], np.float32).reshape(-1, 4)
    scores = np.array([row[1] for row in rows], np.float32)
    evidence = np.array([row[3] for row in rows if len(row) > 3], np.float32)
    return Detections(boxes, scores, tuple(row[0] for row in rows), evidence if len(evidence) else None)


def marked(*rows) -> GroundTruth:
    """From (name, box) or (name, box, "difficult") rows."""
    boxes = np.array([row[1] for row in rows], np.float32).reshape(-1, 4)
    return GroundTruth(boxes, tuple(row[0] for row in rows), np.array([len(row) > 2 for row in rows], bool))


def by_hand(case: dict[str, Any]) -> tuple[list[Detections], list[GroundTruth]]:
    """What is found on the pictures of a table's case, and what is marked on them."""
    return [detected(*one) for one in case["found"]], [marked(*one) for one in case["truths"]]


def evaluated(
    found: Sequence[Detections], truths: Sequence[GroundTruth], names=(), filenames=None
) -> Evaluation:
    """Of pictures that are 80 pixels wide, 40 high and numbered, if they have no names."""
    count = len(found)
    result = evaluate_detections(found, truths, names=names)
    filenames = filenames or tuple(f"{number}.jpg" for number in range(count))
    return Evaluation(filenames, ((40, 80),) * count, tuple(truths), tuple(found), result, Timing(0, 0, 0))


def random_pictures(rng: np.random.Generator, pictures: int = 12, digits: int = 16):
    """(truths, found) of crowded pictures, in which every name has an object.

    Jittered copies of objects (some of another name), noise, difficult objects; scores of so many digits.
    """
    names = ("a", "b", "千反田")
    truths, found = [], []
    for _ in range(pictures):
        corner = rng.uniform(0, 0.6, (rng.integers(0, 5), 2))
        boxes = np.concatenate([corner, corner + rng.uniform(0.1, 0.4, corner.shape)], 1).astype(np.float32)
        chosen = rng.choice(names, len(boxes))
        truths.append(GroundTruth(boxes, tuple(chosen.tolist()), rng.random(len(boxes)) < 0.4))
        rows = []
        for box, name in zip(boxes, chosen, strict=True):
            for _ in range(rng.integers(0, 4)):
                other = rng.choice(names) if rng.random() < 0.2 else name
                rows.append((str(other), np.clip(box + rng.normal(0, 0.03, 4), 0, 1)))
        for _ in range(rng.integers(0, 3)):
            y, x = rng.uniform(0, 0.7, 2)
            rows.append((str(rng.choice(names)), (y, x, y + 0.3, x + 0.3)))
        found.append(detected(*((name, round(rng.random(), digits), box) for name, box in rows)))
    corners = np.array([[0, 0], [0, 0.5], [0.5, 0]], "f")
    truths[0] = GroundTruth(np.concatenate([corners, corners + 0.4], axis=1), names)
    return truths, found
