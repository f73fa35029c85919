import numpy as np
import pytest

from preprocessing.crops import crop_around


def test_crop_and_its_box():
    image = np.zeros((100, 200, 3), np.uint8)
    image[20:60, 50:90] = 255
    crop, box = crop_around(image, np.array([0.2, 0.25, 0.6, 0.45]), 0.25)
    assert crop.shape == (60, 60, 3)
    np.testing.assert_allclose(box, [1 / 6, 1 / 6, 5 / 6, 5 / 6], atol=1e-6)
    inside = crop[10:50, 10:50]
    assert (inside == 255).all()
    assert crop.sum() == inside.sum()


@pytest.mark.parametrize(
    "box", [(0, 0, 1, 1), (-1, -1, 0.01, 0.01), (0.999, 0.999, 1, 1), (0.5, 0.5, 0.5, 0.5)]
)
def test_a_crop_never_leaves_the_picture_and_is_never_empty(box):
    crop, inside = crop_around(np.zeros((30, 20, 3), np.uint8), np.array(box), 0.5)
    assert 1 <= crop.shape[0] <= 30
    assert 1 <= crop.shape[1] <= 20
    assert ((inside >= 0) & (inside <= 1)).all()
