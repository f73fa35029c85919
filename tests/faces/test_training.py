import numpy as np
import pytest

from faces.training import train_head


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
