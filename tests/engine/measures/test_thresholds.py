import numpy as np
import pytest

from boxes.detections import Detections
from engine.average_precision import GroundTruth, evaluate_detections
from engine.measures.thresholds import choose_thresholds, evidence_of, right_evidence
from nets.thresholds import Thresholds

A, FAR = (0.0, 0.0, 0.4, 0.4), (0.6, 0.6, 1.0, 1.0)


def pictures(name, right_scores, wrong_scores, objects=None):
    """One picture for each score: an object found at that score, or a false alarm."""
    found, truths = [], []
    for scores, box in ((right_scores, A), (wrong_scores, FAR)):
        for score in scores:
            gap = np.array([10 * score], "f")
            found.append(Detections(np.array([box], "f"), np.array([score], "f"), (name,), gap))
            marked = box is A
            truths.append(GroundTruth(np.array([A] * marked, "f").reshape(-1, 4), (name,) * marked))
    for _ in range((objects or len(right_scores)) - len(right_scores)):
        found.append(Detections(np.zeros((0, 4), "f"), np.zeros(0, "f"), (), np.zeros(0, "f")))
        truths.append(GroundTruth(np.array([A], "f"), (name,)))
    return found, truths


def choose(*parts) -> Thresholds:
    found = [one for part in parts for one in part[0]]
    truths = [one for part in parts for one in part[1]]
    names = ("often", "rare", "never")
    return choose_thresholds(found, evaluate_detections(found, truths, names=names), chosen_on="validation")


def test_each_name_gets_the_middle_of_the_gap_where_f1_is_best():
    often = pictures("often", np.linspace(0.8, 0.99, 12), np.linspace(0.1, 0.6, 5))
    rare = pictures("rare", [0.3, 0.9], [0.25])
    chosen = choose(often, rare)
    assert chosen.names["often"] == pytest.approx(0.7, abs=1e-4)
    # too few objects for a threshold of its own; one for all is best with all but the 0.3
    assert chosen.names["rare"] == chosen.names["never"] == chosen.common == pytest.approx(0.7, abs=1e-4)
    details = chosen.chosen_on["names"]
    assert details["often"] == {"objects": 12, "f1": 1.0, "threshold_of": "this name"}
    assert details["rare"]["threshold_of"] == "all names together"
    assert (chosen.chosen_on["split"], chosen.chosen_on["pictures"]) == ("validation", 20)


def test_thresholds_stay_off_the_ends():
    assert choose(pictures("often", np.full(12, 0.02), [])).common == 0.1
    assert choose(pictures("often", np.full(12, 0.99), np.full(3, 0.97))).common == 0.9


def test_nothing_right_leaves_the_default():
    chosen = choose(pictures("often", [], [0.9], objects=12))
    assert chosen.common == chosen.names["often"] == 0.5
    assert chosen.unknown == {}


def test_unknown_keeps_nineteen_of_twenty_right_detections():
    found, truths = pictures("often", np.linspace(0.5, 0.99, 101), [0.2] * 5)
    result = evaluate_detections(found, truths)
    chosen = choose_thresholds(found, result, chosen_on="validation")
    scores, gaps = right_evidence(found, result, chosen)
    assert len(scores) == len(gaps) == 101
    assert gaps.tolist() == pytest.approx((10 * scores).tolist())
    assert np.mean(gaps >= chosen.unknown["gap"]) == pytest.approx(0.95, abs=0.01)
    plain = [Detections(one.boxes, one.scores, one.names) for one in found]
    assert len(evidence_of(plain)) == 0
    assert choose_thresholds(plain, result, chosen_on="validation").unknown == {}
