"""Shows what a window holds, in one resampling as that of `preprocessing.resize`, from a part of the picture.

What windows are, and how they are drawn, stands in `preprocessing.geometric`.
"""

from typing import NamedTuple

import tensorflow as tf


class Sampling(NamedTuple):
    """What a window shows: the picture's share of the output, and where it lies there."""

    picture: tf.Tensor  # float32 [h, w, 3], 0...255, only the output pixels whose centres lie on the picture
    # int32 [3, 2], output pixels that lie outside before and after, of rows, columns, channels
    paddings: tf.Tensor


def sample_window(pixels, origin, picture_size, window, size) -> Sampling:
    """Resizes what a window shows, in one step, from a part of the picture.

    The window may reach over the picture's border; the window (0, 0, 1, 1) is exactly `resize_picture`.

    Args:
        pixels: uint8 or float32 [h, w, 3], a part of the picture that holds `source_pixels` of the window.
        origin: int32 [2], row and column of the picture at which `pixels` begins.
        picture_size: [2], H and W of the whole picture; may be fractions where it was decoded smaller.
        window: float32 [4], (ymin, xmin, ymax, xmax) as fractions of the picture.
        size: the height and width in pixels that the whole window gets: S for both, or int32 [2].
    """
    size = tf.cast(size, tf.float32)
    picture_size = tf.cast(picture_size, tf.float32)
    low = window[:2] * picture_size
    scale = size / ((window[2:] - window[:2]) * picture_size)  # output pixels per pixel of the picture
    # An output pixel is the picture's where its centre, not just its edge, lies on the picture.
    first = tf.maximum(tf.math.ceil(-low * scale - 0.5), 0.0)
    end = tf.minimum(tf.math.floor((picture_size - low) * scale - 0.5) + 1.0, size)
    count = tf.maximum(end - first, 1.0)
    first = tf.minimum(first, size - count)
    picture = tf.raw_ops.ScaleAndTranslate(
        images=pixels[tf.newaxis],
        size=tf.cast(count, tf.int32),
        scale=scale,
        translation=(tf.cast(origin, tf.float32) - low) * scale - first,
        kernel_type="triangle",
        antialias=True,
    )[0]
    before_after = tf.stack([first, size - first - count], axis=1)  # [2, 2]
    return Sampling(picture, tf.pad(tf.cast(before_after, tf.int32), [[0, 1], [0, 0]]))


def source_pixels(picture_size, window, size) -> tuple[tf.Tensor, tf.Tensor]:
    """The part of the picture that `sample_window` looks at: the window, and around it the filter's reach.

    Args:
        picture_size: [2], H and W; may be fractions, of which the pixels are the next higher number.
        window: float32 [4], fractions of the picture.
        size: as for `sample_window`.

    Returns:
        Two int32 [2]: the first row and column; how many rows and columns, at least 1.
    """
    size = tf.cast(size, tf.float32)
    picture_size = tf.cast(picture_size, tf.float32)
    low, high = window[:2] * picture_size, window[2:] * picture_size
    pixels = tf.math.ceil(picture_size)
    reach = tf.maximum((high - low) / size, 1.0) + 1.0  # the triangle's half width, and one to round
    first = tf.clip_by_value(tf.math.floor(low - reach), 0.0, pixels - 1.0)
    end = tf.clip_by_value(tf.math.ceil(high + reach), first + 1.0, pixels)
    return tf.cast(first, tf.int32), tf.cast(end - first, tf.int32)
