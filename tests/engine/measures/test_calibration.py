import numpy as np
import pytest

from engine.average_precision import evaluate_detections
from engine.measures.calibration import auroc, reliability, reliability_of
from tests.engine.by_hand import detected, marked

HERE, THERE, NOWHERE = (0.0, 0.0, 0.4, 0.4), (0.5, 0.0, 0.9, 0.4), (0.5, 0.5, 1.0, 1.0)


def test_bins_by_hand():
    found = [
        detected(("a", 0.95, HERE), ("a", 0.85, NOWHERE), ("a", 0.05, NOWHERE)),
        detected(("a", 0.93, HERE), ("a", 0.9, THERE), ("a", 0.12, NOWHERE)),
    ]
    truths = [marked(("a", HERE)), marked(("a", HERE), ("a", THERE, "difficult"))]
    result = reliability(evaluate_detections(found, truths).matches)
    assert result.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 2]  # neither 0.05 nor the ignored one
    assert result.mean_scores[[0, 7, 8]] == pytest.approx([0.12, 0.85, 0.94])
    assert result.shares_right[[0, 7, 8]].tolist() == [0, 0, 1]
    assert result.error == pytest.approx((0.12 + 0.85 + 2 * 0.06) / 4)
    assert result.excess == pytest.approx((0.12 + 0.85 - 2 * 0.06) / 4)


def of(scores, right):
    return reliability_of(np.array(scores), np.array(right), bins=9, lowest_score=0.1)


def test_honest_scores_have_a_small_error(rng):
    scores = rng.uniform(0.1, 1, 20_000)
    result = of(scores, rng.random(20_000) < scores)
    assert result.error is not None
    assert result.error < 0.02
    braggart = of(scores, rng.random(20_000) < scores / 2)
    assert braggart.error == pytest.approx(0.275, abs=0.02)
    assert braggart.excess == pytest.approx(braggart.error)


def test_the_ends_of_the_range():
    assert of([0.05], [True]).error is None
    assert of([0.05], [True]).excess is None
    assert of([1.0], [True]).counts[-1] == 1


def test_auroc():
    assert auroc(np.array([2, 3]), np.array([0, 1])) == 1
    assert auroc(np.array([0, 1]), np.array([2, 3])) == 0
    assert auroc(np.array([1, 3]), np.array([1, 2])) == pytest.approx((0.5 + 0 + 1 + 1) / 4)
    assert auroc(np.array([]), np.array([1])) is None
