"""COCO average precision through the library: literal cases and agreement with our own measure."""

import numpy as np
import pytest

from boxes.detections import Detections
from engine.average_precision import GroundTruth, evaluate_detections
from engine.measures.coco import coco_average_precision
from tests.engine.by_hand import detected, marked

SQUARE = (0.0, 0.0, 0.5, 0.5)


def test_perfect_detections_have_average_precision_one():
    result = coco_average_precision(
        [detected(("千反田", 0.9, SQUARE))], [marked(("千反田", SQUARE))], [(100, 100)]
    )
    assert (result.ap, result.ap50, result.ap75) == pytest.approx((1, 1, 1))
    assert (result.ap_small, result.ap_medium, result.ap_large) == (None, pytest.approx(1), None)


def test_an_overlap_of_sixty_eight_percent_counts_at_four_thresholds_of_ten():
    thinner = (0.0, 0.0, 0.5, 0.34)  # IoU 0.68: right at 0.50, 0.55, 0.60 and 0.65
    result = coco_average_precision([detected(("a", 0.9, thinner))], [marked(("a", SQUARE))], [(100, 100)])
    assert (result.ap, result.ap50, result.ap75) == pytest.approx((0.4, 1, 0))


def test_no_detections_give_zero():
    result = coco_average_precision(
        [detected(), detected()], [marked(("a", SQUARE)), marked()], [(9, 9), (9, 9)]
    )
    assert (result.ap, result.ap50, result.ap75) == (0, 0, 0)


def test_detections_of_difficult_objects_are_ignored():
    truth = marked(("a", SQUARE), ("a", (0.5, 0.5, 1.0, 1.0), "difficult"))
    hard, hard_again = ("a", 0.9, (0.5, 0.5, 1.0, 1.0)), ("a", 0.8, (0.5, 0.5, 0.95, 1.0))
    with_hard = coco_average_precision(
        [detected(hard, hard_again, ("a", 0.5, SQUARE))], [truth], [(100, 100)]
    )
    without = coco_average_precision([detected(("a", 0.5, SQUARE))], [truth], [(100, 100)])
    assert with_hard.ap == without.ap == pytest.approx(1)


def test_names_without_objects_do_not_count():
    found = [detected(("a", 0.9, SQUARE), ("stranger", 0.8, SQUARE))]
    assert coco_average_precision(found, [marked(("a", SQUARE))], [(50, 80)]).ap == pytest.approx(1)


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
        boxes = np.concatenate([corner, corner + rng.uniform(0.2, 0.4, (3, 2))], 1).astype(np.float32)
        truths.append(GroundTruth(boxes, ("a", "b", "c")))
        moved = np.clip(boxes[rng.integers(0, 3, 6)] + rng.normal(0, 0.03, (6, 4)), 0, 1).astype(np.float32)
        names = tuple(rng.choice(["a", "b", "c"], 6).tolist())
        found.append(Detections(moved, np.sort(rng.random(6).astype(np.float32))[::-1], names))
    ours = evaluate_detections(found, truths)
    coco = coco_average_precision(found, truths, [(300, 400)] * 150)
    assert coco.ap50 == pytest.approx(ours.map_voc12, abs=0.012)
    assert 0.02 < coco.ap < coco.ap50
