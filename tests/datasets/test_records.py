import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from datasets.examples import (
    VOC_NAMES,
    make_example,
    parse_example,
    traces_of_records,
    write_index,
    write_shards,
)
from datasets.new_labels import write_labels
from datasets.records import open_dataset
from files.below import sha256_of
from files.reading import read_arrays
from files.writing import write_arrays
from tests.datasets.test_splits import TABLES

BOXES = ((0.25, 0.125, 0.5, 0.75),)
JPEG = tf.io.encode_jpeg(np.full((6, 8, 3), 90, np.uint8)).numpy()


def example(boxes: Any = BOXES, names: Any = ("千反田",), classes: Any = (2,), encoded=JPEG, **more) -> bytes:
    """A record of a picture with difficult objects."""
    count = len(names)
    given = {"boxes": np.array(boxes, np.float32).reshape(-1, 4), "names": names, "classes": classes}
    given |= {"difficult": [True] * count, "truncated": [False] * count, "width": 8, "height": 6}
    return make_example(encoded, **{**given, "filename": "第1話/千反田_1.jpg", "source": "千反田", **more})


def test_parse():
    parsed = {key: value.numpy() for key, value in parse_example(tf.constant(example())).items()}
    assert tf.io.decode_jpeg(parsed.pop("encoded")).shape == (6, 8, 3)
    assert bytes(parsed.pop("filename")).decode() == "第1話/千反田_1.jpg"
    kinds = {"boxes": np.float32, "difficult": np.bool_}
    assert {key: value.dtype for key, value in parsed.items()} == {**kinds, "classes": np.int32}
    np.testing.assert_array_equal(parsed["boxes"], [[0.25, 0.125, 0.5, 0.75]])
    assert [parsed[key].tolist() for key in ("classes", "difficult")] == [[2], [True]]


def test_a_picture_without_objects():
    (parsed,) = tf.data.Dataset.from_tensors(example((), (), ())).map(parse_example)
    assert parsed["boxes"].shape == (0, 4)
    assert parsed["classes"].shape == parsed["difficult"].shape == (0,)


def test_a_record_without_difficult():
    record = tf.train.Example.FromString(example())
    for key in ("image/object/bbox/difficult", "image/object/bbox/truncated", "image/filename"):
        del record.features.feature[key]
    parsed = parse_example(tf.constant(record.SerializeToString()))
    assert parsed["difficult"].numpy().tolist() == [False]
    assert parsed["filename"].numpy() == b""


def test_shards(tmp_path):
    paths = write_shards(tmp_path, "train", iter([b"a", b"b", b"c", b"d", b"e"]), 2)
    assert [path.name for path in paths] == ["train_000.tfrecord", "train_001.tfrecord", "train_002.tfrecord"]
    read = [list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) for path in paths]
    assert read == [[b"a", b"b"], [b"c", b"d"], [b"e"]]
    assert write_shards(tmp_path, "none", iter([]), 2) == []
    (tmp_path / "full_000.tfrecord").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        write_shards(tmp_path, "full", [b"a"], 2)


@pytest.fixture
def indexed(tmp_path):
    """Three pictures with four boxes, in two files, and their index."""
    records = [example(), example((), (), ()), example(3 * BOXES, ("千反田", "折木", "千反田"), (2, 1, 2))]
    write_labels(tmp_path / "labels.txt", ["折木", "千反田"])
    files = write_shards(tmp_path, "train", records, 2)
    columns = {
        "corners": np.array(4 * BOXES, np.float32),
        "classes": np.array([2, 2, 1, 2], np.int32),
        "difficult": np.full(4, True),
        "picture": np.array([0, 2, 2, 2]),
    }
    write_index({one: sha256_of(one) for one in files}, ("折木", "千反田"), columns, traces_of_records(files))
    return tmp_path / "train.index.npz"


