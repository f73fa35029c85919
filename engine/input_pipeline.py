"""Batches for training and evaluation: records, decoded and augmented on the CPU by tf.data.

Training is an endless stream of pictures: all of them in a random order, then all of them in another, and so
on. A picture's position in the stream decides, together with the seed, which picture it is and how it is
augmented; nothing else does. So a run that stopped after step k goes on with the batches that it would have
got, without making those before, and the pictures of any step can be named later.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import tensorflow as tf

from datasets.records import RecordDataset, parse_example
from engine.input.index import RecordIndex, index_records
from engine.input.memory import SHARE, PictureMemory, needed_bytes, remember_pictures
from engine.input.mix import most_boxes, parts_of, put_together, shown_pictures
from engine.input.reading import filename_of, parse_record, picture_name, read_records
from files.threads import cores
from preprocessing.augment import Picture
from preprocessing.decode import decode_picture, decode_window
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
    repeat_threshold: float = 0.0,
    memory: PictureMemory | None = None,
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
        repeat_threshold: share of the pictures below which a name counts as rare; its pictures are then shown
            more often (`engine.input.order.repeat_factors`).
        memory: the pictures of the split, already decoded; not given: each is decoded when it is shown.

    Returns:
        Elements (images float32 [B, S, S, 3] in 0...255, {"boxes": float32 [B, G, 4], "classes": int32
        [B, G]}). G is the most boxes that a picture of the split can have after augmentation, at least 1; a
        row with class 0 is padding. Difficult objects are kept.

    Raises:
        ValueError: no such split, one without pictures, or a damaged file of records.
    """
    index = _index(dataset, split)
    first_position, parts = first_step * batch_size, parts_of(augmentation)

    @tf.autograph.experimental.do_not_convert  # nothing to convert, which takes it a second to find out
    def make(position, shown, sources):
        picture_of = _encoded_picture if memory is None else memory.picture
        pictures = [picture_of(sources[part]) for part in range(parts)]
        picture_seed = tf.stack([tf.constant(seed, tf.int64), position])
        image, boxes, classes = put_together(
            pictures, shown["pasted"], picture_seed, augmentation, size=image_size
        )
        return image, {"boxes": boxes, "classes": classes}

    positions = tf.data.Dataset.range(first_position, tf.int64.max)
    shown = shown_pictures(index, augmentation, seed, first_position, repeat_threshold)
    sources = shown.map(lambda one: one["numbers"])
    if memory is None:
        sources = read_records(index, sources.unbatch()).batch(parts)
    pictures = tf.data.Dataset.zip(positions, shown, sources)
    pictures = pictures.map(make, num_parallel_calls=2 * cores(), deterministic=True)
    boxes = most_boxes(augmentation, _padded_boxes(dataset, split))
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
        record = parse_record(serialized)
        image = decode_picture(record["encoded"])
        facts = {key: record[key] for key in ("boxes", "classes", "difficult")}
        facts["filename"] = picture_name(record["filename"], number)
        facts["height"], facts["width"] = tf.shape(image)[0], tf.shape(image)[1]
        return resize_picture(image, image_size), facts

    numbers = tf.data.Dataset.range(len(index))
    pictures = tf.data.Dataset.zip(numbers, read_records(index, numbers))
    pictures = pictures.map(make, num_parallel_calls=2 * cores(), deterministic=True)
    boxes = _padded_boxes(dataset, split)
    scalars = {"filename": [], "height": [], "width": []}
    shapes = {"boxes": [boxes, 4], "classes": [boxes], "difficult": [boxes], **scalars}
    batches = pictures.padded_batch(batch_size, padded_shapes=([image_size, image_size, 3], shapes))
    return batches.prefetch(PREFETCHED_BATCHES).with_options(_options())


def remembered(
    dataset: RecordDataset, split: str, choice: str, free: int | None
) -> tuple[PictureMemory | None, str]:
    """The pictures of a split in memory, if that was chosen or, for `auto`, if they fit in well.

    Args:
        dataset: what `open_dataset` found.
        split: the name of the set to train on.
        choice: auto, on or off.
        free: bytes of memory that are free; None if unknown, which is too few for `auto`.

    Returns:
        The pictures or None, and what to say about it.

    Raises:
        ValueError: they were asked for, but there is not the memory.
    """
    if choice == "off":
        return None, ""
    index = _index(dataset, split)
    with naming_unreadable_pictures(dataset, split):
        needed = needed_bytes(index)
        facts = f"{len(index)} decoded pictures take {needed / 2**30:.2f} GiB"
        room = "it is not known how much is free" if free is None else f"{free / 2**30:.1f} GiB are free"
        if choice == "auto" and (free is None or needed > SHARE * free):
            return None, f"Pictures are decoded each time they are shown: {facts} of memory; {room}."
        if free is not None and 2 * needed > free:
            raise ValueError(
                f"--cache_pictures=on: {facts} of memory, twice that while they are put together; {room}. "
                "Give --cache_pictures=off and another --train_dir, or make room."
            )
        return remember_pictures(index), f"Pictures are kept in memory: {facts}; {room}."


def training_filenames(
    dataset: RecordDataset,
    split: str,
    *,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    step: int,
    repeat_threshold: float = 0.0,
) -> list[str]:
    """Names the pictures that went into the batch of `training_batches` for `step` (0, 1, ...)."""
    index = _index(dataset, split)
    shown = shown_pictures(index, augmentation, seed, step * batch_size, repeat_threshold).take(batch_size)
    numbers = [int(number) for one in shown.as_numpy_iterator() for number in one["numbers"]]
    order = tf.data.Dataset.from_tensor_slices(numbers)
    records = tf.data.Dataset.zip(order, read_records(index, order))
    return list(dict.fromkeys(filename_of(parse_example(record), number) for number, record in records))


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


def _encoded_picture(serialized) -> Picture:
    record = parse_record(serialized)
    return Picture(partial(decode_window, record["encoded"]), record["boxes"], record["classes"])


def _padded_boxes(dataset: RecordDataset, split: str) -> int:
    return max(dataset.split(split).max_boxes, 1)


def _unreadable(index: RecordIndex) -> Iterator[str]:
    """One line for each picture that cannot be read or decoded."""
    number = 0
    while number < len(index):
        name = f"picture {number}"
        try:
            for record in read_records(index, tf.data.Dataset.range(number, len(index))):
                name = filename_of(parse_example(record), number)
                decode_picture(parse_example(record)["encoded"])
                number += 1
                name = f"picture {number}"
        except (tf.errors.InvalidArgumentError, tf.errors.DataLossError) as error:
            yield f"{name} (in {index.files[index.file[number]].name}): {error.message.splitlines()[0]}"
            number += 1


def _options() -> tf.data.Options:
    """As many threads as cores, and none of TensorFlow's own, which train meanwhile.

    An operation uses one thread: pictures are made side by side, so nothing is gained by cutting them up.
    """
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = cores()
    options.threading.max_intra_op_parallelism = 1
    options.autotune.enabled = False  # the numbers above are fixed; its thread would measure for nothing
    return options
