"""Batches for training and evaluation: records, decoded and augmented on the CPU by tf.data.

Training is an endless stream of pictures: all of them in a random order, then all of them in another, and so
on. A picture's position in the stream decides, together with the seed, which picture it is and how it is
augmented; nothing else does. So a run that stopped after step k goes on with the batches that it would have
got, without making those before, and the pictures of any step can be named later.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from datasets.records import RecordDataset, parse_example
from engine.record_index import RecordIndex, index_records
from preprocessing.augment import augment_encoded
from preprocessing.decode import decode_picture
from preprocessing.presets import Augmentation
from preprocessing.resize import resize_picture

# Batches made ahead: they even out pictures of different sizes (a batch of 32 at 300 x 300 has 35 MB).
PREFETCHED_BATCHES = 2


def training_batches(
    dataset: RecordDataset,
    split: str,
    *,
    image_size: int,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Augmented pictures without end; a batch may reach from one round through the pictures into the next.

    Args:
        dataset: what `open_dataset` found.
        split: the name of the set to train on.
        image_size: S.
        batch_size: B.
        augmentation: a preset or one's own.
        seed: decides about everything that is random; any number of 64 bits.
        first_step: how many batches to leave out at the beginning; they are not made.

    Returns:
        Elements (images float32 [B, S, S, 3] in 0...255, {"boxes": float32 [B, G, 4], "classes": int32
        [B, G]}). G is the most boxes on one picture of the split, at least 1; a row with class 0 is padding.
        Difficult objects are kept.

    Raises:
        ValueError: no such split, one without pictures, or a damaged file of records.
    """
    index = _index(dataset, split)
    first_position = first_step * batch_size

    @tf.autograph.experimental.do_not_convert  # nothing to convert, which takes it a second to find out
    def make(position, serialized):
        record = _parse(serialized)
        image, boxes, classes = augment_encoded(
            record["encoded"],
            record["boxes"],
            record["classes"],
            tf.stack([tf.constant(seed, tf.int64), position]),
            augmentation,
            size=image_size,
        )
        return image, {"boxes": boxes, "classes": classes}

    positions = tf.data.Dataset.range(first_position, tf.int64.max)
    records = _read(index, _endless_order(len(index), seed, first_position))
    pictures = tf.data.Dataset.zip(positions, records)
    pictures = pictures.map(make, num_parallel_calls=2 * _cores(), deterministic=True)
    boxes = _padded_boxes(dataset, split)
    shapes = ([image_size, image_size, 3], {"boxes": [boxes, 4], "classes": [boxes]})
    batches = pictures.padded_batch(batch_size, padded_shapes=shapes, drop_remainder=True)
    return batches.prefetch(PREFETCHED_BATCHES).with_options(_options())


def evaluation_batches(
    dataset: RecordDataset, split: str, *, image_size: int, batch_size: int
) -> tf.data.Dataset:
    """Every picture once, in the order of the records, only resized: as the Detector sees it.

    Returns:
        Elements (images float32 [B, S, S, 3] in 0...255, {"boxes": float32 [B, G, 4], "classes": int32
        [B, G], "difficult": bool [B, G], "filename": string [B], "height", "width": int32 [B]}). The last B
        may be smaller; a row with class 0 is padding. Without a stored name a picture is called by its place
        in the set; height and width are those of the decoded picture.

    Raises:
        ValueError: no such split, one without pictures, or a damaged file of records.
    """
    index = _index(dataset, split)

    @tf.autograph.experimental.do_not_convert
    def make(number, serialized):
        record = _parse(serialized)
        image = decode_picture(record["encoded"])
        facts = {key: record[key] for key in ("boxes", "classes", "difficult")}
        facts["filename"] = _name(record["filename"], number)
        facts["height"], facts["width"] = tf.shape(image)[0], tf.shape(image)[1]
        return resize_picture(image, image_size), facts

    numbers = tf.data.Dataset.range(len(index))
    pictures = tf.data.Dataset.zip(numbers, _read(index, numbers))
    pictures = pictures.map(make, num_parallel_calls=2 * _cores(), deterministic=True)
    boxes = _padded_boxes(dataset, split)
    scalars = {"filename": [], "height": [], "width": []}
    shapes = {"boxes": [boxes, 4], "classes": [boxes], "difficult": [boxes], **scalars}
    batches = pictures.padded_batch(batch_size, padded_shapes=([image_size, image_size, 3], shapes))
    return batches.prefetch(PREFETCHED_BATCHES).with_options(_options())


def training_filenames(
    dataset: RecordDataset, split: str, *, batch_size: int, seed: int, step: int
) -> list[str]:
    """Names the pictures of the batch that `training_batches` makes for `step` (0, 1, ...): B names."""
    index = _index(dataset, split)
    order = _endless_order(len(index), seed, step * batch_size).take(batch_size)
    pictures = tf.data.Dataset.zip(order, _read(index, order))
    return [_filename(parse_example(record), number) for number, record in pictures]


