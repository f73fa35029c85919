import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets.labels import write_labels
from datasets.records import RecordDataset, make_example, open_dataset, write_shards
from engine.input.pictures import (
    JPEG_RATIOS,
    decode_picture,
    fits_in_memory,
    free_bytes,
    needed_bytes,
    remember_pictures,
)
from engine.input.records import RecordIndex, index_records
from engine.input_pipeline import TrainingPictures
from preprocessing.presets import get_preset

BOXES = [[[0.1, 0.2, 0.5, 0.6]], [], [[0.0, 0.0, 0.5, 0.5], [0.4, 0.4, 0.9, 0.8]]]


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Two JPEGs of odd sizes and a PNG."""
    rng = np.random.default_rng(0)
    images = [
        cv2.resize(rng.integers(0, 256, (9, 11, 3)).astype(np.uint8), size)
        for size in ((131, 97), (64, 203), (50, 40))
    ]
    encoders = (tf.io.encode_jpeg, tf.io.encode_jpeg, tf.io.encode_png)
    return [encode(image).numpy() for encode, image in zip(encoders, images, strict=True)]


@pytest.fixture(scope="module")
def dataset(pictures, tmp_path_factory) -> RecordDataset:
    folder = tmp_path_factory.mktemp("records")
    write_labels(folder / "labels.txt", ["a", "b"])
    records = [
        make_example(
            encoded,
            filename=f"{number}.jpg",
            source="episode",
            width=1,
            height=1,
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            classes=[1] * len(boxes),
            names=["a"] * len(boxes),
            difficult=[False] * len(boxes),
            truncated=[False] * len(boxes),
        )
        for number, (encoded, boxes) in enumerate(zip(pictures, BOXES, strict=True))
    ]
    write_shards(folder, "train", records, per_shard=2)
    return open_dataset(folder)


def index(dataset) -> RecordIndex:
    return index_records(dataset.split("train").files)


def test_every_scale_is_what_the_decoder_gives(dataset, pictures):
    memory = remember_pictures(index(dataset))
    assert needed_bytes(index(dataset)) == memory.pixels.shape[0]
    window = tf.constant([0.0, 0.0, 1.0, 1.0])
    for number, encoded in enumerate(pictures):
        picture = memory.picture(tf.constant(number, tf.int64))
        np.testing.assert_allclose(picture.boxes, np.reshape(BOXES[number], (-1, 4)))
        assert picture.classes.numpy().tolist() == [1] * len(BOXES[number])
        height, width = decode_picture(encoded).numpy().shape[:2]
        for ratio in JPEG_RATIOS:
            pixels, origin, size = picture.take(window, int(min(height, width) / ratio))
            jpeg = number < 2
            expected = tf.io.decode_jpeg(encoded, ratio=ratio) if jpeg else decode_picture(encoded)
            np.testing.assert_array_equal(pixels, expected)
            assert origin.numpy().tolist() == [0, 0]
            np.testing.assert_allclose(size, np.array([height, width]) / (ratio if jpeg else 1))


def test_pictures_from_memory_look_like_those_decoded_each_time(dataset):
    for augmentation in (get_preset("none"), get_preset("anime")):
        batches = [
            next(
                iter(
                    TrainingPictures(
                        dataset=dataset,
                        split="train",
                        image_size=48,
                        batch_size=6,
                        augmentation=augmentation,
                        seed=2,
                        in_memory=in_memory,
                    ).batches()
                )
            )
            for in_memory in (False, True)
        ]
        (images, targets), (others, other_targets) = batches
        np.testing.assert_allclose(images, others, atol=25)  # at borders of windows
        assert np.abs(images - others).mean() < 0.5
        for name in targets:
            np.testing.assert_array_equal(targets[name], other_targets[name])


def test_only_what_fits_well_is_kept(dataset):
    records = index(dataset)
    needed = needed_bytes(records)
    fits, said = fits_in_memory(records, 3 * needed)
    assert not fits
    assert said.startswith("Pictures are decoded each time they are shown: 3 decoded pictures take 0.00 GiB")
    fits, said = fits_in_memory(records, 5 * needed)
    assert fits
    assert said.startswith("Pictures are kept in memory: 3 decoded pictures")
    assert not fits_in_memory(records, None)[0]
    assert remember_pictures(records, 3 * needed).starts.shape == (3, 4)
    with pytest.raises(ValueError, match=r"keeps its 3 decoded pictures in memory: .* twice that"):
        remember_pictures(records, needed)


def test_this_machine_has_some_memory_or_says_nothing():
    free = free_bytes()
    assert free is None or 2**20 < free < 2**50
