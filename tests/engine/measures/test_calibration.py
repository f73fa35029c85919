import numpy as np
import pytest

from engine.measures.calibration import auroc, reliability_of
from engine.measures.measure import measure
from nets.thresholds import Thresholds
from tests.engine.by_hand import A, C, D, detected, evaluated, marked


def test_bins_by_hand():
    found = [
        detected(("a", 0.95, A), ("a", 0.85, D), ("a", 0.05, D)),
        detected(("a", 0.93, A), ("a", 0.9, C), ("a", 0.12, D)),
    ]
    truths = [marked(("a", A)), marked(("a", A), ("a", C, "difficult"))]
    result = measure(evaluated(found, truths), Thresholds()).calibration
    assert result.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 2]  # neither 0.05 nor the ignored one
    assert result.mean_scores[[0, 7, 8]] == pytest.approx([0.12, 0.85, 0.94])
    assert result.shares_right[[0, 7, 8]].tolist() == [0, 0, 1]
    assert result.error == pytest.approx((0.12 + 0.85 + 2 * 0.06) / 4)
    assert result.excess == pytest.approx((0.12 + 0.85 - 2 * 0.06) / 4)


def test_honest_scores_have_a_small_error(rng):
    scores = rng.uniform(0.1, 1, 20_000)
    assert reliability_of(scores, rng.random(20_000) < scores).error == pytest.approx(0, abs=0.02)
    braggart = reliability_of(scores, rng.random(20_000) < scores / 2)
    assert braggart.error == pytest.approx(0.275, abs=0.02)
    assert braggart.excess == pytest.approx(braggart.error)


def test_the_ends_of_the_range():
    low, high = (reliability_of(np.array([score]), np.array([True])) for score in (0.05, 1.0))
    assert (low.error, low.excess) == (None, None)
    assert high.counts[-1] == 1


@pytest.mark.parametrize(
    ("higher", "lower", "area"),
    [([2, 3], [0, 1], 1), ([0, 1], [2, 3], 0), ([1, 3], [1, 2], (0.5 + 0 + 1 + 1) / 4), ([], [1], None)],
)
def test_auroc(higher, lower, area):
    assert auroc(np.array(higher), np.array(lower)) == area
