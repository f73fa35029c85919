"""What goes into each training picture, and how: alone or as a mosaic, with or without somebody pasted in."""

import numpy as np
import tensorflow as tf

from engine.input.index import RecordIndex
from engine.input.order import endless_order, paste_candidates, repeat_factors
from engine.input.reading import parse_record, read_records
from preprocessing import mosaic as mosaics
from preprocessing.augment import Picture, augment_picture, salted
from preprocessing.paste import paste
from preprocessing.presets import Augmentation

# What else chance decides about a picture (`salted`): whether it is a mosaic or pasted into; who is pasted.
_WHETHER, _DONOR = 64, 65


def parts_of(augmentation: Augmentation) -> int:
    """How many pictures are read to make one."""
    return (mosaics.PICTURES if augmentation.mosaic_probability else 1) + bool(augmentation.paste_probability)


def shown_pictures(
    index: RecordIndex,
    augmentation: Augmentation,
    seed: int,
    first_position: int,
    repeat_threshold: float,
) -> tf.data.Dataset:
    """What goes into each picture of the stream, from a position on.

    Returns:
        Elements {"numbers": int64 [P], "pasted": int64 scalar}: the picture; then, if there are mosaics, its
        three companions; then, if there is pasting, the one that is pasted from, and which of its objects.
    """
    pictures = len(index)
    factors = chances = None
    sources = objects = np.zeros(1, np.int64)
    if repeat_threshold or augmentation.paste_probability:
        names = _classes(index)
        if repeat_threshold:
            factors = repeat_factors(names, repeat_threshold)
        if augmentation.paste_probability:
            sources, objects, chances = paste_candidates(names)
            if not len(sources):
                raise ValueError("--paste_probability: the training pictures have no objects to paste.")
    streams = mosaics.PICTURES if augmentation.mosaic_probability else 1
    orders = [
        endless_order(pictures, seed, first_position, factors=factors, stream=stream)
        for stream in range(streams)
    ]
    positions = tf.data.Dataset.range(first_position, tf.int64.max)

    @tf.autograph.experimental.do_not_convert
    def choose(position, *numbers):
        if chances is None:
            return {"numbers": tf.stack(numbers), "pasted": tf.constant(0, tf.int64)}
        own = salted(tf.stack([tf.constant(seed, tf.int64), position]), _DONOR)
        draw = tf.random.stateless_uniform([1], own, dtype=tf.float64, alg="philox")
        donor = tf.searchsorted(tf.constant(chances), draw)[0]
        numbers = tf.stack([*numbers, tf.constant(sources)[donor]])
        return {"numbers": numbers, "pasted": tf.constant(objects)[donor]}

    return tf.data.Dataset.zip(positions, *orders).map(choose)


def put_together(
    pictures: list[Picture], pasted, seed, augmentation: Augmentation, *, size: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One picture of the stream: alone or with companions, with or without somebody pasted in."""
    happens = tf.random.stateless_uniform([2], salted(seed, _WHETHER), alg="philox")

    def alone():
        return augment_picture(pictures[0], seed, augmentation, size=size)

    def together():
        return mosaics.mosaic(pictures[: mosaics.PICTURES], seed, augmentation, size=size)

    if augmentation.mosaic_probability:
        image, boxes, classes = tf.cond(happens[0] < augmentation.mosaic_probability, together, alone)
    else:
        image, boxes, classes = alone()
    if not augmentation.paste_probability:
        return image, boxes, classes
    return tf.cond(
        happens[1] < augmentation.paste_probability,
        lambda: paste(image, boxes, classes, pictures[-1], pasted, seed, augmentation, size=size),
        lambda: (image, boxes, classes),
    )


def most_boxes(augmentation: Augmentation, boxes: int) -> int:
    """How many a picture can have, where those it is put together from have at most so many."""
    pictures = mosaics.PICTURES if augmentation.mosaic_probability else 1
    return boxes * pictures + bool(augmentation.paste_probability)


def _classes(index: RecordIndex) -> list[np.ndarray]:
    """The class ids of each picture's objects, without decoding a picture."""
    records = read_records(index, tf.data.Dataset.range(len(index)))
    return list(records.map(lambda one: parse_record(one)["classes"]).as_numpy_iterator())
