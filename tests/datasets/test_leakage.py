"""What a test set has in common with the training set, and how it is said."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

from datasets.leakage import Traces, find_leak, leak_notes, traces_of, traces_of_records
from datasets.near_duplicates import perceptual_hash
from datasets.records import make_example
from tests.datasets.test_near_duplicates import scene


def traces(*rows) -> Traces:
    return traces_of((name, source, np.uint64(bits)) for name, source, bits in rows)


TRAIN = traces(("e1_1.jpg", "e1", 0), ("e1_2.jpg", "e1", 2**60 - 1), ("x.jpg", "", 0b1010101010101))


def test_shared_sources_and_pairs_by_hand():
    test = traces(("e1_9.jpg", "e1", 2**63 + 2**50), ("e2_1.jpg", "e2", 2**60 - 4), ("y.jpg", "", 2**40 - 1))
    leak = find_leak(test, TRAIN)
    assert (leak.sources, leak.from_sources, leak.pictures) == (("e1",), 1, 3)
    assert leak.pairs == (("e1_9.jpg", "e1_1.jpg"), ("e2_1.jpg", "e1_2.jpg"))
    of_sources, of_pairs = leak_notes(leak, "test")
    assert of_sources.startswith("test and train share sources (e1): 1 of the 3 pictures of test")
    assert "--split_by source" in of_sources
    assert "2 of the 3 pictures of test look nearly the same" in of_pairs
    assert "(e1_9.jpg like e1_1.jpg, e2_1.jpg like e1_2.jpg)" in of_pairs


def test_nothing_in_common_says_nothing():
    """Unknown sources are no common source."""
    leak = find_leak(traces(("y.jpg", "", 2**40 - 1)), TRAIN)
    assert leak_notes(leak, "test") == []
    assert leak_notes(find_leak(traces(), TRAIN), "test") == []


def test_long_lists_are_cut():
    many = traces(*((f"{i}.jpg", f"e{i}", i << 50) for i in range(9)))
    note = leak_notes(find_leak(many, many), "test")[0]
    assert "(e0, e1, e2 and 6 more)" in note


def test_traces_of_records_ours_and_foreign(rng, tmp_path):
    """SSD-Tensorflow's records have neither file name nor source."""
    picture = scene(rng)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=95)
    ours = make_example(
        file.getvalue(), filename="千_1.jpg", source="千", width=320, height=240,
        boxes=np.zeros((0, 4), "f"), classes=[], names=[], difficult=[], truncated=[],
    )  # fmt: skip
    encoded = tf.train.Feature(bytes_list=tf.train.BytesList(value=[file.getvalue()]))
    foreign = tf.train.Example(features=tf.train.Features(feature={"image/encoded": encoded}))
    with tf.io.TFRecordWriter(str(tmp_path / "a_000.tfrecord")) as writer:
        writer.write(ours)
        writer.write(foreign.SerializeToString())
    counted = []
    found = traces_of_records([tmp_path / "a_000.tfrecord"], progress=counted.append)
    assert (found.names, found.sources) == (("千_1.jpg", ""), ("千", ""))
    assert found.hashes[0] == found.hashes[1]
    assert np.bitwise_count(found.hashes[0] ^ perceptual_hash(picture)) <= 2
    assert counted == [1, 1]
