"""A character of another picture pasted in (after Ghiasi et al. 2021, "Simple Copy-Paste"), for rare names.

Labels are boxes, not outlines, so what is pasted is the box with what is around the character in it; its
border fades, so that the network cannot learn to look for edges. It lands where it hides least of the others.
"""

import tensorflow as tf

from preprocessing.augment import Picture, salted
from preprocessing.geometric import area, flip_picture, sample_window, shared_area
from preprocessing.photometric import COLOUR_DRAWS, change_colour, draw_colour_change
from preprocessing.presets import Augmentation

SCALES = (0.7, 1.3)  # of its size in its own picture
LARGEST = 0.6  # of the picture's side
SMALLEST = 16.0  # pixels
PLACES = 12  # tried
MOST_HIDDEN = 0.3  # of another character; if every place hides more, nothing is pasted
FADE = 0.08  # of its side: how far in from its border it is transparent
_WHETHER, _HOW = 64, 16  # which of a picture's chances (`salted`) decide here


def paste_sometimes(
    image, boxes, classes, donor: Picture, chosen, seed, augmentation: Augmentation, *, size: int
):
    """`paste`, as often as the augmentation says."""
    happens = tf.random.stateless_uniform([2], salted(seed, _WHETHER), alg="philox")[1]
    return tf.cond(
        happens < augmentation.paste_probability,
        lambda: paste(image, boxes, classes, donor, chosen, seed, augmentation, size=size),
        lambda: (image, boxes, classes),
    )


def paste(image, boxes, classes, donor: Picture, chosen, seed, augmentation: Augmentation, *, size: int):
    """Pastes one object of another picture into a finished one.

    Args:
        image: float32 [S, S, 3].
        boxes: float32 [G, 4].
        classes: int32 [G].
        chosen: scalar, which of the donor's objects.
        seed: int64 [2], the same pair gives the same result.
        augmentation: of its colours, and whether it may be flipped.

    Returns:
        The picture, boxes [G + 1, 4] and classes [G + 1], or all three as they were.
    """
    draws = tf.random.stateless_uniform([2 + COLOUR_DRAWS + 2 * PLACES], salted(seed, _HOW), alg="philox")
    window = donor.boxes[chosen]
    natural = window[2:] - window[:2]  # fractions of its picture, so of ours
    scale = SCALES[0] + draws[0] * (SCALES[1] - SCALES[0])
    scale = tf.minimum(scale, LARGEST / tf.reduce_max(natural))
    sides = tf.cast(tf.round(natural * scale * size), tf.int32)  # [2] pixels

    spare = tf.cast(size - sides, tf.float32)
    corners = tf.cast(tf.round(tf.reshape(draws[2 + COLOUR_DRAWS :], [PLACES, 2]) * spare), tf.int32)
    places = tf.cast(tf.concat([corners, corners + sides], axis=1), tf.float32) / size  # [PLACES, 4]
    shares = shared_area(places, boxes) / tf.maximum(area(boxes), 1e-9)  # of each box: [PLACES, G]
    hidden = tf.reduce_max(tf.pad(shares, [[0, 0], [0, 1]]), axis=1)
    best = tf.argmin(hidden)  # the first of those that hide nothing
    big_enough = tf.reduce_all(tf.cast(sides, tf.float32) >= SMALLEST)

    def pasted():
        pixels, origin, picture_size = donor.take(window, sides)
        piece = sample_window(pixels, origin, picture_size, window, sides).picture
        if augmentation.colour_probability:
            piece = change_colour(piece, draw_colour_change(draws[2 : 2 + COLOUR_DRAWS], augmentation))
        piece = tf.cond(draws[1] < augmentation.flip_probability, lambda: flip_picture(piece), lambda: piece)
        around = tf.stack([corners[best], size - sides - corners[best]], axis=1)  # [2, 2]
        around = tf.pad(around, [[0, 1], [0, 0]])
        opacity = tf.pad(_fading(sides), around)
        result = image * (1.0 - opacity) + tf.pad(piece, around) * opacity
        return (
            tf.ensure_shape(result, [size, size, 3]),
            tf.concat([boxes, places[best][tf.newaxis]], axis=0),
            tf.concat([classes, donor.classes[chosen][tf.newaxis]], axis=0),
        )

    return tf.cond(big_enough & (hidden[best] <= MOST_HIDDEN), pasted, lambda: (image, boxes, classes))


def _fading(sides):
    """Opacity of a piece, 1 inside and falling towards its border: int32 [2] -> float32 [h, w, 1]."""
    ramps = []
    for axis in (0, 1):
        count = tf.cast(sides[axis], tf.float32)
        centre = tf.range(count) + 0.5
        ramps.append(tf.minimum(tf.minimum(centre, count - centre) / tf.maximum(FADE * count, 1.0), 1.0))
    return (ramps[0][:, tf.newaxis] * ramps[1])[..., tf.newaxis]
