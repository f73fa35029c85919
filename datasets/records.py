"""TFRecords: the feature keys of SSD-Tensorflow, written and read; and what a folder of them holds."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from datasets.kinds import need_folder, seems
from datasets.labels import clean_name, read_labels
from datasets.look_alikes import Traces, perceptual_hash_of_jpeg, traces_of
from files.threads import map_in_threads

# A shard is NAME_000.tfrecord, as SSD-Tensorflow's datasets/pascalvoc_to_tfrecords.py names it.
SHARD_NAME = re.compile(r"(?P<set>.+)_(?P<number>\d{3,})\.tfrecord")

# In the order of their class ids, 1 to 20: VOC_LABELS of SSD-Tensorflow's datasets/pascalvoc_common.py.
VOC_NAMES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable"),
    *("dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)

# Of a box in a record, in the order of its corners.
SIDES = ("ymin", "xmin", "ymax", "xmax")

_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    "image/filename": tf.io.FixedLenFeature([], tf.string, default_value=""),
    "image/height": tf.io.FixedLenFeature([], tf.int64),
    "image/width": tf.io.FixedLenFeature([], tf.int64),
    **{f"image/object/bbox/{side}": tf.io.VarLenFeature(tf.float32) for side in SIDES},
    "image/object/bbox/label": tf.io.VarLenFeature(tf.int64),
    "image/object/bbox/difficult": tf.io.VarLenFeature(tf.int64),
    "image/object/bbox/truncated": tf.io.VarLenFeature(tf.int64),
}


@dataclass(frozen=True)
class SplitInfo:
    """One set of pictures: train, validation, test, or whatever --output_name said."""

    files: tuple[Path, ...]  # the shards in order
    pictures: int  # how many they hold
    boxes: int  # how many they hold
    max_boxes: int  # on one picture


@dataclass(frozen=True)
class RecordDataset:
    """A folder of TFRecords."""

    folder: Path  # where it is
    labels: tuple[str, ...]  # K names; the class id of `labels[i]` is `i + 1`, 0 is background
    splits: Mapping[str, SplitInfo]  # by the name of the set
    note: str = ""  # what a person should know about how it was opened, or nothing

    def split(self, name: str) -> SplitInfo:
        """The set that `split_name` finds."""
        return self.splits[self.split_name(name)]

    def split_name(self, name: str) -> str:
        """`name`, or the name of the only set that ends in `_name` (`train` finds `voc_2007_train`).

        ValueError, which lists the sets, where there is no such one, or more than one.
        """
        if name in self.splits:
            return name
        endings = [known for known in self.splits if known.endswith(f"_{name}")]
        if len(endings) == 1:
            return endings[0]
        found = "more than one set ends so" if endings else "there is no such set"
        raise ValueError(
            f"{self.folder}: split {name!r}: {found}; the sets here are: {', '.join(self.splits)}. "
            "Give one of these names, or convert again so that the split exists"
        )


def open_dataset(folder: Path, dataset_name: str | None = None) -> RecordDataset:
    """Finds the sets and names of a folder of TFRecords, ours or SSD-Tensorflow's.

    Counts come from dataset.json; sets that it does not list are counted by reading them. Without labels.txt
    the names come from the records themselves, which hold name and id of every box; where these are Pascal
    VOC's, all twenty names are the labels, as in SSD-Tensorflow. With a name only the sets that `set_prefix`
    tells of are looked at.

    Raises:
        ValueError: no folder, no TFRecords, none of that name, a shard missing or of another size than
            dataset.json says, or no way to know the names.
    """
    need_folder(folder, "--dataset_dir", "tf_convert_data.py makes one")
    shards = _find_shards(folder)
    if not shards:
        kind = seems(folder, own="train_ssd_network.py")
        raise ValueError(
            f"{folder}: no TFRecords in it (files named NAME_000.tfrecord, NAME_001.tfrecord, ...); give the "
            f"output folder of tf_convert_data.py, not the folder with the pictures{kind and '; '}{kind}"
        )
    known = _sets_of_dataset_json(folder)
    splits, pairs = {}, {}
    labels_path = folder / "labels.txt"
    named = labels_path.is_file()
    for name in _sets_of_name(folder, [*(known | shards)], dataset_name or ""):
        splits[name] = known[name] if named and name in known else _count(shards[name], pairs)
    labels, note = (read_labels(labels_path), "") if named else _labels_of_pairs(folder, pairs)
    return RecordDataset(folder=folder, labels=tuple(labels), splits=splits, note=note)


def set_prefix(dataset_name: str) -> str:
    """How the sets of a --dataset_name begin; empty for any.

    `pascalvoc_2007` means `voc_2007_train`, `voc_2007_test` and so on (FILE_PATTERN in SSD-Tensorflow's
    datasets/pascalvoc_2007.py); `pascalvoc` alone means all; other names stand for themselves.
    """
    rest = dataset_name.removeprefix("pascalvoc")
    if rest == dataset_name:
        return f"{dataset_name}_" if dataset_name else ""
    return f"voc{rest}_" if rest else ""


def traces_of_records(files: Sequence[Path]) -> Traces:
    """By what the pictures of a set can be recognised; about 1 ms for each, errors as of `examples`."""

    def trace(example: tf.train.Example) -> tuple[str, str, np.uint64]:
        texts = (example.features.feature[f"image/{key}"] for key in ("encoded", "filename", "source"))
        encoded, *more = (next(iter(text.bytes_list.value), b"") for text in texts)
        name, source = (text.decode("utf-8", errors="replace") for text in more)
        return name, source, perceptual_hash_of_jpeg(encoded)

    return traces_of(map_in_threads(trace, (example for _, example in examples(files))))


def parse_example(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Parses one record (scalar string), ours or SSD-Tensorflow's; usable inside `tf.data.Dataset.map`.

    Returns:
        "encoded": scalar string, a JPEG (`tf.io.decode_jpeg(encoded, channels=3)` decodes it);
        "filename": scalar string, the picture's file name, empty in SSD-Tensorflow's records;
        "height", "width": scalar int32, pixels;
        "boxes": float32 [G, 4], (ymin, xmin, ymax, xmax) as fractions;
        "classes": int32 [G], 1...K;
        "difficult", "truncated": bool [G].
    """
    one = tf.io.parse_single_example(serialized, _FEATURES)
    sides = [tf.sparse.to_dense(one[f"image/object/bbox/{side}"]) for side in SIDES]
    classes = tf.cast(tf.sparse.to_dense(one["image/object/bbox/label"]), tf.int32)
    return {
        "encoded": one["image/encoded"],
        "filename": one["image/filename"],
        "height": tf.cast(one["image/height"], tf.int32),
        "width": tf.cast(one["image/width"], tf.int32),
        "boxes": tf.stack(sides, axis=-1),  # [G, 4]
        "classes": classes,
        "difficult": _flags(one["image/object/bbox/difficult"], classes),
        "truncated": _flags(one["image/object/bbox/truncated"], classes),
    }


