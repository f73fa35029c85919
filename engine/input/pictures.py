"""Pictures of records as pixels: decoded each time they are shown, or once in a training and kept in memory.

A picture is kept at its full size and at 1/2, 1/4 and 1/8, at which libjpeg decodes without aliasing; which
of them is used follows from the window, as where it is decoded each time. There only the window is decoded,
and at its border a JPEG's colours come out a little differently: so a training keeps to one way from its
start to its end, or it could not be resumed exactly.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from datasets.examples import decode_picture, parse_example
from engine.input.records import RecordIndex, read_records
from preprocessing.augment import Picture
from preprocessing.geometric import source_pixels

JPEG_RATIOS = (1, 2, 4, 8)  # what libjpeg's inverse cosine transform can leave out
# Of the memory that is free: the pictures may take this much, and as much again while they are put together.
SHARE = 0.25


# -------------------------------------------------------------------------------- each time they are shown
def decode_window(encoded, window, size) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Decodes the part of a picture that `preprocessing.geometric.sample_window` needs to show a window.

    Rows below a JPEG's window are not read at all, and those beside it are not turned into pixels. Where the
    window has more than twice the pixels of the output in both directions, the JPEG is decoded at 1/2, 1/4 or
    1/8 of its size, which its coding gives almost for free and free of aliasing: a 1080p frame costs two
    thirds, and differs by less than one grey level of 255 on average after `sample_window`.

    Args:
        encoded: scalar string; other formats than JPEG are decoded whole.
        window: float32 [4], fractions of the picture.
        size: the output's height and width in pixels: S for both, or int32 [2].

    Returns:
        pixels uint8 [h, w, 3]; their origin int32 [2] and the picture's size float32 [2], both at the decoded
        scale.
    """

    def of_jpeg():
        picture_size = tf.cast(tf.io.extract_jpeg_shape(encoded)[:2], tf.float32)
        step = shrinking((window[2:] - window[:2]) * picture_size, size)
        return tf.switch_case(step, [partial(at_ratio, picture_size, ratio) for ratio in JPEG_RATIOS])

    def at_ratio(picture_size, ratio):
        scaled_size = picture_size / ratio  # libjpeg's last pixel stands over the border
        first, count = source_pixels(scaled_size, window, size)
        place = tf.concat([first, count], axis=0)
        return tf.io.decode_and_crop_jpeg(encoded, place, channels=3, ratio=ratio), first, scaled_size

    def of_other():
        pixels = decode_picture(encoded)
        return pixels, tf.zeros([2], tf.int32), tf.cast(tf.shape(pixels)[:2], tf.float32)

    return tf.cond(tf.io.is_jpeg(encoded), of_jpeg, of_other)


def shrinking(sides, size):
    """Which of `JPEG_RATIOS` a window of these sides, in pixels, may be decoded at: int32 scalar."""
    times = tf.reduce_min(sides / tf.cast(size, tf.float32))
    steps = tf.math.floor(tf.math.log(times) / tf.math.log(2.0) + 1e-6)
    return tf.cast(tf.clip_by_value(steps, 0.0, len(JPEG_RATIOS) - 1.0), tf.int32)


# ------------------------------------------------------------------------------------------- kept in memory
@dataclass(frozen=True, eq=False)
class PictureMemory:
    """N decoded pictures with their objects, each at L = 4 sizes."""

    pixels: tf.Tensor  # uint8, all of them one after the other
    starts: tf.Tensor  # int64 [N, L], where each begins
    shapes: tf.Tensor  # int32 [N, L, 2], height and width
    sizes: tf.Tensor  # float32 [N, L, 2], the whole picture's height and width at that scale, with fractions
    first_box: tf.Tensor  # int64 [N + 1], whose boxes begin where
    boxes: tf.Tensor  # float32 [all, 4]
    classes: tf.Tensor  # int32 [all]

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


def needed_bytes(index: RecordIndex, most: float = math.inf) -> int:
    """What `remember_pictures` would keep, without decoding a JPEG; counted no further than beyond `most`."""
    needed = 0
    for size in _records(index).map(_bytes, num_parallel_calls=tf.data.AUTOTUNE).as_numpy_iterator():
        needed += int(size)
        if needed > most:
            break
    return needed


def fits_in_memory(index: RecordIndex, free: int | None) -> tuple[bool, str]:
    """Whether the pictures of a set fit well into memory, and what to say about it.

    So many bytes are `free`; None if unknown, which is too few.
    """
    if free is None:
        return False, "Pictures are decoded each time they are shown: how much memory is free is not known."
    needed, room = needed_bytes(index, SHARE * free), f"{free / 2**30:.1f} GiB are free"
    if needed > SHARE * free:
        most = f"more than {SHARE * free / 2**30:.2f} GiB of memory; {room}"
        return False, f"Pictures are decoded each time they are shown: all {len(index)} would take {most}."
    facts = f"{len(index)} decoded pictures take {needed / 2**30:.2f} GiB of memory; {room}"
    return True, f"Pictures are kept in memory: {facts}."


def remember_pictures(index: RecordIndex, free: int | None = None) -> PictureMemory:
    """Decode all pictures of a set; takes twice `needed_bytes` for a moment, of `free` if that is known.

    ValueError where there is not the memory.
    """
    needed = needed_bytes(index)
    if free is not None and 2 * needed > free:
        raise ValueError(
            f"This training keeps its {len(index)} decoded pictures in memory: {needed / 2**30:.2f} GiB, "
            f"twice that while they are put together, and {free / 2**30:.1f} GiB are free. Make room, or "
            "begin anew in another --train_dir."
        )
    pixels = np.empty(needed, np.uint8)
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
    encoded = parse_example(serialized)["encoded"]

    def of_jpeg():
        height, width = tf.unstack(tf.io.extract_jpeg_shape(encoded, tf.int64)[:2])
        return 3 * tf.add_n([-(-height // ratio) * -(-width // ratio) for ratio in JPEG_RATIOS])

    return tf.cond(
        tf.io.is_jpeg(encoded), of_jpeg, lambda: tf.size(decode_picture(encoded), out_type=tf.int64)
    )


def _decoded(serialized):
    """A record's picture at every scale, and its objects. What is no JPEG has one scale, used for all."""
    record = parse_example(serialized)
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


def free_bytes() -> int | None:
    """Memory that this process may still take, by the machine and by its container; None if unknown."""
    known, container = [], Path("/sys/fs/cgroup")
    with suppress(OSError):  # not Linux
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        known += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    with suppress(OSError, ValueError):  # none, or without a limit: "max"
        limit, used = (int((container / f"memory.{name}").read_text()) for name in ("max", "current"))
        known.append(max(0, limit - used))
    return min(known, default=None)
