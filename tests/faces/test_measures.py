import numpy as np
import pytest

from faces.classifier import Judgement
from faces.measures import choose_limit, choose_temperature, measure_faces, measure_unknown

NAMES = ("aka", "ao", "kuro")
# Answers: right, right, wrong (second), right, wrong (third)
LOGITS = np.array([[4, 1, 0], [3, 2, 0], [2, 1.5, 0], [0, 1, 5], [3, 1, 0.0]], float)
TRUTH = np.array([0, 0, 1, 2, 2])
GROUPS = ["s1", "s1", "s2", "s3", "s3"]


def measure(limit=None, strangers=None):
    return measure_faces(NAMES, LOGITS, TRUTH, GROUPS, Judgement(limit=limit), strangers=strangers)


def test_counts_by_hand():
    found = measure()
    assert found.top1 == pytest.approx(3 / 5)
    assert found.top5 == 1.0
    assert found.mean_recall == pytest.approx((1 + 0 + 0.5) / 3)
    np.testing.assert_array_equal(found.confusion, [[2, 0, 0, 0], [1, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])
    aka, ao, kuro = found.per_name
    assert (aka.faces, aka.right, aka.called, aka.precision) == (2, 2, 4, 0.5)
    assert (ao.recall, ao.precision, ao.taken_for) == (0.0, None, ("aka", 1))
    assert kuro.taken_for == ("aka", 1)
    assert found.top1_interval[0] <= found.top1 <= found.top1_interval[1]
    assert found.unknown is None


def test_unknown_takes_the_doubtful(rng):
    found = measure(limit=0.9, strangers=np.array([[1, 0.9, 0.8], [5, 0, 0.0]]))
    np.testing.assert_array_equal(found.confusion, [[2, 0, 0, 0], [0, 0, 0, 1], [1, 0, 1, 0], [1, 0, 0, 1]])
    assert found.unknown is not None
    assert (found.unknown.strangers, found.unknown.rejected, found.unknown.right_kept) == (2, 1, 1.0)
    assert found.unknown.rejected_share == 0.5


def test_the_temperature_makes_honest_probabilities(rng):
    logits = rng.normal(size=(4000, 5)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(5, p=row) for row in shares])
    assert choose_temperature(logits * 3, truth) == pytest.approx(3, rel=0.1)
    assert choose_temperature(np.zeros((0, 5)), np.zeros(0, int)) == 1.0
    judgement, groups = Judgement(temperature=3, limit=0), list(map(str, range(4000)))
    found = measure_faces("abcde", logits * 3, truth, groups, judgement)
    assert found.calibration.error is not None
    assert found.uncalibrated.error is not None
    assert found.calibration.error < 0.03 < found.uncalibrated.error


def test_the_limit_keeps_nineteen_in_twenty():
    logits = np.zeros((100, 2))
    logits[:, 0] = np.arange(100)
    limit = choose_limit(logits, np.zeros(100, int))
    assert limit is not None
    assert (logits[:, 0] >= limit).sum() == 95
    assert choose_limit(logits[1:], np.ones(99, int)) is None  # nothing right
    assert choose_limit(np.zeros((0, 2)), np.zeros(0, int)) is None


def test_strangers_of_nobody_are_no_accident():
    found = measure_unknown(LOGITS, TRUTH, np.zeros((0, 3)), Judgement(limit=0.5))
    assert (found.strangers, found.rejected_share, found.auroc) == (0, None, None)
    with pytest.raises(ValueError, match="no face of a known name"):
        measure_faces(NAMES, LOGITS[:0], TRUTH[:0], [], Judgement())
