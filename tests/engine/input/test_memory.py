import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets.labels import write_labels
from datasets.records import RecordDataset, make_example, open_dataset, write_shards
from engine.input.index import RecordIndex, index_records
from engine.input.memory import needed_bytes, remember_pictures
from engine.input_pipeline import remembered, training_batches
from preprocessing.decode import JPEG_RATIOS, decode_picture
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
    memory, said = remembered(dataset, "train", "on", None)
    assert "3 decoded pictures take 0.00 GiB" in said
    for augmentation in (get_preset("none"), get_preset("anime")):
        batches = [
            next(
                iter(
                    training_batches(
                        dataset,
                        "train",
                        image_size=48,
                        batch_size=6,
                        augmentation=augmentation,
                        seed=2,
                        memory=source,
                    )
                )
            )
            for source in (None, memory)
        ]
        (images, targets), (others, other_targets) = batches
        np.testing.assert_allclose(images, others, atol=25)  # at borders of windows
        assert np.abs(images - others).mean() < 0.5
        for name in targets:
            np.testing.assert_array_equal(targets[name], other_targets[name])


def test_only_what_fits_well_is_kept_unless_asked_for(dataset):
    needed = needed_bytes(index(dataset))
    memory, said = remembered(dataset, "train", "auto", 3 * needed)
    assert memory is None
    assert said.startswith("Pictures are decoded each time they are shown: 3 decoded pictures")
    memory, said = remembered(dataset, "train", "auto", 5 * needed)
    assert memory is not None
    assert said.startswith("Pictures are kept in memory")
    assert remembered(dataset, "train", "auto", None)[0] is None
    assert remembered(dataset, "train", "on", 3 * needed)[0] is not None
    with pytest.raises(ValueError, match=r"--cache_pictures=on: 3 decoded pictures take .* twice that"):
        remembered(dataset, "train", "on", needed)
    assert remembered(dataset, "train", "off", 10 * needed) == (None, "")
