"""Measures by hand: which pictures went well, COCO's average precision through the library, thresholds."""

import numpy as np
import pytest

from engine.average_precision import evaluate_detections
from engine.measures.measure import coco_average_precision, picture_scores, worst_and_best
from engine.measures.thresholds import choose_thresholds, evidence_of, right_evidence
from nets.thresholds import Thresholds
from tests.engine.by_hand import TABLES, A, D, by_hand, detected, marked


def scores(found, truths, threshold=0.5):
    matches = evaluate_detections(found, truths).matches
    return picture_scores(matches, matches.score >= threshold)


@pytest.mark.parametrize("case", TABLES["scores"], ids=lambda case: case["what"])
def test_pictures_by_hand(case):
    found = scores(*by_hand(case))
    counts = [[one.counts.right, one.counts.wrong, one.counts.missed] for one in found]
    assert counts == case["counts"]
    assert [one.f1 for one in found] == pytest.approx(case["f1"])
    assert [one.margin for one in found] == pytest.approx(case["margin"])


def test_ranking_is_by_f1_then_margin_then_filename():
    ranked, names = scores(*by_hand(TABLES["ranking"])), TABLES["ranking"]["names"]
    assert worst_and_best(ranked, names, 3) == ([1, 3, 5], [4, 0, 2])
    assert worst_and_best(ranked, names, 1) == ([1], [4])
    assert worst_and_best(ranked, names, 0) == ([], [])


@pytest.mark.parametrize("pictures", [0, 1, 2, 3, 7])
def test_no_picture_is_among_the_best_and_the_worst(pictures):
    ranked = scores([detected(("a", 0.9, A))] * pictures, [marked(("a", A))] * pictures) if pictures else []
    worst, best = worst_and_best(ranked, [f"{i}.jpg" for i in range(pictures)], 5)
    assert len(set(worst + best)) == len(worst + best) == pictures
    assert len(worst) >= len(best)


@pytest.mark.parametrize(("found", "truth", "expected"), TABLES["coco"])
def test_coco_by_hand(found, truth, expected):
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


def pictures(name, right_scores, wrong_scores, missed=0):
    """(found, truths): an object found at each score, a false alarm at each score, objects not found."""
    scores = [(score, A) for score in right_scores] + [(score, D) for score in wrong_scores]
    found = [detected((name, score, box, 10 * score)) for score, box in scores] + [detected()] * missed
    one, none = marked((name, A)), marked()
    return found, [one] * len(right_scores) + [none] * len(wrong_scores) + [one] * missed


def choose(*parts) -> Thresholds:
    found = [one for part in parts for one in part[0]]
    truths = [one for part in parts for one in part[1]]
    names = ("often", "rare", "never")
    return choose_thresholds(found, evaluate_detections(found, truths, names=names), chosen_on="validation")


def test_each_name_gets_the_middle_of_the_gap_where_f1_is_best():
    often = pictures("often", np.linspace(0.8, 0.99, 12), np.linspace(0.1, 0.6, 5))
    chosen = choose(often, pictures("rare", [0.3, 0.9], [0.25]))
    assert chosen.names["often"] == pytest.approx(0.7, abs=1e-4)
    # too few objects for a threshold of its own; one for all is best with all but the 0.3
    assert chosen.names["rare"] == chosen.names["never"] == chosen.common == pytest.approx(0.7, abs=1e-4)
    details = chosen.chosen_on["names"]
    assert details["often"] == {"objects": 12, "f1": 1.0, "threshold_of": "this name"}
    assert details["rare"]["threshold_of"] == "all names together"
    assert (chosen.chosen_on["split"], chosen.chosen_on["pictures"]) == ("validation", 20)


@pytest.mark.parametrize(("right", "wrong", "missed", "threshold"), TABLES["thresholds"])
def test_what_thresholds_cannot_be(right, wrong, missed, threshold):
    chosen = choose(pictures("often", right, wrong, missed))
    assert chosen.common == chosen.names["often"] == threshold
    assert chosen.unknown == {}


def test_unknown_keeps_nineteen_of_twenty_right_detections():
    found, truths = pictures("often", np.linspace(0.5, 0.99, 101), [0.2] * 5)
    result = evaluate_detections(found, truths)
    chosen = choose_thresholds(found, result, chosen_on="validation")
    scores, gaps = right_evidence(found, result, chosen)
    assert len(scores) == len(gaps) == 101
    assert gaps.tolist() == pytest.approx((10 * scores).tolist())
    assert np.mean(gaps >= chosen.unknown["gap"]) == pytest.approx(0.95, abs=0.01)
    plain = [detected(*zip(one.names, one.scores, one.boxes, strict=True)) for one in found]
    assert len(evidence_of(plain)) == 0
    assert choose_thresholds(plain, result, chosen_on="validation").unknown == {}
