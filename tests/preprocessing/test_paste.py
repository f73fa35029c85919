"""Characters pasted into drawn pictures: they are where their boxes say, and hide nobody."""

import numpy as np
import tensorflow as tf

from preprocessing.augment import Picture
from preprocessing.paste import MOST_HIDDEN, paste
from preprocessing.presets import Augmentation

SIZE = 160
AUGMENTATION = Augmentation(flip_probability=0.5)


def donor() -> Picture:
    """A red rectangle of 40 x 20 of 100 x 100 pixels, and an object that is not asked for."""
    image = np.full((100, 100, 3), 100, np.uint8)
    image[30:70, 50:70] = (255, 0, 0)
    whole = tf.constant(image), tf.zeros([2], tf.int32), tf.constant([100.0, 100.0])
    boxes = tf.constant([[0.0, 0.0, 0.1, 0.1], [0.3, 0.5, 0.7, 0.7]])
    return Picture(lambda window, size: whole, boxes, tf.constant([1, 7]))


def pasted(number: int, boxes=(), seed=9):
    image = tf.fill([SIZE, SIZE, 3], 30.0)
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return paste(
        image, boxes, tf.ones([len(boxes)], tf.int32), donor(), 1, [seed, number], AUGMENTATION, size=SIZE
    )


def test_what_is_pasted_is_where_its_box_says():
    places = set()
    for number in range(20):
        image, boxes, classes = pasted(number)
        assert classes.numpy().tolist() == [7]
        red = image.numpy()[..., 0] - image.numpy()[..., 1]
        rows, columns = np.nonzero(red > 110)
        found = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
        fade = 3.0  # 0.08 of a side of at most 0.4 · 1.3 · 160 pixels, half of which is opaque enough
        np.testing.assert_allclose(found, boxes[0] * SIZE, atol=fade)
        sides = (boxes[0, 2:] - boxes[0, :2]).numpy()
        assert 0.7 * 0.4 - 0.01 <= sides[0] <= 1.3 * 0.4 + 0.01
        np.testing.assert_allclose(sides[0], 2 * sides[1], atol=0.015)
        assert (red[rows.min() + 6 : rows.max() - 6, columns.min() + 4 : columns.max() - 4] > 200).all()
        places.add(tuple(found))
    assert len(places) >= 15


def test_it_hides_none_of_the_others():
    left, pastes = [0.0, 0.0, 1.0, 0.6], 0
    for number in range(20):
        _, boxes, classes = pasted(number, [left])
        np.testing.assert_allclose(boxes[0], left)
        if len(classes) == 2:
            pastes += 1
            top, near, bottom, _ = boxes[1].numpy()
            assert max(0.0, 0.6 - near) * (bottom - top) / 0.6 <= MOST_HIDDEN
    assert pastes >= 15
    crowd = [[y, x, y + 0.05, x + 0.05] for y in np.arange(0, 1, 0.05) for x in np.arange(0, 1, 0.05)]
    image, boxes, _ = pasted(1, crowd)
    assert len(boxes) == len(crowd)
    assert (image.numpy() == 30.0).all()


def test_objects_too_small_to_be_recognised_stay_where_they_are():
    image = tf.fill([SIZE, SIZE, 3], 30.0)
    _, boxes, _ = paste(
        image, tf.zeros([0, 4]), tf.zeros([0], tf.int32), donor(), 0, [1, 1], AUGMENTATION, size=60
    )
    assert boxes.shape == (0, 4)
