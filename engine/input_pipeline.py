"""Batches for training and evaluation: records, decoded and augmented on the CPU by tf.data.

Training is an endless stream of pictures: all of them in a random order, then all of them in another, and so
on. A picture's position in the stream decides, together with the seed, which picture it is and how it is
augmented; nothing else does. So a run that stopped after step k goes on with the batches that it would have
got, without making those before, and the pictures of any step can be named later.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import tensorflow as tf

from datasets.examples import decode_picture, decoded, examples, parse_example
from datasets.records import RecordDataset
from engine.input.order import shown_pictures
from engine.input.pictures import PictureMemory, decode_window, free_bytes, remember_pictures
from engine.input.records import RecordIndex, index_records, picture_name, read_records
from files.parallel import cores
from preprocessing.augment import Picture, augment_picture
from preprocessing.paste import paste_sometimes
from preprocessing.presets import Augmentation
from preprocessing.resize import resize_picture

# Batches made ahead: they even out pictures of different sizes (a batch of 32 at 300 x 300 has 35 MB).
PREFETCHED_BATCHES = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingPictures:
    """Augmented pictures without end; a batch may reach from one round through the pictures into the next."""

    dataset: RecordDataset  # what `open_dataset` found
    split: str  # the name of the set to train on
    image_size: int  # S
    batch_size: int  # B
    augmentation: Augmentation  # a preset or one's own
    seed: int  # decides about everything that is random; any number of 64 bits
    # share of the pictures below which a name counts as rare; its pictures are then shown more often
    # (`engine.input.order.repeat_factors`)
    repeat_threshold: float = 0.0
    in_memory: bool = False  # whether pictures are decoded once, and not each time they are shown

    @cached_property
    def memory(self) -> PictureMemory | None:
        """The pictures, decoded when they are first asked for; None if they are not to be kept.

        ValueError where there is not the memory, or a picture cannot be decoded.
        """
        if not self.in_memory:
            return None
        with naming_unreadable_pictures(self.dataset, self.split):
            return remember_pictures(index_of(self.dataset, self.split), free_bytes())

    def batches(self, first_step: int = 0, *, process: int = 0, processes: int = 1) -> tf.data.Dataset:
        """The stream from a step on; batches before it are not made.

        Of several processes each makes its own B / processes rows of every batch. Sooner or later every
        picture is shown to each of them, so that one that keeps pictures in memory keeps all.

        Returns:
            Elements (images float32 [B, S, S, 3] in 0...255, {"boxes": float32 [B, G, 4], "classes": int32
            [B, G]}). G is the most boxes that a picture of the split can have after augmentation, at least 1;
            a row with class 0 is padding. Difficult objects are kept.

        Raises:
            ValueError: no such split, one without pictures, or a damaged file of records.
        """
        index, shown = self._shown(first_step)
        seed, size, augmentation = tf.constant(self.seed, tf.int64), self.image_size, self.augmentation
        picture_of = _encoded_picture if self.memory is None else self.memory.picture
        augmented = (_augmented if self.memory is None else _augmenting)(picture_of, augmentation, size)

        @_as_it_is
        def make(position, shown, sources):
            return augmented(sources, shown["pasted"], tf.stack([seed, position]))

        positions = tf.data.Dataset.range(first_step * self.batch_size, tf.int64.max)
        rows = self.batch_size // processes
        if processes > 1:
            own = slice(process * rows, (process + 1) * rows)
            positions, shown = (one.batch(self.batch_size) for one in (positions, shown))
            positions = positions.map(lambda all_rows: all_rows[own]).unbatch()
            shown = shown.map(lambda all_rows: {key: one[own] for key, one in all_rows.items()}).unbatch()
        sources = shown.map(lambda one: one["numbers"])
        if self.memory is None:
            parts = 2 if augmentation.paste_probability else 1
            sources = read_records(index, sources.unbatch()).batch(parts)
        pictures = tf.data.Dataset.zip(positions, shown, sources)
        pictures = pictures.map(make, num_parallel_calls=2 * cores(), deterministic=True)
        boxes = _padded_boxes(self.dataset, self.split) + bool(augmentation.paste_probability)
        shapes = ([size, size, 3], {"boxes": [boxes, 4], "classes": [boxes]})
        batches = pictures.padded_batch(rows, padded_shapes=shapes, drop_remainder=True)
        return batches.prefetch(PREFETCHED_BATCHES).with_options(_options())

    def filenames(self, step: int) -> list[str]:
        """Names the pictures that went into the batch of a step (0, 1, ...)."""
        index, shown = self._shown(step)
        shown = shown.take(self.batch_size).as_numpy_iterator()
        numbers = tf.data.Dataset.from_tensor_slices([int(n) for one in shown for n in one["numbers"]])
        records = tf.data.Dataset.zip(numbers, read_records(index, numbers))
        names = (picture_name(parse_example(record)["filename"], number) for number, record in records)
        return list(dict.fromkeys(bytes(one.numpy()).decode("utf-8", errors="replace") for one in names))

    def _shown(self, first_step: int) -> tuple[RecordIndex, tf.data.Dataset]:
        index = index_of(self.dataset, self.split)
        return index, shown_pictures(
            index,
            self.seed,
            first_step * self.batch_size,
            repeat_threshold=self.repeat_threshold,
            pasting=self.augmentation.paste_probability > 0.0,
        )


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
    index = index_of(dataset, split)
    make = _as_it_is(partial(_resized, image_size=image_size))
    numbers = tf.data.Dataset.range(len(index))
    pictures = tf.data.Dataset.zip(numbers, read_records(index, numbers))
    pictures = pictures.map(make, num_parallel_calls=2 * cores(), deterministic=True)
    boxes = _padded_boxes(dataset, split)
    scalars = {"filename": [], "height": [], "width": []}
    shapes = {"boxes": [boxes, 4], "classes": [boxes], "difficult": [boxes], **scalars}
    batches = pictures.padded_batch(batch_size, padded_shapes=([image_size, image_size, 3], shapes))
    return batches.prefetch(PREFETCHED_BATCHES).with_options(_options())


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
        problems = []
        for where, example in examples(dataset.split(split).files):
            try:
                decoded(where, example)
            except ValueError as unreadable:
                problems.append(str(unreadable))
        if not problems:
            raise
        shown = "\n".join(f"  {problem}" for problem in problems[:5])
        more = f"\n  and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ValueError(
            f"{dataset.folder}: split {split!r}: {len(problems)} of its pictures cannot be decoded:"
            f"\n{shown}{more}"
        ) from error


def index_of(dataset: RecordDataset, split: str) -> RecordIndex:
    """Where each record of a split begins; at least one."""
    index = index_records(dataset.split(split).files)
    if len(index) == 0:
        raise ValueError(
            f"{dataset.folder}: split {split!r} has no pictures; label more, or convert with other splits"
        )
    return index


def _encoded_picture(serialized) -> Picture:
    record = parse_example(serialized)
    return Picture(partial(decode_window, record["encoded"]), record["boxes"], record["classes"])


def _augmenting(
    picture_of: Callable[..., Picture], augmentation: Augmentation, size: int
) -> Callable[..., Any]:
    """What makes an element of training from one source, or from two, the second of which is pasted."""

    def augmented(sources, pasted, seed):
        made = augment_picture(picture_of(sources[0]), seed, augmentation, size=size)
        if augmentation.paste_probability:
            made = paste_sometimes(*made, picture_of(sources[1]), pasted, seed, augmentation, size=size)
        image, boxes, classes = made
        return image, {"boxes": boxes, "classes": classes}

    return augmented


# There is nothing to convert, which takes AutoGraph a second to find out; and what a process has traced once,
# which takes another, serves all of its streams: every validation makes a new one.
_as_it_is = tf.autograph.experimental.do_not_convert
_traced = partial(tf.function, autograph=False)


@cache
def _augmented(*what) -> Callable[..., Any]:
    return _traced(_augmenting(*what))


@_traced
def _resized(number, serialized, *, image_size: int):
    """An element of `evaluation_batches`, not padded yet."""
    record = parse_example(serialized)
    image = decode_picture(record["encoded"])
    facts = {key: record[key] for key in ("boxes", "classes", "difficult")}
    facts["filename"] = picture_name(record["filename"], number)
    facts["height"], facts["width"] = tf.shape(image)[0], tf.shape(image)[1]
    return resize_picture(image, image_size), facts


def _padded_boxes(dataset: RecordDataset, split: str) -> int:
    return max(dataset.split(split).max_boxes, 1)


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