def examples(files: Iterable[Path]) -> Iterator[tuple[Path, tf.train.Example]]:
    """The records of some files as they were written, pictures still encoded, each with its file.

    ValueError, which names the file, where one is damaged or cut short.
    """
    for path in files:
        try:
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
                yield path, tf.train.Example.FromString(record)
        except tf.errors.DataLossError:
            raise ValueError(f"{path}: damaged or cut short; copy it again or convert again") from None


def has_countable_box(files: Sequence[Path]) -> bool:
    """Whether some box of a set counts when a detector is measured, is not difficult; see `examples`."""
    for _, example in examples(files):
        feature = example.features.feature
        boxes = len(feature["image/object/bbox/label"].int64_list.value)
        if sum(feature["image/object/bbox/difficult"].int64_list.value) < boxes:
            return True
    return False


def read_boxes(files: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """All boxes of a set: float32 [N, 4] corners and int32 [N] class ids; errors as of `examples`."""
    boxes, classes = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.int32)]
    for _, example in examples(files):
        feature = example.features.feature
        sides = [feature[f"image/object/bbox/{side}"].float_list.value for side in SIDES]
        boxes.append(np.array(sides, np.float32).reshape(4, -1).T)
        classes.append(np.array(feature["image/object/bbox/label"].int64_list.value, np.int32))
    return np.concatenate(boxes), np.concatenate(classes)


