import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from boxes.geometry import crop_around
from preprocessing.geometric import sample_window, source_pixels
from preprocessing.resize import resize_picture

WHOLE = tf.constant([0.0, 0.0, 1.0, 1.0])
MEAN = np.array([123.0, 117.0, 104.0])  # SSD-Tensorflow's training takes it away before resizing


def scene(rng, height, width):
    """Smooth colours with hard edges: uint8 [height, width, 3]."""
    small = rng.uniform(0.0, 255.0, (5, 5, 3)).astype(np.float32)
    image = tf.image.resize(small, (height, width), method="bicubic").numpy()
    image[height // 4 : height // 2, width // 3 : width // 2] = (255.0, 0.0, 40.0)
    return np.clip(image, 0.0, 255.0).astype(np.uint8)


@pytest.mark.parametrize(
    "height_width", [(512, 512), (97, 151), (300, 300), (560, 350), (1, 1), (1080, 1920)]
)
def test_resized_pictures_are_squares_of_values_0_to_255(rng, height_width):
    resized = resize_picture(scene(rng, *height_width) if min(height_width) > 4 else np.zeros((1, 1, 3)), 300)
    assert resized.shape == (300, 300, 3)
    assert resized.dtype == tf.float32
    assert resized.numpy().min() >= 0.0
    assert resized.numpy().max() <= 255.001


def test_a_picture_of_the_right_size_is_left_alone(rng):
    image = scene(rng, 300, 300)
    np.testing.assert_allclose(resize_picture(image, 300), image, atol=1e-3)


def test_shrinking_averages_instead_of_skipping():
    stripes = np.zeros((600, 600, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the 100 columns can show
    shrunk = resize_picture(stripes, 100).numpy()[:, 5:-5]
    assert np.abs(shrunk - 127.5).max() < 10.0


def test_growing_matches_bilinear_interpolation_by_hand():
    row = np.array([[[0.0], [100.0]]], np.float32).repeat(3, axis=2)  # centres at 1/4 and 3/4
    grown = resize_picture(row, 4).numpy()
    np.testing.assert_allclose(grown[:, :, 0], [[0.0, 25.0, 75.0, 100.0]] * 4, atol=1e-3)


def test_the_whole_window_is_the_whole_picture(rng):
    image = scene(rng, 211, 340)
    sampling = sample_window(image, [0, 0], image.shape[:2], WHOLE, 120)
    assert not sampling.paddings.numpy().any()
    np.testing.assert_array_equal(sampling.picture, resize_picture(image, 120))


sides, corners = st.floats(0.02, 3.0), st.floats(-1.5, 0.99)


@given(corners, corners, sides, sides, st.sampled_from([33, 64]), st.integers(0, 9))
def test_a_part_of_the_picture_is_enough(top, left, height, width, size, seed):
    """Decoding source_pixels alone gives what decoding everything gives."""
    window = tf.constant([top, left, max(top + height, 0.05), max(left + width, 0.05)], tf.float32)
    image = scene(np.random.default_rng(seed), 90, 70)
    (row, column), (rows, columns) = (part.numpy() for part in source_pixels([90, 70], window, size))
    part = image[row : row + rows, column : column + columns]
    assert part.shape[:2] == (rows, columns)
    from_part = sample_window(part, [row, column], [90, 70], window, size)
    from_all = sample_window(image, [0, 0], [90, 70], window, size)
    np.testing.assert_array_equal(from_part.paddings, from_all.paddings)
    np.testing.assert_allclose(from_part.picture, from_all.picture, atol=0.05)
    assert (from_all.paddings.numpy() >= 0).all()
    np.testing.assert_array_equal(
        np.array(from_all.picture.shape[:2]) + from_all.paddings.numpy()[:2].sum(axis=1), [size, size]
    )


def test_a_canvas_places_the_picture_to_the_pixel():
    """Zoom-out by 2, the picture a quarter from the top and at the left."""
    white = np.full((50, 50, 3), 255, np.uint8)
    sampling = sample_window(white, [0, 0], [50, 50], tf.constant([-0.5, 0.0, 1.5, 2.0]), 100)
    np.testing.assert_array_equal(sampling.paddings, [[25, 25], [0, 50], [0, 0]])
    np.testing.assert_allclose(sampling.picture, np.full((50, 50, 3), 255.0), atol=1e-3)


@pytest.mark.parametrize("name", ["dog320x240", "tall_crop_560x350", "small_odd_97x151"])
def test_the_ancestors_resizing_is_ours_without_smoothing_half_a_pixel_aside(shared, name):
    """TensorFlow 1 sampled at the pixels' corners; moved by half a pixel, what only grows is the same."""
    golden = np.load(shared / "golden/preprocess_eval.npz")
    raw = golden[f"raw/{name}"]
    expected = golden[f"{name}/WARP_RESIZE/300/image"] + MEAN
    pixels = np.array(raw.shape[:2], np.float32)
    shift = 0.5 / pixels - 0.5 / 300.0  # fractions of the picture
    window = tf.constant([*shift, *(1.0 + shift)], tf.float32)
    sampling = sample_window(raw, [0, 0], raw.shape[:2], window, 300)
    (top, _), (left, _), _ = sampling.paddings.numpy()
    rows, columns, _ = sampling.picture.shape
    same_part = expected[top : top + rows, left : left + columns]
    difference = np.abs(sampling.picture.numpy() - same_part)[5:-5, 5:-5]  # borders are extended differently
    if max(raw.shape[:2]) <= 300:
        assert difference.max() < 0.1
    else:
        assert difference.mean() < 4.0


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
