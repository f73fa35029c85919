import numpy as np
import pytest

from engine.average_precision import evaluate_detections
from engine.measures.thresholds import choose_thresholds, evidence_of, right_evidence
from nets.thresholds import Thresholds
from tests.engine.by_hand import A, D, detected, marked


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


@pytest.mark.parametrize(
    ("right", "wrong", "missed", "threshold"),
    [
        ([0.02] * 12, [], 0, 0.1),  # off the ends
        ([0.99] * 12, [0.97] * 3, 0, 0.9),
        ([], [0.9], 12, 0.5),  # nothing right leaves the default
    ],
)
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