def test_an_index_says_what_the_records_say(indexed):
    split = open_dataset(indexed.parent).split("train")
    assert split.known is not None
    indexed.unlink()
    read = open_dataset(indexed.parent).split("train")
    assert read.known is None
    assert (split.files, split.pictures, split.note) == (read.files, read.pictures, read.note)
    for column in ("corners", "classes", "difficult", "picture"):
        assert getattr(split, column).dtype == getattr(read, column).dtype
        np.testing.assert_array_equal(getattr(split, column), getattr(read, column))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda column: column[::-1], ("shards", "labels", "picture")),
        (lambda column: column + 1, ("corners", "classes", "picture")),
        (lambda column: column[1:], ("difficult", "hashes")),
        (lambda column: column[:, :3], ("corners",)),
        (lambda column: column.astype(np.int64), ("classes",)),
        (lambda column: np.zeros(()), ("names",)),
    ],
)
def test_an_index_that_cannot_be_believed_is_passed_over(indexed, change, names):
    arrays = read_arrays(indexed)
    for name in names:
        write_arrays(indexed, {**arrays, name: change(arrays[name])})
        split = open_dataset(indexed.parent).split("train")
        assert (name, split.known, split.classes.tolist()) == (name, None, [2, 2, 1, 2])
        write_arrays(indexed, {key: value for key, value in arrays.items() if key != name})
        assert open_dataset(indexed.parent).split("train").known is None


def test_an_index_hides_no_damage(indexed):
    files = open_dataset(indexed.parent).split("train").files
    files[1].write_bytes(files[1].read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match=r"train_001\.tfrecord: damaged"):
        open_dataset(indexed.parent)
    indexed.write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"train_001\.tfrecord: damaged"):
        open_dataset(indexed.parent)


def test_ancestors_records(shared):
    """Written by SSD-Tensorflow itself: no labels.txt, no dataset.json, no file names."""
    dataset = open_dataset(shared / "golden" / "tfrecords")
    assert list(dataset.splits) == ["voc_2007_train"]
    split = dataset.split("train")
    assert (split.pictures, split.boxes, split.max_boxes) == (6, 17, 7)
    assert dataset.labels == VOC_NAMES  # in SSD-Tensorflow's order, those without a box too
    assert "the labels are VOC's 20 names" in dataset.note
    dump = json.loads((shared / "golden" / "tfrecord_dump.json").read_text())["records_in_file_order"]
    records = tf.data.TFRecordDataset([str(path) for path in split.files]).map(parse_example)
    for parsed, expected in zip(records, dump, strict=True):
        for column, side in enumerate(("ymin", "xmin", "ymax", "xmax")):
            value = expected[f"image/object/bbox/{side}"]["value"]
            np.testing.assert_array_equal(parsed["boxes"][:, column], np.float32(value))
        assert parsed["classes"].numpy().tolist() == expected["image/object/bbox/label"]["value"]
        assert tf.io.decode_jpeg(parsed["encoded"]).shape == expected["image/shape"]["value"]


def test_names_and_sets_without_dataset_json(tmp_path):
    write_shards(tmp_path, "a_train", [example(), example((), (), ())], 1)
    write_shards(tmp_path, "a_test", [example(names=("Mira",), classes=(1,))], 1)
    (tmp_path / ".a_val_000.tfrecord").write_bytes(b"left by a killed run")
    dataset = open_dataset(tmp_path)
    assert dataset.labels == ("Mira", "千反田")
    assert "the labels are those of its records, Mira, 千反田" in dataset.note
    assert set(dataset.splits) == {"a_train", "a_test"}
    files = [path.name for path in dataset.splits["a_train"].files]
    assert files == ["a_train_000.tfrecord", "a_train_001.tfrecord"]


