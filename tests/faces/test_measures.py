import numpy as np
import pytest

from faces.classifier import Judgement
from faces.measures import choose_limit, choose_temperature, measure_faces, measure_unknown
from faces.training import train_head

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


def clusters(rng, count=60, views=2, size=12, names=3) -> tuple[np.ndarray, np.ndarray]:
    centres = rng.normal(0, 1.5, (names, size))
    classes = np.arange(count) % names
    rows = centres[classes][:, None] + rng.normal(0, 0.6, (count, views, size))
    return rows.astype(np.float16), classes


def textbook(rows, classes, shrinkage) -> np.ndarray:
    """Logits of the linear discriminant up to scale and an offset common to all names."""
    flat = rows.reshape(-1, rows.shape[-1]).astype(np.float64)
    of_row = np.repeat(classes, rows.shape[1])
    means = np.stack([flat[of_row == name].mean(axis=0) for name in np.unique(classes)])
    within = np.cov((flat - means[of_row]).T, bias=True)
    within += shrinkage * np.trace(within) / min(len(rows), len(within)) * np.eye(len(within))
    weights = np.linalg.solve(within, means.T)
    logits = flat @ weights - 0.5 * np.einsum("kd,dk->k", means, weights)
    return logits - logits.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [12, 300])  # through the covariance, and through the rows' products
def test_the_discriminant_is_the_textbooks(size, rng):
    rows, classes = clusters(rng, size=size)
    said = train_head(rows, classes, 3).logits(rows).reshape(-1, 3)
    said = said - said.mean(axis=1, keepdims=True)
    wanted = textbook(rows, classes, 0.3)
    scale = (said * wanted).sum() / (wanted**2).sum()
    np.testing.assert_allclose(said, wanted * scale, atol=0.02 * np.abs(said).max())


@pytest.mark.parametrize(("count", "views"), [(60, 2), (3, 1)])  # one face of each is enough
def test_the_head_learns_and_says_the_same_again(count, views, rng):
    rows, classes = clusters(rng, count=count, views=views)
    first, second = (train_head(rows, classes, 3) for _ in range(2))
    assert np.isfinite(first.kernel).all()
    assert (first.logits(rows).argmax(axis=-1) == classes[:, None]).mean() > 0.95
    np.testing.assert_array_equal(first.kernel, second.kernel)
