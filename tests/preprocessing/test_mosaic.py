"""Mosaics of drawn rectangles: each of them is found where its box says."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.augment import Picture
from preprocessing.decode import decode_window
from preprocessing.mosaic import mosaic
from preprocessing.presets import Augmentation, adjusted, get_preset

SIZE = 200
COLOURS = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)], np.float32)


def square_picture(rng, colour) -> tuple[bytes, np.ndarray]:
    """A coloured rectangle on grey: an encoded picture and its box [1, 4]."""
    height, width = (int(side) for side in rng.integers(120, 260, 2))
    top, left = int(rng.integers(10, height // 2)), int(rng.integers(10, width // 2))
    bottom = top + int(rng.integers(height // 5, height // 2))
    right = left + int(rng.integers(width // 5, width // 2))
    image = np.full((height, width, 3), 100, np.uint8)
    image[top:bottom, left:right] = colour
    box = np.array([[top / height, left / width, bottom / height, right / width]], np.float32)
    return tf.io.encode_jpeg(image, quality=100, chroma_downsampling=False).numpy(), box


@tf.function(
    input_signature=[
        tf.TensorSpec([4], tf.string),
        tf.TensorSpec([4, 1, 4], tf.float32),
        tf.TensorSpec([2], tf.int64),
    ]
)
def plain_mosaic(encoded, boxes, seed):
    pictures = [Picture(partial(decode_window, encoded[i]), boxes[i], tf.constant([i + 1])) for i in range(4)]
    return mosaic(pictures, seed, adjusted(get_preset("none"), flip_probability=0.5), size=SIZE)


def is_colour(image, colour):
    return np.abs(image - colour).max(axis=-1) < 60


def test_every_object_is_where_its_box_says(rng):
    seen = 0
    for number in range(25):
        squares = [square_picture(rng, colour) for colour in COLOURS]
        image, boxes, classes = plain_mosaic(
            [encoded for encoded, _ in squares],
            [box for _, box in squares],
            tf.constant([3, number], tf.int64),
        )
        image = image.numpy()
        assert image.shape == (SIZE, SIZE, 3)
        assert len(set(classes.numpy())) == len(classes)
        for box, class_id in zip(boxes.numpy(), classes.numpy(), strict=True):
            mask = is_colour(image, COLOURS[class_id - 1])
            rows, columns = np.nonzero(mask)
            found = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
            np.testing.assert_allclose(found, box * SIZE, atol=1.6)
            seen += 1
    assert seen >= 50


def test_characters_keep_their_proportions():
    """A square object stays one in rectangles of any shape."""
    image = np.full((100, 100, 3), 100, np.uint8)
    image[40:60, 40:60] = (255, 0, 0)
    encoded = tf.io.encode_jpeg(image, quality=100, chroma_downsampling=False).numpy()
    box = np.array([[[0.4, 0.4, 0.6, 0.6]]] * 4, np.float32)
    sides = []
    for number in range(15):
        _, boxes, _ = plain_mosaic([encoded] * 4, box, tf.constant([4, number], tf.int64))
        sides += list((boxes[:, 2:] - boxes[:, :2]).numpy() * SIZE)
    height, width = np.transpose(sides)
    assert len(sides) >= 30
    assert (np.abs(height - width) < 0.5).mean() > 0.7  # the others are cut by a border


def test_the_same_seed_gives_the_same_mosaic_and_another_another(rng):
    squares = [square_picture(rng, colour) for colour in COLOURS]
    arguments = [encoded for encoded, _ in squares], [box for _, box in squares]
    one, same, other = (plain_mosaic(*arguments, tf.constant([5, n], tf.int64)) for n in (1, 1, 2))
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize("preset", ["none", "anime"])
def test_pictures_without_objects_make_a_mosaic_without_objects(preset):
    grey = tf.io.encode_jpeg(np.full((60, 80, 3), 100, np.uint8)).numpy()
    picture = Picture(partial(decode_window, grey), tf.zeros([0, 4]), tf.zeros([0], tf.int32))
    image, boxes, classes = mosaic(
        [picture] * 4, tf.constant([1, 2], tf.int64), get_preset(preset), size=SIZE
    )
    assert image.shape == (SIZE, SIZE, 3)
    assert boxes.shape == (0, 4)
    assert classes.shape == (0,)


def test_adjusting_changes_what_was_named_and_nothing_else():
    anime = get_preset("anime")
    assert adjusted(anime) == anime
    assert adjusted(anime, zoom_out_max=1.0).zoom_out_probability == 0.0
    assert adjusted(anime, crop_min=1.0).crop_overlaps == ()
    assert adjusted(anime, crop_min=0.6).crop_scale == (0.6, 1.0)
    grey = adjusted(anime, colour_strength=0.0)
    assert (grey.brightness, grey.contrast, grey.saturation, grey.hue) == (0.0, (1.0, 1.0), (1.0, 1.0), 0.0)
    strong = adjusted(anime, colour_strength=2.0)
    assert strong.saturation == pytest.approx((0.8, 1.2))
    assert strong.brightness == 32.0
    assert adjusted(Augmentation(), crop_min=0.5).crop_overlaps == anime.crop_overlaps
