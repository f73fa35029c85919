"""Four pictures in one (Bochkovskiy et al. 2020, YOLOv4, section 3.3): more objects, smaller, in new company.

Each picture fills one of four rectangles around a point, augmented as if it stood alone. Of a rectangle that
is not square only a part of the picture with the same proportions is shown, so that characters keep theirs.
"""

from collections.abc import Sequence

import tensorflow as tf

from preprocessing.augment import Picture, augment_picture, salted
from preprocessing.presets import Augmentation

PICTURES = 4
NEAREST = 0.3  # of the picture's side: how near to its border the point may lie


def mosaic(pictures: Sequence[Picture], seed, augmentation: Augmentation, *, size: int):
    """Puts four pictures into one.

    Args:
        pictures: four; left and right above, left and right below.
        seed: int64 [2], the same pair gives the same result.
        augmentation: of each of the four.
        size: S.

    Returns:
        image float32 [S, S, 3] in 0...255, boxes float32 [K, 4], classes int32 [K].
    """
    draws = tf.random.stateless_uniform([2 + 2 * PICTURES], salted(seed, 0), alg="philox")
    point = tf.cast(tf.round((NEAREST + draws[:2] * (1.0 - 2.0 * NEAREST)) * size), tf.int32)
    rows, columns = (tf.stack([point[axis], size - point[axis]]) for axis in (0, 1))
    images, boxes, classes = [], [], []
    for number, picture in enumerate(pictures):
        row, column = divmod(number, 2)
        corner = tf.stack([row * point[0], column * point[1]])
        sides = tf.stack([rows[row], columns[column]])
        share = tf.cast(sides, tf.float32) / tf.cast(tf.reduce_max(sides), tf.float32)
        place = draws[2 + 2 * number : 4 + 2 * number] * (1.0 - share)
        image, moved, kept = augment_picture(
            picture,
            salted(seed, 1 + number),
            augmentation,
            size=sides,
            part=tf.concat([place, place + share], axis=0),
        )
        images.append(image)
        scale, offset = tf.cast(sides, tf.float32) / size, tf.cast(corner, tf.float32) / size
        boxes.append(moved * tf.tile(scale, [2]) + tf.tile(offset, [2]))
        classes.append(kept)
    above, below = (tf.concat(images[row : row + 2], axis=1) for row in (0, 2))
    image = tf.ensure_shape(tf.concat([above, below], axis=0), [size, size, 3])
    return image, tf.clip_by_value(tf.concat(boxes, axis=0), 0.0, 1.0), tf.concat(classes, axis=0)