@contextmanager
def naming_unreadable_pictures(dataset: RecordDataset, split: str) -> Iterator[None]:
    """Turns the error of a batch that cannot be made into one that names the files.

    TensorFlow says what is wrong with a picture, but not with which; this looks for it when something failed,
    so that it costs nothing while all is well: `with naming_unreadable_pictures(dataset, split): fit(...)`.

    Raises:
        ValueError: some picture of the split cannot be decoded; names the first few.
    """
    try:
        yield
    except (tf.errors.InvalidArgumentError, tf.errors.DataLossError) as error:
        problems = list(_unreadable(_index(dataset, split)))
        if not problems:
            raise
        shown = "\n".join(f"  {problem}" for problem in problems[:5])
        more = f"\n  and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ValueError(
            f"{dataset.folder}: split {split!r}: {len(problems)} of its pictures cannot be decoded; "
            f"repair or remove them and convert again:\n{shown}{more}"
        ) from error


def _index(dataset: RecordDataset, split: str) -> RecordIndex:
    info = dataset.split(split)
    index = index_records(info.files)
    if len(index) != info.pictures:
        raise ValueError(
            f"{dataset.folder}: split {split!r}: dataset.json counts {info.pictures} pictures, "
            f"the files hold {len(index)}; convert again"
        )
    if len(index) == 0:
        raise ValueError(
            f"{dataset.folder}: split {split!r} has no pictures; label more, or convert with other splits"
        )
    return index


def _endless_order(pictures: int, seed: int, first_position: int) -> tf.data.Dataset:
    """Numbers of pictures, int64, from a position of the stream on: each number once in every round."""
    first_round, skipped = divmod(first_position, pictures)

    def one_round(number):
        # Pictures are seeded with (seed, position), positions being 0 and above: rounds go below.
        below = tf.stack([tf.constant(seed, tf.int64), -1 - number])
        keys = tf.random.stateless_uniform([pictures], below, dtype=tf.float64, alg="philox")
        return tf.data.Dataset.from_tensor_slices(tf.cast(tf.argsort(keys, stable=True), tf.int64))

    rounds = tf.data.Dataset.range(first_round, tf.int64.max)
    return rounds.flat_map(one_round).skip(skipped)


def _read(index: RecordIndex, numbers: tf.data.Dataset) -> tf.data.Dataset:
    """Numbers of records become the records, scalar strings, with their checksums verified.

    Opening the file anew for each costs 0.03 ms, as much as copying the record from a tensor that holds all
    of them (measured with 57 kB records in the page cache), and no memory.
    """
    files = tf.constant([str(path) for path in index.files])
    file, offset = tf.constant(index.file), tf.constant(index.offset)

    def read_one(number):
        opened = tf.raw_ops.TFRecordDatasetV2(
            filenames=files[file[number]][tf.newaxis],
            compression_type="",
            buffer_size=tf.constant(64 * 1024, tf.int64),  # about one picture
            byte_offsets=offset[number][tf.newaxis],
        )
        return tf.data.experimental.from_variant(opened, tf.TensorSpec([], tf.string)).take(1)

    return numbers.flat_map(read_one)


def _parse(serialized) -> dict[str, tf.Tensor]:
    """`parse_example`, with boxes that are cut at the border; those with nothing left are dropped.

    Our converter writes none of these and reports them; SSD-Tensorflow's writes them as they come.
    """
    record = parse_example(serialized)
    boxes = tf.clip_by_value(record["boxes"], 0.0, 1.0)
    kept = tf.reduce_all(boxes[:, 2:] > boxes[:, :2], axis=1)
    per_box = {key: tf.boolean_mask(record[key], kept) for key in ("classes", "difficult", "truncated")}
    return {**record, **per_box, "boxes": tf.boolean_mask(boxes, kept)}


def _padded_boxes(dataset: RecordDataset, split: str) -> int:
    return max(dataset.split(split).max_boxes, 1)


def _name(filename, number):
    """The stored name, or the place in the set where there is none (SSD-Tensorflow stores none)."""
    place = tf.strings.join(["picture ", tf.strings.as_string(number)])
    return tf.where(tf.strings.length(filename) > 0, filename, place)


def _filename(record: dict[str, tf.Tensor], number) -> str:
    return bytes(_name(record["filename"], number).numpy()).decode("utf-8", errors="replace")


def _unreadable(index: RecordIndex) -> Iterator[str]:
    """One line for each picture that cannot be read or decoded."""
    number = 0
    while number < len(index):
        name = f"picture {number}"
        try:
            for record in _read(index, tf.data.Dataset.range(number, len(index))):
                name = _filename(parse_example(record), number)
                decode_picture(parse_example(record)["encoded"])
                number += 1
                name = f"picture {number}"
        except (tf.errors.InvalidArgumentError, tf.errors.DataLossError) as error:
            yield f"{name} (in {index.files[index.file[number]].name}): {error.message.splitlines()[0]}"
            number += 1


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _options() -> tf.data.Options:
    """As many threads as cores, and none of TensorFlow's own, which train meanwhile.

    An operation uses one thread: pictures are made side by side, so nothing is gained by cutting them up.
    """
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = _cores()
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False  # the numbers above are fixed; its thread would measure for nothing
    return options
