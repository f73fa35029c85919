"""Changes of colour: brightness, contrast, saturation and hue, as one linear map per picture.

The authors' Caffe code goes through the picture once per change, and through HSV for two of them. Here a
picture is gone through once. Saturation scales a colour's distance from its grey and hue turns it about the
axis of greys; both keep luma and keep greys grey, so contrast and brightness commute with them. The paper
draws whether contrast comes before or after saturation and hue: for linear maps that are clipped once at the
end both orders are the same map.
"""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from preprocessing.presets import Augmentation

# Maps of an RGB column. Luma's weights are those of ITU-R BT.601, which JPEG uses too.
LUMA = np.ones((3, 1)) @ np.array([[0.299, 0.587, 0.114]])  # to the grey of the same luma
CHROMA = np.eye(3) - LUMA  # to what a colour has besides
# The same, turned by 90 degrees: the cross product with the unit vector of greys turns a colour in the plane
# across it, in which the angle is the hue (to within 1.2 degrees of HSV's); taking luma away leaves the hue.
TURNED = CHROMA @ (np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3.0))

COLOUR_DRAWS = 8  # for each of four changes: whether, and how much


class ColourChange(NamedTuple):
    """colour -> matrix @ colour + offset."""

    matrix: tf.Tensor  # float32 [3, 3]
    offset: tf.Tensor  # float32 scalar, 0...255 units; the same for R, G and B


def draw_colour_change(draws, augmentation: Augmentation) -> ColourChange:
    """Turns numbers, float32 [COLOUR_DRAWS] uniform in 0...1, into a change of colour."""
    happens = draws[:4] < augmentation.colour_probability
    amount = draws[4:]
    brightness = tf.where(happens[0], (2.0 * amount[0] - 1.0) * augmentation.brightness, 0.0)
    contrast = tf.where(happens[1], _between(augmentation.contrast, amount[1]), 1.0)
    saturation = tf.where(happens[2], _between(augmentation.saturation, amount[2]), 1.0)
    hue = tf.where(happens[3], (2.0 * amount[3] - 1.0) * augmentation.hue, 0.0)
    return colour_change(brightness, contrast, saturation, hue, pivot=augmentation.contrast_pivot)


def colour_change(brightness, contrast, saturation, hue, *, pivot: float) -> ColourChange:
    """Brightness, then contrast about `pivot`, with saturation and hue before or after it.

    Args:
        brightness: scalar, added, 0...255 units.
        contrast: scalar factor, 1 changes nothing.
        saturation: scalar factor, 0 is grey, 1 changes nothing.
        hue: scalar, fraction of the circle.
        pivot: 0...255.
    """
    luma, chroma, turned = (tf.constant(matrix, tf.float32) for matrix in (LUMA, CHROMA, TURNED))
    angle = 2.0 * math.pi * hue
    matrix = luma + saturation * (tf.cos(angle) * chroma + tf.sin(angle) * turned)
    return ColourChange(contrast * matrix, contrast * (brightness - pivot) + pivot)


def change_colour(image, change: ColourChange) -> tf.Tensor:
    """Applies a change of colour and clips to 0...255: float32 [h, w, 3] -> float32 [h, w, 3]."""
    changed = tf.matmul(tf.reshape(image, [-1, 3]), change.matrix, transpose_b=True) + change.offset
    return tf.reshape(tf.clip_by_value(changed, 0.0, 255.0), tf.shape(image))


def _between(limits: tuple[float, float], amount):
    low, high = limits
    return low + (high - low) * amount
