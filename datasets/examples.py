"""One picture and its objects as a record: the feature keys of SSD-Tensorflow, written and read.

Those of TensorFlow's Object Detection API are read, too.
"""

import errno
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from datasets.look_alikes import Traces, perceptual_hash, perceptual_hash_of_jpeg, traces_of
from files.parallel import map_in_threads
from files.writing import write_arrays

# A shard is NAME_000.tfrecord, as SSD-Tensorflow's datasets/pascalvoc_to_tfrecords.py names it.
SHARD_NAME = re.compile(r"(?P<set>.+)_(?P<number>\d{3,})\.tfrecord")

# In the order of their class ids, 1 to 20: VOC_LABELS of SSD-Tensorflow's datasets/pascalvoc_common.py.
VOC_NAMES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable"),
    *("dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)

# Of a box in a record, in the order of its corners.
SIDES = ("ymin", "xmin", "ymax", "xmax")

# What else is said of an object: SSD-Tensorflow's key, and that of TensorFlow's Object Detection API.
_KEYS = {
    "label": ("image/object/bbox/label", "image/object/class/label"),
    "label_text": ("image/object/bbox/label_text", "image/object/class/text"),
    "difficult": ("image/object/bbox/difficult", "image/object/difficult"),
}
_NUMBERS = ("label", "difficult")
_AT_ONCE = 32  # records that are asked for at once, with their pictures in memory

_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/filename": tf.io.FixedLenFeature([], tf.string, default_value=""),
    **{f"image/object/bbox/{side}": tf.io.VarLenFeature(tf.float32) for side in SIDES},
    **{key: tf.io.VarLenFeature(tf.int64) for name in _NUMBERS for key in _KEYS[name]},
}