def _flags(sparse: tf.SparseTensor, classes: tf.Tensor) -> tf.Tensor:
    """Bool [G]; a record without the feature means False for every box."""
    count = tf.size(classes)
    values = tf.cast(tf.sparse.to_dense(sparse), tf.bool)
    return tf.cond(tf.size(values) < count, lambda: tf.zeros([count], tf.bool), lambda: values)


def _find_shards(folder: Path) -> dict[str, tuple[Path, ...]]:
    numbered: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(folder.glob("*.tfrecord")):
        match = SHARD_NAME.fullmatch(path.name)
        if match and not path.name.startswith("."):
            numbered.setdefault(match["set"], []).append((int(match["number"]), path))
    return {name: tuple(path for _, path in sorted(parts)) for name, parts in sorted(numbered.items())}


def _sets_of_name(folder: Path, names: Sequence[str], dataset_name: str) -> list[str]:
    prefix = set_prefix(dataset_name)
    found = [name for name in names if name.startswith(prefix)]
    if not found:
        raise ValueError(
            f"{folder}: no set whose name begins with {prefix}, which --dataset_name={dataset_name} means; "
            f"the sets here are: {', '.join(names)}. Leave --dataset_name out to look at all of them, or "
            f"convert with --output_name={prefix}train"
        )
    return found


def _sets_of_dataset_json(folder: Path) -> dict[str, SplitInfo]:
    path = folder / "dataset.json"
    if not path.is_file():
        return {}
    splits, sizes = {}, {}
    try:
        for name, one in json.loads(path.read_text(encoding="utf-8"))["splits"].items():
            files = {folder / shard["file"]: shard["bytes"] for shard in one["shards"]}
            splits[name] = SplitInfo(tuple(files), one["pictures"], one["boxes"], one["max_boxes"])
            sizes |= files
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: not a dataset.json of tf_convert_data.py ({type(error).__name__}: {error}); "
            "convert again, or delete it to have the records counted"
        ) from None
    for shard, size in sizes.items():
        found = shard.stat().st_size if shard.is_file() else None
        if found != size:
            what = "it is not there" if found is None else f"it has {found} bytes"
            raise ValueError(f"{shard}: {path.name} says {size} bytes, but {what}; convert again")
    return splits


def _count(files: tuple[Path, ...], pairs: dict[int, str]) -> SplitInfo:
    """Counts by reading every record; collects (class id, name) pairs on the way."""
    counts = []
    for path, example in examples(files):
        feature = example.features.feature
        ids = feature["image/object/bbox/label"].int64_list.value
        texts = feature["image/object/bbox/label_text"].bytes_list.value
        for number, text in zip(ids, texts, strict=False):
            name = clean_name(text.decode("utf-8", errors="surrogateescape"))
            if pairs.setdefault(number, name) != name:
                raise ValueError(
                    f"{path}: class id {number} is {name!r} here, {pairs[number]!r} elsewhere in the folder; "
                    "the sets were converted with different labels: convert them again into one folder"
                )
        counts.append(len(ids))
    return SplitInfo(files, pictures=len(counts), boxes=sum(counts), max_boxes=max(counts, default=0))


def _labels_of_pairs(folder: Path, pairs: Mapping[int, str]) -> tuple[list[str], str]:
    """Names by class id, and a note on where they come from.

    Where VOC's names stand under VOC's ids they are all twenty; else an id without box gets a placeholder.
    """
    if not pairs or min(pairs) < 1:
        raise ValueError(
            f"{folder}: no labels.txt, and the records do not name their classes; "
            "write labels.txt with one name per line, line number = class id"
        )
    if pairs.items() <= dict(enumerate(VOC_NAMES, start=1)).items():
        return list(VOC_NAMES), (
            f"No labels.txt in {folder}, and its records have names and ids of Pascal VOC: the labels are "
            f"VOC's {len(VOC_NAMES)} names."
        )
    labels = [pairs.get(number, f"class {number}") for number in range(1, max(pairs) + 1)]
    return labels, f"No labels.txt in {folder}: the labels are those of its records, {', '.join(labels)}."


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
        boxes: float32 [G, 4], (ymin, xmin, ymax, xmax) as fractions.
        classes: G ids from 1; as many names, and flags of each kind.

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


def _ints(values: Sequence[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value) for value in values]))


def _bytes(values: Sequence[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
