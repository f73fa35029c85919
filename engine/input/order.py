"""In which order pictures are shown, without end, and who is pasted into them.

Each picture stands once in a round, or as often as its names need. An order follows from a seed and can be
entered anywhere, so that a training goes on where it stopped.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from datasets.examples import parse_example
from engine.input.records import RecordIndex, read_records
from preprocessing.augment import salted

_PARTS = 2**20  # repeats are counted in parts of a picture, so that sums are exact on every machine
_DONOR = 65  # which of a picture's chances (`salted`) decides who is pasted into it
# Seeds of rounds are (seed, -1 − number of the round); pictures have (seed, position) from 0 on.
_PHASES = -(2**62)


def repeat_factors(classes: Sequence[np.ndarray], threshold: float) -> np.ndarray:
    """How often each picture is shown in a round, after LVIS (Gupta et al. 2019, section 6).

    A name on a share f of the pictures gets the factor max(1, sqrt(threshold / f)); a picture the largest
    of its names', or 1.

    Args:
        classes: of each of N pictures the class ids of its objects.
        threshold: share of the pictures from which on a name is frequent enough; 0 repeats nothing.

    Returns:
        float64 [N], at least 1.
    """
    names = [set(np.asarray(one).tolist()) for one in classes]
    pictures_with = Counter(name for one in names for name in one)
    factor = {
        name: max(1.0, (threshold * len(classes) / count) ** 0.5) for name, count in pictures_with.items()
    }
    return np.array([max((factor[name] for name in one), default=1.0) for one in names])


def endless_order(
    pictures: int, seed: int, first_position: int, *, factors: np.ndarray | None = None
) -> tf.data.Dataset:
    """Numbers of pictures from a position of the stream on, each round in another random order.

    Args:
        pictures: N.
        seed: any number of 64 bits.
        first_position: how many numbers to leave out; they are not made.
        factors: float64 [N], how often each picture is in a round; a fraction is there in as many of the
            rounds, spread evenly. Not given: once.

    Returns:
        Elements int64 scalars.
    """
    parts = np.full(pictures, _PARTS) if factors is None else np.round(factors * _PARTS)
    parts = parts.astype(np.int64)
    phases = tf.random.stateless_uniform([pictures], (seed, _PHASES), 0, _PARTS, tf.int64, "philox")
    phases = phases.numpy()  # so that fractions do not all fall due in the same round
    first_round, skipped = _round_of(first_position, parts, phases)

    def one_round(number):
        below = tf.stack([tf.constant(seed, tf.int64), -1 - number])
        times = _shown_before(number + 1, parts, phases) - _shown_before(number, parts, phases)
        numbers = tf.repeat(tf.range(pictures, dtype=tf.int64), times)
        keys = tf.random.stateless_uniform([tf.size(numbers)], below, dtype=tf.float64, alg="philox")
        return tf.data.Dataset.from_tensor_slices(tf.gather(numbers, tf.argsort(keys, stable=True)))

    rounds = tf.data.Dataset.range(first_round, tf.int64.max)
    return rounds.flat_map(one_round).skip(skipped)


def _shown_before(number, parts, phases):
    """How often each picture was shown before a round: int64 [N]."""
    return (number * parts + phases) // _PARTS


def _round_of(position: int, parts: np.ndarray, phases: np.ndarray) -> tuple[int, int]:
    """The round that a position of the stream lies in, and how far in it."""

    def start(number: int) -> int:
        return int(_shown_before(number, parts, phases).sum())

    number = position * _PARTS // int(parts.sum())
    while start(number) > position:
        number -= 1
    while start(number + 1) <= position:
        number += 1
    return number, position - start(number)


def paste_candidates(classes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every object of the set, with the chance to be pasted: each name the same, however rare it is.

    Of the class ids of each picture's objects: int64 [D] its picture, int64 [D] which of the picture's
    objects, float64 [D] the chance that it or one before it is drawn (the last is 1).
    """
    pictures = np.repeat(np.arange(len(classes)), [len(one) for one in classes])
    objects = np.concatenate([np.zeros(0, np.int64), *(np.arange(len(one)) for one in classes)])
    names = np.concatenate([np.zeros(0, np.int64), *classes]).astype(np.int64)
    _, name, counts = np.unique(names, return_inverse=True, return_counts=True)
    chances = np.cumsum(1.0 / counts[name]) / max(1, len(counts))
    if len(chances):
        chances[-1] = 1.0
    return pictures.astype(np.int64), objects.astype(np.int64), chances


def shown_pictures(
    index: RecordIndex, seed: int, first_position: int, *, repeat_threshold: float, pasting: bool
) -> tf.data.Dataset:
    """What goes into each picture of the stream, from a position on.

    Args:
        repeat_threshold: see `repeat_factors`.
        pasting: whether characters of other pictures are pasted in.

    Returns:
        Elements {"numbers": int64 [P], "pasted": int64 scalar}: the picture; then, if there is pasting, the
        one that is pasted from, and which of its objects.

    Raises:
        ValueError: nobody can be pasted, for nobody is there.
    """
    names = []
    if repeat_threshold or pasting:  # no picture is decoded for that
        records = read_records(index, tf.data.Dataset.range(len(index)))
        names = [*records.map(lambda one: parse_example(one)["classes"]).as_numpy_iterator()]
    factors = repeat_factors(names, repeat_threshold) if repeat_threshold else None
    sources, objects, chances = paste_candidates(names) if pasting else 3 * [np.zeros(0, np.int64)]
    if pasting and not len(sources):
        raise ValueError("--paste_probability: the training pictures have no objects to paste.")

    @tf.autograph.experimental.do_not_convert
    def choose(position, number):
        if not pasting:
            return {"numbers": number[tf.newaxis], "pasted": tf.constant(0, tf.int64)}
        own = salted(tf.stack([tf.constant(seed, tf.int64), position]), _DONOR)
        draw = tf.random.stateless_uniform([1], own, dtype=tf.float64, alg="philox")
        donor = tf.searchsorted(tf.constant(chances), draw)[0]
        numbers = tf.stack([number, tf.constant(sources)[donor]])
        return {"numbers": numbers, "pasted": tf.constant(objects)[donor]}

    positions = tf.data.Dataset.range(first_position, tf.int64.max)
    order = endless_order(len(index), seed, first_position, factors=factors)
    return tf.data.Dataset.zip(positions, order).map(choose)
