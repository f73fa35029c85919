import colorsys

import keras
import numpy as np
import pytest

from faces.encoder import MIRRORED, PLAIN, cell_shares, face_view, look_at, pooled

FACE = "0123456789abcdef" * 2


def test_the_first_two_views_are_the_face_and_its_mirror_image(rng):
    image = rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)
    assert (face_view(0, FACE), face_view(1, FACE)) == (PLAIN, MIRRORED)
    np.testing.assert_array_equal(look_at(image, PLAIN), image)
    np.testing.assert_array_equal(look_at(image, MIRRORED), image[:, ::-1])


def test_views_are_drawn_by_number_and_face():
    assert face_view(4, FACE) == face_view(4, FACE)
    drawn = face_view(4, FACE), face_view(5, FACE), face_view(4, "f" * 32)
    assert len({view.key() for view in drawn}) == 3


def test_colours_keep_their_hue():
    """Hair and eyes say who it is: no view may turn red into orange."""
    for colour in ((200, 60, 60), (60, 90, 200), (90, 160, 80)):
        image = np.full((24, 24, 3), colour, np.uint8)
        hue = colorsys.rgb_to_hsv(*(value / 255 for value in colour))[0]
        for number in range(2, 30):
            seen = look_at(image, face_view(number, FACE))[12, 12]
            turned = abs(colorsys.rgb_to_hsv(*(value / 255 for value in seen))[0] - hue)
            assert min(turned, 1 - turned) < 0.01
            assert np.abs(seen.astype(int) - colour).max() < 30


def test_most_of_the_face_stays():
    image = np.zeros((60, 60, 3), np.uint8)
    image[24:36, 24:36] = 255
    for number in range(2, 40):
        seen = look_at(image, face_view(number, FACE))
        assert (seen.shape, seen.dtype) == (image.shape, np.uint8)
        rows, columns = np.nonzero(seen[..., 0] > 100)
        assert 18 <= rows.mean() <= 42
        assert 18 <= columns.mean() <= 42
        assert 100 < len(rows) < 300
        assert look_at(image[:1, :1], face_view(number, FACE)).shape == (1, 1, 3)


def test_shares_of_rows():
    np.testing.assert_allclose(cell_shares(2, 4), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    np.testing.assert_allclose(cell_shares(2, 3), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], rtol=1e-6)
    assert cell_shares(3, 19).sum(axis=1) == pytest.approx(1)


def test_roots_of_the_means_of_cells_with_length_one_and_a_black_map_is_no_accident(rng):
    maps = rng.uniform(0, 3, (2, 6, 6, 5)).astype(np.float32)
    cells = maps.reshape(2, 2, 3, 2, 3, 5).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 2, 9, 5)
    wanted = np.sqrt(cells.mean(axis=3).reshape(2, -1))
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    given = keras.ops.convert_to_numpy(pooled(maps, 2))
    np.testing.assert_allclose(given, wanted, rtol=1e-3)
    assert np.isfinite(keras.ops.convert_to_numpy(pooled(np.zeros_like(maps), 2))).all()
