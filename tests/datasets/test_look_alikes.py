"""Look-alikes: copies are found, other pictures are not; what a test set shares with training is said."""

import io

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from datasets.examples import traces_of_records, write_shards
from datasets.look_alikes import (
    NEAR,
    Traces,
    leak_notes,
    near_duplicates,
    perceptual_hash,
    perceptual_hash_of_jpeg,
    traces_of,
)
from tests.datasets.test_records import example


def scene(rng, height=240, width=320) -> np.ndarray:
    """A picture with large shapes, as a frame has."""
    coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def jpeg(picture, quality) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=quality)
    return file.getvalue()


def bits(a, b) -> int:
    return int(np.bitwise_count(np.uint64(a) ^ np.uint64(b)))


def test_copies_are_near_and_other_pictures_are_not(rng):
    pictures = [scene(rng) for _ in range(12)]
    hashes = [perceptual_hash(picture) for picture in pictures]
    assert hashes[0].dtype == np.uint64
    for picture, known in zip(pictures, hashes, strict=True):
        smaller = cv2.resize(picture, (200, 150), interpolation=cv2.INTER_AREA)
        darker = (0.85 * picture).astype(np.uint8)
        for copy in (smaller, darker):
            assert bits(perceptual_hash(copy), known) <= NEAR
        assert bits(perceptual_hash_of_jpeg(jpeg(picture, 60)), known) <= NEAR
    assert min(bits(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > NEAR


@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_of_one_colour_has_a_hash(value):
    assert perceptual_hash(np.full((20, 30, 3), value, np.uint8)).dtype == np.uint64


def test_pairs_by_hand():
    a = np.array([0b0000, 0b1111], np.uint64)
    b = np.array([0b0001, 0b1111, 0b0111], np.uint64)
    assert near_duplicates(a, b, max_distance=1).tolist() == [[0, 0], [1, 1], [1, 2]]
    assert near_duplicates(a, b, max_distance=0).tolist() == [[1, 1]]
    assert near_duplicates(b, max_distance=1).tolist() == [[1, 2]]
    assert near_duplicates(a[:0]).shape == near_duplicates(a[:0], b).shape == (0, 2)


def test_blocks_give_the_pairs_of_all_with_all(rng):
    hashes = rng.integers(0, 2**64, 3000, dtype=np.uint64)
    hashes[2500:2600] = hashes[100:200] ^ np.uint64(3)  # two bits away
    found = near_duplicates(hashes, max_distance=2)
    assert found.tolist() == [[i, i + 2400] for i in range(100, 200)]
    crossed = near_duplicates(hashes[:2500], hashes[2500:], max_distance=2)
    assert crossed.tolist() == [[i, i - 100] for i in range(100, 200)]


def traces(*rows) -> Traces:
    return traces_of((name, source, np.uint64(bits)) for name, source, bits in rows)


TRAIN = traces(("e1_1.jpg", "e1", 0), ("e1_2.jpg", "e1", 2**60 - 1), ("x.jpg", "", 0b1010101010101))


def test_shared_sources_and_pairs_by_hand():
    test = traces(("e1_9.jpg", "e1", 2**63 + 2**50), ("e2_1.jpg", "e2", 2**60 - 4), ("y.jpg", "", 2**40 - 1))
    of_sources, of_pairs = leak_notes(test, TRAIN, "test")
    assert of_sources.startswith("test and train share sources (e1): 1 of the 3 pictures of test")
    assert "--split_by source" in of_sources
    assert "2 of the 3 pictures of test look nearly the same" in of_pairs
    assert "(e1_9.jpg like e1_1.jpg, e2_1.jpg like e1_2.jpg)" in of_pairs


def test_nothing_in_common_says_nothing():
    """Unknown sources are no common source."""
    assert leak_notes(traces(("y.jpg", "", 2**40 - 1)), TRAIN, "test") == []
    assert leak_notes(traces(), TRAIN, "test") == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_traces_of_records_ours_and_foreign(kind, rng, tmp_path):
    """SSD-Tensorflow's records have neither file name nor source."""
    picture, file = scene(rng), io.BytesIO()
    Image.fromarray(picture).save(file, kind, lossless=True)
    encoded = file.getvalue()
    ours = example((), (), (), encoded=encoded, filename="千_1.jpg", source="千")
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    foreign = tf.train.Example(features=tf.train.Features(feature={"image/encoded": feature}))
    found = traces_of_records(write_shards(tmp_path, "a", [ours, foreign.SerializeToString()], 2))
    assert (found.names, found.sources) == (("千_1.jpg", ""), ("千", ""))
    assert found.hashes[0] == found.hashes[1]
    assert np.bitwise_count(found.hashes[0] ^ perceptual_hash(picture)) <= 2
    with pytest.raises(
        ValueError, match=r"a_000\.tfrecord: record 0 \(.*\.jpg\): its picture cannot be decoded"
    ):
        traces_of_records(write_shards(tmp_path, "a", [example(encoded=b"no picture")], 2))