@pytest.mark.parametrize(
    "file", ["train.record-00000-of-00001", "train-00000-of-00001.tfrecord", "train.record"]
)
def test_records_of_the_object_detection_api(file, tmp_path):
    ours = example(names=("dog",), classes=(3,))  # VOC's dog is 12
    record = tf.train.Example.FromString(ours)
    feature = record.features.feature
    for key, theirs in (("label", "class/label"), ("label_text", "class/text"), ("difficult", "difficult")):
        feature[f"image/object/{theirs}"].CopyFrom(feature[f"image/object/bbox/{key}"])
        del feature[f"image/object/bbox/{key}"]
    parsed, expected = (parse_example(tf.constant(one)) for one in (record.SerializeToString(), ours))
    for key, value in expected.items():
        np.testing.assert_array_equal(parsed[key], value)
    (path,) = write_shards(tmp_path, "theirs", [record.SerializeToString()] * 2, 2)
    dataset = open_dataset(path.rename(tmp_path / file).parent)
    assert (dataset.labels, dataset.split("train").boxes) == (("class 1", "class 2", "dog"), 2)
    (tmp_path / file).rename(tmp_path / "train.record-00001-of-00003")
    with pytest.raises(ValueError, match=r"train\.record-00001-of-00003: 1 of its 3 files are there"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(("labels", "given", "said"), TABLES["records"])
def test_records_agree_with_the_names_and_with_each_other(labels, given, said, tmp_path):
    (path,) = write_shards(tmp_path, "train", [example(**given)], 1)
    if labels:
        write_labels(tmp_path / "labels.txt", labels.split())
    with pytest.raises(ValueError, match=said) as error:
        open_dataset(tmp_path)
    assert "boxes" in given or f"{path}: record 0 (第1話/千反田_1.jpg)" in str(error.value)


def test_boxes_that_are_none_do_not_count(tmp_path):
    inf, nan = float("inf"), float("nan")
    none = [[0.5, 0.9, 0.8, 0.2], [nan, 0, 1, 1], [0, 0, inf, 1], [0.2, 0.2, 0.2, 0.6], [1.2, 0, 1.5, 1]]
    boxes = [*none, [0.25, 0.5, 0.5, 0.75], [-0.5, 0, 0.5, 2]]
    some = [example(boxes, ["a", *"bbbbbb"], [1, *[2] * 6]), example(none[:1], ["a"], [1])]
    write_shards(tmp_path, "train", some, 4)
    split = open_dataset(tmp_path).split("train")
    assert (split.pictures, split.boxes, split.max_boxes) == (2, 2, 2)
    assert split.corners.tolist() == [[0.25, 0.5, 0.5, 0.75], [0, 0, 0.5, 1]]
    assert (split.classes.tolist(), split.difficult.tolist()) == ([2, 2], [True, True])
    assert "train: 6 of its 8 boxes are none and do not count, one with ymin 0.5, xmin 0.9," in split.note
    assert [len(parse_example(tf.constant(one))["boxes"]) for one in some] == [2, 0]


def test_finding_a_split(tmp_path):
    write_shards(tmp_path, "voc_2007_train", [example()], 1)
    write_shards(tmp_path, "train", [example()], 1)
    write_shards(tmp_path, "voc_2012_test", [example()], 1)
    dataset = open_dataset(tmp_path)
    assert dataset.split_name("train") == "train"
    assert dataset.split_name("test") == "voc_2012_test"


def test_dataset_name_selects_sets(tmp_path):
    for name in ("voc_2007_train", "voc_2007_test", "voc_2012_train", "mine_train"):
        write_shards(tmp_path, name, [example()], 1)
    for name, selected in TABLES["selections"].items():
        assert list(open_dataset(tmp_path, name).splits) == selected
    assert open_dataset(tmp_path, "pascalvoc_2012").split_name("train") == "voc_2012_train"


@pytest.mark.parametrize(("sets", "asked", "said"), TABLES["no_sets"])
def test_says_what_is_wrong_with_a_folder(sets, asked, said, tmp_path):
    for name, given in sets.items():
        write_shards(tmp_path, name, [example(**given)], 1)
    with pytest.raises(ValueError, match=said):
        open_dataset(tmp_path / asked.get("folder", ""), asked.get("dataset")).split(asked["split"])


@pytest.mark.parametrize("read", [traces_of_records, lambda files: open_dataset(files[0].parent)])
def test_a_damaged_shard_is_named_by_whoever_reads_it_first(read, tmp_path):
    """The conversion's dataset.json spares the counting, so the first reader meets the damage."""
    path, other = write_shards(tmp_path, "train", [example()] * 4, 2)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"train_000\.tfrecord: damaged or cut short; copy it again or"):
        read([other, path])


def test_a_shard_of_another_conversion_is_noticed(tmp_path):
    (path,) = write_shards(tmp_path, "train", [example()], 5)
    write_labels(tmp_path / "labels.txt", ["Mira", "千反田"])
    shard = {"file": path.name, "bytes": path.stat().st_size}
    described = {"splits": {"train": {"shards": [shard], "pictures": 1, "boxes": 1, "max_boxes": 1}}}
    (tmp_path / "dataset.json").write_text(json.dumps(described))
    assert open_dataset(tmp_path).splits["train"].pictures == 1
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(ValueError, match=r"\.json says \d+ bytes, but it has \d+ bytes; convert again"):
        open_dataset(tmp_path)
    path.rename(tmp_path / "other_000.tfrecord")
    with pytest.raises(ValueError, match=r"train_000\.tfrecord: .* but it is not there"):
        open_dataset(tmp_path)
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(ValueError, match=r"dataset\.json: not a dataset\.json of tf_convert_data\.py"):
        open_dataset(tmp_path)
