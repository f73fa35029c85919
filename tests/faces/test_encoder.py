import keras
import numpy as np
import pytest

from faces.encoder import cell_shares, pooled


def test_shares_of_rows():
    np.testing.assert_allclose(cell_shares(2, 4), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    np.testing.assert_allclose(cell_shares(2, 3), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], rtol=1e-6)
    assert cell_shares(3, 19).sum(axis=1) == pytest.approx(1)


def test_means_of_cells(rng):
    maps = rng.uniform(0, 3, (2, 6, 6, 5)).astype(np.float32)
    cells = maps.reshape(2, 2, 3, 2, 3, 5).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 2, 9, 5)
    wanted = np.sqrt(cells.mean(axis=3).reshape(2, -1))
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    given = keras.ops.convert_to_numpy(pooled(maps, 2))
    np.testing.assert_allclose(given, wanted, rtol=1e-3)


def test_rows_have_length_one_and_a_black_map_is_no_accident(rng):
    maps = np.zeros((2, 4, 4, 3), np.float32)
    maps[0] = rng.uniform(0, 1, (4, 4, 3))
    rows = np.asarray(keras.ops.convert_to_numpy(pooled(maps, 2)))
    assert np.isfinite(rows).all()
    assert np.linalg.norm(rows[0]) == pytest.approx(1, rel=1e-5)