def parse_example(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parses one record, a scalar string; usable inside `tf.data.Dataset.map`.

    Returns:
        "encoded": scalar string, a picture for `decode_picture`;
        "filename": scalar string, the picture's file name, empty in SSD-Tensorflow's records;
        "boxes": float32 [G, 4], (ymin, xmin, ymax, xmax) as fractions, cut at the border; those that are none
            are dropped. Our converter writes none of these; SSD-Tensorflow's writes them as they come;
        "classes": int32 [G], 1...K;
        "difficult": bool [G], False for every box where the record does not say.
    """
    one = tf.io.parse_single_example(serialized, _FEATURES)
    sides = [tf.sparse.to_dense(one[f"image/object/bbox/{side}"]) for side in SIDES]
    corners = tf.stack(sides, axis=-1)  # [all, 4]
    kept = is_box(corners)
    label, difficult = (
        tf.cond(tf.size(ours) > 0, lambda ours=ours: ours, lambda other=other: other)
        for ours, other in ([tf.sparse.to_dense(one[key]) for key in _KEYS[name]] for name in _NUMBERS)
    )
    difficult = tf.pad(difficult, [[0, tf.size(label) - tf.size(difficult)]])
    return {
        "encoded": one["image/encoded"],
        "filename": one["image/filename"],
        "boxes": tf.clip_by_value(tf.boolean_mask(corners, kept), 0.0, 1.0),
        "classes": tf.cast(tf.boolean_mask(label, kept), tf.int32),
        "difficult": tf.cast(tf.boolean_mask(difficult, kept), tf.bool),
    }


def is_box(corners) -> tf.Tensor:
    """Which of the boxes [N, 4] have something inside the picture: bool [N]; inf and nan are no corners."""
    inside = tf.clip_by_value(corners, 0.0, 1.0)
    real = tf.math.is_finite(corners[:, :2]) & tf.math.is_finite(corners[:, 2:])
    return tf.reduce_all(real & (inside[:, 2:] > inside[:, :2]), axis=1)


def objects_of(where: str, example: tf.train.Example) -> tuple[Sequence, ...]:
    """The sides [4][G], class ids [G], names and difficult flags of a record, the last two [G] or [0].

    ValueError, which says `where`: a box has no id, name or flag.
    """
    feature = example.features.feature
    corners = [feature[f"image/object/bbox/{side}"].float_list.value for side in SIDES]
    classes, difficult = (
        next(filter(None, (feature[key].int64_list.value for key in _KEYS[name])), []) for name in _NUMBERS
    )
    names = next(filter(None, (feature[key].bytes_list.value for key in _KEYS["label_text"])), [])
    optional = (len(values) for values in (names, difficult) if values)
    if len({len(classes), *map(len, corners), *optional}) > 1:
        raise ValueError(
            f"{where}: {len(corners[0])} boxes with {len(classes)} class ids, {len(names)} names and "
            f"{len(difficult)} flags; every box has one of each: convert again"
        )
    return corners, classes, names, difficult


def examples(files: Iterable[Path]) -> Iterator[tuple[str, tf.train.Example]]:
    """The records of some files as they were written, pictures encoded, each with where it is, in words.

    ValueError, which names the file: it is damaged, cut short or of something else.
    """
    for path in files:
        try:
            batches = tf.data.TFRecordDataset(str(path)).batch(_AT_ONCE).as_numpy_iterator()
            for number, record in enumerate(itertools.chain.from_iterable(batches)):
                example = tf.train.Example.FromString(record)
                named = b"".join(example.features.feature["image/filename"].bytes_list.value)
                name = f" ({named.decode('utf-8', errors='replace')})" if named else ""
                yield f"{path}: record {number}{name}", example
        except tf.errors.DataLossError:
            raise ValueError(f"{path}: damaged or cut short; copy it again or convert again") from None
        except DecodeError:
            raise ValueError(f"{path}: its records hold no tf.train.Example; convert again") from None


def decode_picture(encoded) -> tf.Tensor:
    """The one way in which pictures of records are decoded: scalar string -> uint8 [H, W, 3] RGB.

    A whole JPEG, PNG, GIF, BMP or WebP.
    """
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.ensure_shape(image, [None, None, 3])


def decoded(where: str, example: tf.train.Example) -> np.ndarray:
    """The picture of a record, uint8 [H, W, 3]; ValueError with `where`: there is none, or it is damaged."""
    encoded = next(iter(example.features.feature["image/encoded"].bytes_list.value), b"")
    try:
        return decode_picture(encoded).numpy()
    except tf.errors.InvalidArgumentError as error:
        reason = error.message.partition("}} ")[2].partition(" [Op:")[0]
        raise ValueError(f"{where}: its picture cannot be decoded ({reason}); convert again") from None


def traces_of_records(files: Sequence[Path]) -> Traces:
    """By what the pictures of a set can be recognised; about 1 ms for each, errors as of `decoded`."""

    def trace(one: tuple[str, tf.train.Example]) -> tuple[str, str, np.uint64]:
        where, example = one
        texts = (example.features.feature[f"image/{key}"] for key in ("encoded", "filename", "source"))
        encoded, *more = (next(iter(text.bytes_list.value), b"") for text in texts)
        name, source = (text.decode("utf-8", errors="replace") for text in more)
        if encoded.startswith(b"\xff\xd8"):
            with suppress(OSError):
                return name, source, perceptual_hash_of_jpeg(encoded)
        return name, source, perceptual_hash(decoded(where, example))

    return traces_of(map_in_threads(trace, examples(files)))


def index_of_set(shards: Sequence[Path]) -> Path:
    """Where `write_index` puts what the records of a set say together: beside its first file."""
    match = SHARD_NAME.fullmatch(shards[0].name)
    return shards[0].with_name(f"{match['set'] if match else shards[0].name}.index.npz")


def write_index(
    shards: Mapping[Path, str], labels: Sequence[str], columns: Mapping[str, np.ndarray], traces: Traces
) -> None:
    """Keeps what the records of a set's files, with their SHA-256, say together: nobody has to read them.

    `columns` has a row for each box: see `SplitInfo`.
    """
    of = {"shards": np.array([*shards.values()]), "labels": np.array(labels, str)}
    write_arrays(index_of_set([*shards]), {**of, **columns, **traces.arrays()})


def make_example(
    encoded: bytes,
    *,
    filename: str,
    source: str,
    width: int,
    height: int,
    boxes: np.ndarray,
    classes: Sequence[int],
    names: Sequence[str],
    difficult: Sequence[bool],
    truncated: Sequence[bool],
) -> bytes:
    """Serialises one record: SSD-Tensorflow's features, and "image/filename" and "image/source".

    Of a JPEG of `width` x `height` pixels, with G boxes, float32 [G, 4], as `parse_example` gives them, G ids
    from 1, names and flags. `source` is the episode or video. Equal bytes for equal arguments.
    """
    features = {
        "image/height": _ints([height]),
        "image/width": _ints([width]),
        "image/channels": _ints([3]),
        "image/shape": _ints([height, width, 3]),
        "image/format": _bytes([b"JPEG"]),
        "image/encoded": _bytes([encoded]),
        "image/filename": _bytes([filename.encode()]),
        "image/source": _bytes([source.encode()]),
        "image/object/bbox/label": _ints(classes),
        "image/object/bbox/label_text": _bytes([name.encode() for name in names]),
        "image/object/bbox/difficult": _ints(difficult),
        "image/object/bbox/truncated": _ints(truncated),
    }
    for column, side in enumerate(SIDES):
        values = tf.train.FloatList(value=boxes[:, column].tolist())
        features[f"image/object/bbox/{side}"] = tf.train.Feature(float_list=values)
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def write_shards(folder: Path, name: str, records: Iterable[bytes], per_shard: int) -> list[Path]:
    """Writes `NAME_000.tfrecord`, `NAME_001.tfrecord`, ... of at most `per_shard` records each."""
    paths: list[Path] = []
    records = iter(records)
    for first in records:
        paths.append(folder / f"{name}_{len(paths):03d}.tfrecord")
        try:
            with tf.io.TFRecordWriter(str(paths[-1])) as writer:
                for record in itertools.chain([first], itertools.islice(records, per_shard - 1)):
                    writer.write(record)
        except tf.errors.ResourceExhaustedError:  # TensorFlow's word for a full disk
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(paths[-1])) from None
    return paths


def _ints(values: Sequence[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value) for value in values]))


def _bytes(values: Sequence[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
