"""One picture and its objects as a record: the feature keys of SSD-Tensorflow, written and read.

Those of TensorFlow's Object Detection API are read, too.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

# Of a box in a record, in the order of its corners.
SIDES = ("ymin", "xmin", "ymax", "xmax")

# What else is said of an object: SSD-Tensorflow's key, and that of TensorFlow's Object Detection API.
_KEYS = {
    "label": ("image/object/bbox/label", "image/object/class/label"),
    "label_text": ("image/object/bbox/label_text", "image/object/class/text"),
    "difficult": ("image/object/bbox/difficult", "image/object/difficult"),
    "truncated": ("image/object/bbox/truncated", "image/object/truncated"),
}
_NUMBERS = ("label", "difficult", "truncated")

_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/filename": tf.io.FixedLenFeature([], tf.string, default_value=""),
    **{f"image/object/bbox/{side}": tf.io.VarLenFeature(tf.float32) for side in SIDES},
    **{key: tf.io.VarLenFeature(tf.int64) for name in _NUMBERS for key in _KEYS[name]},
}


def parse_example(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parses one record; usable inside `tf.data.Dataset.map`.

    Args:
        serialized: scalar string.

    Returns:
        "encoded": scalar string, a picture for `decode_picture`;
        "filename": scalar string, the picture's file name, empty in SSD-Tensorflow's records;
        "boxes": float32 [G, 4], (ymin, xmin, ymax, xmax) as fractions;
        "classes": int32 [G], 1...K;
        "difficult", "truncated": bool [G].
    """
    one = tf.io.parse_single_example(serialized, _FEATURES)
    sides = [tf.sparse.to_dense(one[f"image/object/bbox/{side}"]) for side in SIDES]
    label, difficult, truncated = (
        tf.cond(tf.size(ours) > 0, lambda ours=ours: ours, lambda other=other: other)
        for ours, other in ([tf.sparse.to_dense(one[key]) for key in _KEYS[name]] for name in _NUMBERS)
    )
    return {
        "encoded": one["image/encoded"],
        "filename": one["image/filename"],
        "boxes": tf.stack(sides, axis=-1),  # [G, 4]
        "classes": tf.cast(label, tf.int32),
        "difficult": _flags(difficult, label),
        "truncated": _flags(truncated, label),
    }


def is_box(corners) -> tf.Tensor:
    """Which of the boxes [N, 4] have something inside the picture: bool [N]; inf and nan are no corners."""
    inside = tf.clip_by_value(corners, 0.0, 1.0)
    real = tf.math.is_finite(corners[:, :2]) & tf.math.is_finite(corners[:, 2:])
    return tf.reduce_all(real & (inside[:, 2:] > inside[:, :2]), axis=1)


def objects_of(
    where: str, example: tf.train.Example
) -> tuple[Sequence[Sequence[float]], Sequence[int], Sequence[bytes], Sequence[int]]:
    """The sides [4][G], class ids [G], names and whether difficult (of all objects or of none) of a record.

    Raises:
        ValueError: there is no picture, or a box has no id, name or flag; `where` is said.
    """
    feature = example.features.feature
    corners = [feature[f"image/object/bbox/{side}"].float_list.value for side in SIDES]
    classes, difficult, truncated = (
        next(filter(None, (feature[key].int64_list.value for key in _KEYS[name])), []) for name in _NUMBERS
    )
    names = next(filter(None, (feature[key].bytes_list.value for key in _KEYS["label_text"])), [])
    if not feature["image/encoded"].bytes_list.value:
        raise ValueError(f"{where}: there is no picture in it (image/encoded); convert again")
    optional = (len(values) for values in (names, difficult, truncated) if values)
    if len({len(classes), *map(len, corners), *optional}) > 1:
        raise ValueError(
            f"{where}: {len(corners[0])} boxes with {len(classes)} class ids, {len(names)} names and "
            f"{len(difficult)} flags; every box has one of each: convert again"
        )
    return corners, classes, names, difficult


def examples(files: Iterable[Path]) -> Iterator[tuple[str, tf.train.Example]]:
    """The records of some files as they were written, pictures encoded, each with where it is, in words.

    Raises:
        ValueError: a file is damaged, cut short or of something else; names it.
    """
    for path in files:
        try:
            for number, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
                example = tf.train.Example.FromString(record)
                named = b"".join(example.features.feature["image/filename"].bytes_list.value)
                name = f" ({named.decode('utf-8', errors='replace')})" if named else ""
                yield f"{path}: record {number}{name}", example
        except tf.errors.DataLossError:
            raise ValueError(f"{path}: damaged or cut short; copy it again or convert again") from None
        except DecodeError:
            raise ValueError(f"{path}: its records hold no tf.train.Example; convert again") from None


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

    Args:
        encoded: a JPEG of `width` x `height` pixels.
        filename: says in reports which picture it is.
        source: the episode or video it comes from.
        width: in pixels, as the height.
        height: likewise.
        boxes: float32 [G, 4], (ymin, xmin, ymax, xmax) as fractions.
        classes: G ids from 1.
        names: as many, like the flags.
        difficult: flags.
        truncated: flags.

    Returns:
        Equal bytes for equal arguments.
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
        with tf.io.TFRecordWriter(str(paths[-1])) as writer:
            for record in itertools.chain([first], itertools.islice(records, per_shard - 1)):
                writer.write(record)
    return paths


def _flags(values: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Bool [G]; a record without the feature means False for every box."""
    missing = tf.maximum(0, tf.size(classes) - tf.size(values))
    return tf.pad(tf.cast(values, tf.bool), [[0, missing]])


def _ints(values: Sequence[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value) for value in values]))


def _bytes(values: Sequence[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
