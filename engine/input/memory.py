"""Decoded pictures kept in memory, so that a JPEG is decoded once in a training and not once a round.

A picture is kept at its full size and at 1/2, 1/4 and 1/8, at which libjpeg decodes without aliasing; which
of them is used follows from the window, as in `preprocessing.decode`. There only the window is decoded, and
at its border a JPEG's colours come out a little differently: so a training keeps to one way from its start to
its end, or it could not be resumed exactly.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from engine.input.index import RecordIndex
from engine.input.reading import parse_record, read_records
from preprocessing.augment import Picture
from preprocessing.decode import JPEG_RATIOS, decode_picture, shrinking

# Of the memory that is free: the pictures may take this much, and as much again while they are put together.
SHARE = 0.25


@dataclass(frozen=True, eq=False)
class PictureMemory:
    """N decoded pictures with their objects, each at L = 4 sizes.

    Attributes:
        pixels: uint8, all of them one after the other.
        starts: int64 [N, L], where each begins.
        shapes: int32 [N, L, 2], height and width.
        sizes: float32 [N, L, 2], the whole picture's height and width at that scale, with fractions.
        first_box: int64 [N + 1], whose boxes begin where.
        boxes: float32 [all, 4].
        classes: int32 [all].
    """

    pixels: tf.Tensor
    starts: tf.Tensor
    shapes: tf.Tensor
    sizes: tf.Tensor
    first_box: tf.Tensor
    boxes: tf.Tensor
    classes: tf.Tensor

    def picture(self, number) -> Picture:
        """The picture of that number, an int64 scalar."""

        def take(window, size):
            whole = self.sizes[number, 0]
            level = tf.cast(shrinking((window[2:] - window[:2]) * whole, size), tf.int64)
            height, width = tf.unstack(self.shapes[number, level])
            start = self.starts[number, level]
            count = tf.cast(height, tf.int64) * tf.cast(width, tf.int64) * 3
            pixels = tf.reshape(self.pixels[start : start + count], [height, width, 3])
            return pixels, tf.zeros([2], tf.int32), self.sizes[number, level]

        first, end = self.first_box[number], self.first_box[number + 1]
        return Picture(take, self.boxes[first:end], self.classes[first:end])


def needed_bytes(index: RecordIndex) -> int:
    """What `remember_pictures` would keep, without decoding a JPEG."""
    return sum(int(size) for size in _records(index).map(_bytes).as_numpy_iterator())


def remember_pictures(index: RecordIndex) -> PictureMemory:
    """Decode all pictures of a set; takes twice `needed_bytes` for a moment."""
    pixels = np.empty(needed_bytes(index), np.uint8)
    columns: dict[str, list] = {name: [] for name in ("starts", "shapes", "sizes", "boxes", "classes")}
    filled = 0
    decoded = _records(index).map(_decoded, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    for one in decoded.as_numpy_iterator():
        pixels[filled : filled + len(one["pixels"])] = one["pixels"]
        for name, column in columns.items():
            column.append(one[name] + filled if name == "starts" else one[name])
        filled += len(one["pixels"])
    counts = [len(classes) for classes in columns["classes"]]
    return PictureMemory(
        pixels=tf.constant(pixels),
        starts=tf.constant(np.stack(columns["starts"])),
        shapes=tf.constant(np.stack(columns["shapes"])),
        sizes=tf.constant(np.stack(columns["sizes"])),
        first_box=tf.constant(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)),
        boxes=tf.constant(np.concatenate(columns["boxes"])),
        classes=tf.constant(np.concatenate(columns["classes"])),
    )


def _records(index: RecordIndex) -> tf.data.Dataset:
    return read_records(index, tf.data.Dataset.range(len(index)))


def _bytes(serialized):
    """How many bytes `_decoded` has."""
    encoded = parse_record(serialized)["encoded"]

    def of_jpeg():
        height, width = tf.unstack(tf.io.extract_jpeg_shape(encoded, tf.int64)[:2])
        return 3 * tf.add_n([-(-height // ratio) * -(-width // ratio) for ratio in JPEG_RATIOS])

    return tf.cond(
        tf.io.is_jpeg(encoded), of_jpeg, lambda: tf.size(decode_picture(encoded), out_type=tf.int64)
    )


def _decoded(serialized):
    """A record's picture at every scale, and its objects. What is no JPEG has one scale, used for all."""
    record = parse_record(serialized)
    encoded = record["encoded"]

    def of_jpeg():
        pictures = [tf.io.decode_jpeg(encoded, channels=3, ratio=ratio) for ratio in JPEG_RATIOS]
        whole = tf.cast(tf.shape(pictures[0])[:2], tf.float32)
        sizes = tf.stack([whole / ratio for ratio in JPEG_RATIOS])
        return _laid_out(pictures, sizes)

    def of_other():
        picture = decode_picture(encoded)
        size = tf.cast(tf.shape(picture)[:2], tf.float32)
        return tuple(
            column if place == 0 else tf.repeat(column[:1], len(JPEG_RATIOS), axis=0)
            for place, column in enumerate(_laid_out([picture], size[tf.newaxis]))
        )

    pixels, starts, shapes, sizes = tf.cond(tf.io.is_jpeg(encoded), of_jpeg, of_other)
    places = {"pixels": pixels, "starts": starts, "shapes": shapes, "sizes": sizes}
    return {**places, "boxes": record["boxes"], "classes": record["classes"]}


def _laid_out(pictures, sizes):
    """Pictures one after the other: their pixels, starts [L], shapes [L, 2], and the sizes given."""
    flat = [tf.reshape(picture, [-1]) for picture in pictures]
    starts = tf.cumsum(tf.stack([tf.size(one, out_type=tf.int64) for one in flat]), exclusive=True)
    shapes = tf.stack([tf.shape(picture)[:2] for picture in pictures])
    return tf.concat(flat, axis=0), starts, shapes, sizes
