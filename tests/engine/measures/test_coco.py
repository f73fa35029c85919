"""COCO average precision through the library: literal cases and agreement with our own measure."""

import numpy as np
import pytest

from engine.average_precision import evaluate_detections
from engine.measures.coco import coco_average_precision
from tests.engine.by_hand import D, detected, marked

SQUARE = (0.0, 0.0, 0.5, 0.5)


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        ([("千反田", 0.9, SQUARE)], [("千反田", SQUARE)], (1, 1, 1)),
        # IoU 0.68 is right at 0.50, 0.55, 0.60 and 0.65, four thresholds of ten
        ([("a", 0.9, (0.0, 0.0, 0.5, 0.34))], [("a", SQUARE)], (0.4, 1, 0)),
        ([], [("a", SQUARE)], (0, 0, 0)),
        # detections of difficult objects are ignored, however many
        (
            [("a", 0.9, D), ("a", 0.8, (0.5, 0.5, 0.88, 0.9)), ("a", 0.5, SQUARE)],
            [("a", SQUARE), ("a", D, "difficult")],
            (1, 1, 1),
        ),
        # names without objects do not count
        ([("a", 0.9, SQUARE), ("stranger", 0.8, SQUARE)], [("a", SQUARE)], (1, 1, 1)),
    ],
)
def test_one_picture_by_hand(found, truth, expected):
    found, truths = [detected(*found), detected()], [marked(*truth), marked()]
    result = coco_average_precision(found, truths, [(100, 100), (9, 9)])
    assert (result.ap, result.ap50, result.ap75) == pytest.approx(expected)
    assert (result.ap_small, result.ap_medium, result.ap_large) == (None, pytest.approx(expected[0]), None)


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_ours_at_one_half(seed):
    """COCO's curve is sampled at 101 recalls, ours is not: they agree to about a hundredth.

    One object per name and picture, so that the two rules for choosing among objects agree as well.
    """
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(150):
        corner = rng.uniform(0, 0.6, (3, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(0.2, 0.4, (3, 2))], 1)
        truths.append(marked(*zip("abc", boxes, strict=True)))
        moved = np.clip(boxes[rng.integers(0, 3, 6)] + rng.normal(0, 0.03, (6, 4)), 0, 1)
        found.append(
            detected(*zip(rng.choice(["a", "b", "c"], 6).tolist(), rng.random(6), moved, strict=True))
        )
    ours = evaluate_detections(found, truths)
    coco = coco_average_precision(found, truths, [(300, 400)] * 150)
    assert coco.ap50 == pytest.approx(ours.map_voc12, abs=0.012)
    assert 0.02 < coco.ap < coco.ap50
