"""Records go both ways between SSD-Tensorflow and here: same features, and its own reader reads ours."""

import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf

from datasets.conversion import convert
from datasets.examples import VOC_NAMES, examples
from datasets.options import ConversionOptions
from datasets.records import open_dataset
from tests.datasets.test_records import example

SIDES, FLAGS = ("ymin", "xmin", "ymax", "xmax"), ("difficult", "truncated")

# keys_to_features of get_split in SSD-Tensorflow's datasets/pascalvoc_common.py.
KEYS_TO_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature((), tf.string, default_value=""),
    "image/format": tf.io.FixedLenFeature((), tf.string, default_value="jpeg"),
    "image/height": tf.io.FixedLenFeature([1], tf.int64),
    "image/width": tf.io.FixedLenFeature([1], tf.int64),
    "image/channels": tf.io.FixedLenFeature([1], tf.int64),
    "image/shape": tf.io.FixedLenFeature([3], tf.int64),
    **{f"image/object/bbox/{key}": tf.io.VarLenFeature(tf.float32) for key in SIDES},
    **{f"image/object/bbox/{key}": tf.io.VarLenFeature(tf.int64) for key in ("label", *FLAGS)},
}


@pytest.fixture(scope="module")
def converted(shared, tmp_path_factory):
    """The six pictures that SSD-Tensorflow's converter converted, converted by ours."""
    folder = tmp_path_factory.mktemp("records")
    result = convert(ConversionOptions(shared / "golden" / "voc_tiny", folder, output_name="voc_2007_train"))
    assert "SSD-Tensorflow's class ids" in " ".join(result.notes)
    return folder


def values(feature: tf.train.Feature) -> list:
    kind = feature.WhichOneof("kind")
    return list(getattr(feature, kind).value) if kind else []


def test_same_features_for_the_same_xml(shared, converted):
    dump = json.loads((shared / "golden" / "tfrecord_dump.json").read_text(encoding="utf-8"))
    marked = dump["true_flags_in_xml(original writes all 0: bug)"]
    theirs = {
        xml.removesuffix(".xml"): record
        for xml, record in zip(dump["order"], dump["records_in_file_order"], strict=True)
    }
    split = open_dataset(converted, "pascalvoc_2007").split("train")
    ours = {
        one.features.feature["image/filename"].bytes_list.value[0].decode().removesuffix(".jpg"): one
        for _, one in examples(split.files)
    }
    assert ours.keys() == theirs.keys()
    for stem, one in ours.items():
        feature = one.features.feature
        expected = {key: one for key, one in theirs[stem].items() if not key.startswith("_")}
        assert set(feature) - {"image/filename", "image/source"} == set(expected)
        for key, one in expected.items():
            found = values(feature[key])
            assert feature[key].WhichOneof("kind") == f"{one['type']}_list"
            if key == "image/encoded":
                assert [hashlib.sha256(found[0]).hexdigest()] == one["sha256"], stem
            elif one["type"] == "bytes":
                assert [value.decode() for value in found] == one["value"], (stem, key)
            elif one["type"] == "float":
                np.testing.assert_allclose(found, one["value"], rtol=0, atol=1e-7, err_msg=f"{stem} {key}")
            elif (flag := key.rpartition("/")[2]) in FLAGS:
                # SSD-Tensorflow always wrote 0: `if obj.find('difficult')` is false for an element.
                assert found == marked[f"{stem}.xml"][flag], (stem, key)
            else:
                assert found == one["value"], (stem, key)


@pytest.mark.parametrize("count", [0, 3])
def test_its_reader_reads_ours(count):
    """Without the shared files: every feature that SSD-Tensorflow asks for, with its type and length."""
    boxes = np.linspace(0, 1, 4 * count, dtype=np.float32).reshape(-1, 4)
    record = example(boxes, VOC_NAMES[:count], range(1, count + 1))
    assert record == example(boxes, VOC_NAMES[:count], range(1, count + 1))  # the same bytes
    parsed = tf.io.parse_single_example(record, KEYS_TO_FEATURES)
    assert parsed["image/shape"].numpy().tolist() == [6, 8, 3]
    assert parsed["image/height"].numpy().tolist() == [6]
    assert parsed["image/channels"].numpy().tolist() == [3]
    assert parsed["image/format"] == b"JPEG"
    assert tf.io.decode_jpeg(parsed["image/encoded"]).shape == (6, 8, 3)
    # slim.tfexample_decoder.BoundingBox(['ymin', 'xmin', 'ymax', 'xmax'], 'image/object/bbox/')
    sides = [parsed[f"image/object/bbox/{side}"].values for side in SIDES]
    np.testing.assert_array_equal(tf.stack(sides, axis=1), boxes)
    assert parsed["image/object/bbox/label"].values.numpy().tolist() == list(range(1, count + 1))
    assert parsed["image/object/bbox/difficult"].values.numpy().tolist() == [1] * count
    # And what it does not ask for.
    more = ("image/filename", "image/source", "image/object/bbox/label_text")
    feature = tf.train.Example.FromString(record).features.feature
    assert feature.keys() == {*KEYS_TO_FEATURES, *more}
    assert [value.decode() for value in feature[more[2]].bytes_list.value] == list(VOC_NAMES[:count])


def test_voc_names_only_where_they_are_meant(shared, tmp_path):
    """Other set names number the names that are there, and a set with other names keeps its own."""
    voc = shared / "golden" / "voc_tiny"
    found = convert(ConversionOptions(voc, tmp_path / "all", output_name="all")).labels
    assert 0 < len(found) < len(VOC_NAMES)
    changed = tmp_path / "changed"
    for path in voc.rglob("*.*"):
        target = changed / path.relative_to(voc)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes().replace(b"<name>dog<", "<name>千反田<".encode()))
    labels = convert(ConversionOptions(changed, tmp_path / "mine", output_name="voc_2007_train")).labels
    assert "千反田" in labels
    assert len(labels) == len(found)
