import numpy as np
import pytest

from boxes.detections import Detections
from engine.average_precision import Judgement
from engine.measures.calibration import reliability


def detected(scores, right, ignored=None):
    count = len(scores)
    found = Detections(np.zeros((count, 4), "f"), np.array(scores, "f"), ("a",) * count)
    ignored = np.zeros(count, bool) if ignored is None else np.array(ignored)
    return found, Judgement(np.array(right), ignored, np.full(count, -1))


def reliability_of(picture):
    return reliability([picture[0]], [picture[1]])


def test_bins_by_hand():
    first = detected([0.95, 0.85, 0.05], [True, False, False])
    second = detected([0.93, 0.9, 0.12], [True, False, False], [False, True, False])
    result = reliability([first[0], second[0]], [first[1], second[1]])
    assert result.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 2]  # neither 0.05 nor the ignored one
    assert result.mean_scores[[0, 7, 8]] == pytest.approx([0.12, 0.85, 0.94])
    assert result.shares_right[[0, 7, 8]].tolist() == [0, 0, 1]
    assert result.error == pytest.approx((0.12 + 0.85 + 2 * 0.06) / 4)
    assert result.excess == pytest.approx((0.12 + 0.85 - 2 * 0.06) / 4)


def test_honest_scores_have_a_small_error(rng):
    scores = np.sort(rng.uniform(0.1, 1, 20_000))[::-1]
    result = reliability_of(detected(scores, rng.random(20_000) < scores))
    assert result.error is not None
    assert result.error < 0.02
    braggart = reliability_of(detected(scores, rng.random(20_000) < scores / 2))
    assert braggart.error == pytest.approx(0.275, abs=0.02)
    assert braggart.excess == pytest.approx(braggart.error)


def test_nothing_to_count():
    result = reliability_of(detected([0.05], [True]))
    assert result.error is None
    assert result.excess is None


def test_a_score_of_one_is_in_the_last_bin():
    assert reliability_of(detected([1.0], [True])).counts[-1] == 1
