"""One training picture: what is drawn for it, and the picture and boxes that come of it.

What is drawn depends on the seed and the boxes alone, so it is known before a pixel is decoded, and only the
window that will be shown is.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from preprocessing import geometric
from preprocessing.photometric import COLOUR_DRAWS, ColourChange, change_colour, draw_colour_change
from preprocessing.presets import Augmentation


class Plan(NamedTuple):
    """Everything that chance decides about one picture."""

    window: tf.Tensor  # float32 [4], what is shown, as fractions of the picture; may reach over its border
    flip: tf.Tensor  # bool scalar, whether left and right are swapped at the end
    colour: ColourChange  # what happens to the picture's colours; the canvas keeps its own


def draw_plan(boxes, seed, augmentation: Augmentation) -> Plan:
    """Decides about one picture.

    Args:
        boxes: float32 [G, 4], fractions of the picture.
        seed: int64 [2], the same pair gives the same plan on every machine.
    """
    # One call for all numbers: two calls with one seed would give the same numbers twice.
    counts = [geometric.ZOOM_OUT_DRAWS, COLOUR_DRAWS, 1, geometric.crop_draws(augmentation)]
    draws = tf.random.stateless_uniform([sum(counts)], seed, alg="philox")
    zoom_out, colour, flip, crop = tf.split(draws, counts)

    window = geometric.whole_picture()
    if augmentation.zoom_out_probability:
        window = geometric.draw_zoom_out(zoom_out, augmentation)
    if augmentation.crop_overlaps:
        everything = tf.concat([boxes, geometric.whole_picture()[tf.newaxis]], axis=0)
        on_canvas = geometric.seen_through(window, everything)
        part = geometric.draw_crop(crop, on_canvas[:-1], on_canvas[-1], augmentation)
        window = geometric.window_inside(window, part)
    return Plan(window, flip[0] < augmentation.flip_probability, draw_colour_change(colour, augmentation))


class Picture(NamedTuple):
    """A picture that has not been decoded yet, and its objects."""

    # (window float32 [4], size) -> pixels, their origin and the picture's size, as
    # `engine.input.pictures.decode_window`
    take: Callable
    boxes: tf.Tensor  # float32 [G, 4]; G may be 0
    classes: tf.Tensor  # int32 [G]


def augment_picture(picture: Picture, seed, augmentation: Augmentation, *, size: int):
    """Augments a picture and resizes it to the network's size; the same `seed`, int64 [2], does the same.

    Returns:
        image float32 [S, S, 3] in 0...255, boxes float32 [K, 4], classes int32 [K] with K <= G.
    """
    plan = draw_plan(picture.boxes, seed, augmentation)
    pixels, origin, picture_size = picture.take(plan.window, size)
    sampling = geometric.sample_window(pixels, origin, picture_size, plan.window, size)
    image = render(sampling, plan, augmentation, size=size)
    smallest_side = augmentation.smallest_side / tf.cast(size, tf.float32)
    seen = geometric.seen_through(plan.window, picture.boxes)
    moved, keep = geometric.keep_visible(seen, smallest_side=smallest_side)
    moved = tf.where(plan.flip, geometric.flip_boxes(moved), moved)
    return image, tf.boolean_mask(moved, keep), tf.boolean_mask(picture.classes, keep)


def render(sampling: geometric.Sampling, plan: Plan, augmentation: Augmentation, *, size: int) -> tf.Tensor:
    """Colours, canvas and flip: what a window shows -> float32 [S, S, 3]."""
    image = sampling.picture
    if augmentation.colour_probability:
        image = change_colour(image, plan.colour)
    if augmentation.zoom_out_probability:
        canvas = tf.constant(augmentation.canvas_colour)
        image = tf.cond(
            tf.reduce_any(sampling.paddings > 0),
            lambda: tf.pad(image - canvas, sampling.paddings) + canvas,
            lambda: image,
        )
    if augmentation.flip_probability:
        image = tf.cond(plan.flip, lambda: geometric.flip_picture(image), lambda: image)
    return tf.ensure_shape(image, [size, size, 3])


def salted(seed, number: int) -> tf.Tensor:
    """Another seed of the same picture, for something else that chance decides: int64 [2] -> int64 [2]."""
    key = tf.random.stateless_uniform([], seed, 0, 2**62, tf.int64, alg="philox")
    return tf.stack([key, tf.constant(number, tf.int64)])
