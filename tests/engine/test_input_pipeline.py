import dataclasses
from itertools import islice

import numpy as np
import pytest
import tensorflow as tf

from datasets.examples import decode_picture
from datasets.records import RecordDataset
from engine.input_pipeline import evaluation_batches, naming_unreadable_pictures
from preprocessing.presets import get_preset, presets
from preprocessing.resize import resize_picture
from tests.engine.records_by_hand import dataset_of, record, training_pictures

SIZE = 48
PICTURES = 11


def example(number, *, encoded=None, boxes=None, filename=None) -> bytes:
    """Picture `number`: its grey level says which it is; it has number % 4 boxes, some difficult."""
    height, width = 60 + number, 90 - 2 * number
    if encoded is None:
        image = np.full((height, width, 3), 10 + 20 * number, np.uint8)
        encoded = (tf.io.encode_png(image) if number == 3 else tf.io.encode_jpeg(image, quality=100)).numpy()
    boxes = [[0.1 * i, 0.2, 0.1 * i + 0.4, 0.9] for i in range(number % 4)] if boxes is None else boxes
    facts = {"filename": filename or f"絵_{number:02d}.jpg", "height": height, "width": width}
    facts |= {"difficult": [i % 2 == 1 for i in range(len(boxes))]}
    return record(encoded, boxes, [1 + i % 2 for i in range(len(boxes))], **facts)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> RecordDataset:
    """11 pictures in 3 files."""
    return dataset_of(tmp_path_factory.mktemp("records"), [example(number) for number in range(PICTURES)])


def train(dataset, count, *, preset="none", first_step=0, **changes):
    """The first `count` batches, as NumPy."""
    pictures = training_pictures(dataset, augmentation=get_preset(preset), **changes)
    return list(islice(pictures.batches(first_step).as_numpy_iterator(), count))


def evaluated(dataset, batch_size):
    batches = evaluation_batches(dataset, "train", image_size=SIZE, batch_size=batch_size)
    return list(batches.as_numpy_iterator())


def numbers_of(images):
    """Which pictures these are, by their grey levels."""
    return [round(float(level - 10) / 20) for level in images.mean(axis=(1, 2, 3))]


def assert_valid(targets):
    real = targets["classes"] > 0
    boxes = targets["boxes"][real]
    assert (boxes >= 0.0).all()
    assert (boxes <= 1.0).all()
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert not targets["boxes"][~real].any()


def assert_same(batches, others):
    assert len(batches) == len(others)
    for (images, targets), (other_images, other_targets) in zip(batches, others, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(targets["boxes"], other_targets["boxes"])
        np.testing.assert_array_equal(targets["classes"], other_targets["classes"])


def test_batches_have_the_shapes_that_were_promised(dataset):
    batches = training_pictures(dataset, augmentation=get_preset("anime")).batches()
    boxes, classes = tf.TensorSpec([4, 3, 4], tf.float32), tf.TensorSpec([4, 3], tf.int32)
    images = tf.TensorSpec([4, SIZE, SIZE, 3], tf.float32)
    assert batches.element_spec == (images, {"boxes": boxes, "classes": classes})


@pytest.mark.parametrize("preset", presets())
def test_training_batches_hold_valid_boxes_and_padding(dataset, preset):
    for images, targets in train(dataset, 6, preset=preset):
        assert images.min() >= 0.0
        assert images.max() <= 255.0
        assert_valid(targets)


def test_pictures_keep_their_boxes(dataset):
    for images, targets in train(dataset, 5):
        shown = zip(numbers_of(images), targets["boxes"], targets["classes"], strict=True)
        for number, boxes, classes in shown:
            assert classes.tolist() == [[0, 0, 0], [1, 0, 0], [1, 2, 0], [1, 2, 1]][number % 4]
            expected = [[0.1 * i, 0.2, 0.1 * i + 0.4, 0.9] for i in range(number % 4)]
            np.testing.assert_allclose(boxes[: number % 4], np.reshape(expected, (-1, 4)), atol=1e-6)


def test_a_run_goes_on_with_the_batches_that_it_would_have_got(dataset):
    everything = train(dataset, 12, preset="ssd")
    assert_same(train(dataset, 7, preset="ssd", first_step=5), everything[5:])
    (distant,) = train(dataset, 1, preset="ssd", first_step=10**9)  # costs no more
    assert distant[0].shape == (4, SIZE, SIZE, 3)


def test_the_seed_decides_about_order_and_augmentation(dataset):
    first = train(dataset, 6, preset="anime", seed=1)
    assert_same(first, train(dataset, 6, preset="anime", seed=1))
    one, other = (training_pictures(dataset, seed=seed) for seed in (1, 2))
    assert [one.filenames(step) for step in range(3)] != [other.filenames(step) for step in range(3)]


def test_a_picture_is_augmented_differently_every_time(tmp_path):
    boxed = example(0, boxes=[[0.2, 0.3, 0.8, 0.7]])
    dataset = dataset_of(tmp_path, [boxed])
    crops = [targets["boxes"][0, 0] for _, targets in train(dataset, 30, preset="ssd", batch_size=1)]
    different = {tuple(crop) for crop in np.round(crops, 6).tolist()}
    assert len(different) > 20  # the whole picture, flipped or not, may come back


def test_pictures_of_a_batch_can_be_named(dataset):
    for step, (images, _) in enumerate(train(dataset, 5)):
        names = training_pictures(dataset).filenames(step)
        assert names == list(dict.fromkeys(f"絵_{number:02d}.jpg" for number in numbers_of(images)))


PASTING = {
    "augmentation": dataclasses.replace(get_preset("none"), flip_probability=0.5, paste_probability=0.7),
    "repeat_threshold": 0.9,
}


@pytest.mark.slow
def test_pasted_characters_have_valid_boxes_and_can_be_entered_anywhere(dataset):
    pictures = training_pictures(dataset, **PASTING)
    everything = list(islice(pictures.batches().as_numpy_iterator(), 8))
    counts = []
    for images, targets in everything:
        assert images.shape == (4, SIZE, SIZE, 3)
        assert targets["boxes"].shape == (4, 3 + 1, 4)  # up to three, and one pasted
        assert_valid(targets)
        counts += (targets["classes"] > 0).sum(axis=1).tolist()
    assert np.mean(counts) > 1.6  # of the set it is 1.5, and of names that are rare a little more
    assert_same(list(islice(pictures.batches(5).as_numpy_iterator(), 3)), everything[5:])
    assert 4 <= len(pictures.filenames(0)) <= 8  # four pictures and whom was pasted from


def test_pictures_of_rare_names_are_shown_more_often(tmp_path):
    """Name b stands on one picture of eight: at a threshold of 0.5 it is shown twice a round."""
    box = [[0.1, 0.1, 0.9, 0.9]]
    records = [example(number, boxes=box) for number in range(7)] + [example(7, boxes=box * 2)]
    dataset = dataset_of(tmp_path, records)
    for images, _ in train(dataset, 3, batch_size=9, repeat_threshold=0.5):
        assert sorted(numbers_of(images)) == [0, 1, 2, 3, 4, 5, 6, 7, 7]


def test_nobody_can_be_pasted_where_nobody_is(tmp_path):
    dataset = dataset_of(tmp_path, [example(0), example(4)])
    with pytest.raises(ValueError, match="--paste_probability: the training pictures have no objects"):
        training_pictures(dataset, **PASTING).batches()


def test_evaluation_shows_every_picture_once_in_order(dataset):
    batches = evaluated(dataset, 4)
    assert [len(images) for images, _ in batches] == [4, 4, 3]
    facts = {key: np.concatenate([marks[key] for _, marks in batches]) for key in batches[0][1]}
    assert [name.decode() for name in facts["filename"]] == [f"絵_{n:02d}.jpg" for n in range(PICTURES)]
    np.testing.assert_array_equal(facts["height"], 60 + np.arange(PICTURES))
    np.testing.assert_array_equal(facts["width"], 90 - 2 * np.arange(PICTURES))
    assert facts["classes"].tolist()[:4] == [[0, 0, 0], [1, 0, 0], [1, 2, 0], [1, 2, 1]]
    assert facts["difficult"].tolist()[3] == [False, True, False]
    assert facts["boxes"].shape == (PICTURES, 3, 4)


def test_evaluation_sees_what_the_detector_sees(tmp_path, rng):
    image = rng.integers(0, 256, (90, 130, 3)).astype(np.uint8)
    encoded = tf.io.encode_jpeg(image).numpy()
    dataset = dataset_of(tmp_path, [example(0, encoded=encoded)])
    ((images, _),) = evaluated(dataset, 8)
    np.testing.assert_array_equal(images[0], resize_picture(decode_picture(encoded).numpy(), SIZE))
    ((trained, _),) = train(dataset, 1, batch_size=1)
    np.testing.assert_array_equal(trained, images)


def test_pictures_without_a_single_object_are_enough(tmp_path):
    dataset = dataset_of(tmp_path, [example(0), example(4)])
    for images, targets in train(dataset, 3, preset="ssd"):
        assert images.shape == (4, SIZE, SIZE, 3)
        assert targets["boxes"].shape == (4, 1, 4)
        assert not targets["classes"].any()
    ((_, marks),) = evaluated(dataset, 4)
    assert not marks["classes"].any()


@pytest.mark.parametrize("damage", ["cut", "no picture"])
def test_a_picture_that_cannot_be_decoded_is_named(tmp_path, damage):
    good = tf.io.encode_jpeg(np.zeros((64, 64, 3), np.uint8)).numpy()
    bad = good[: len(good) // 2] if damage == "cut" else b"hello"
    records = [example(0), example(1, encoded=bad, filename="壊れた.jpg"), example(2)]
    dataset = dataset_of(tmp_path, records)
    for batches in (
        evaluation_batches(dataset, "train", image_size=SIZE, batch_size=3),
        training_pictures(dataset, batch_size=3).batches(),
    ):
        with (
            pytest.raises(
                ValueError, match=r"(?s)1 of its pictures.*train_000.tfrecord: record 1 \(壊れた\.jpg\)"
            ),
            naming_unreadable_pictures(dataset, "train"),
        ):
            next(iter(batches))


def test_a_record_with_a_wrong_checksum_is_named(tmp_path):
    dataset = dataset_of(tmp_path, [example(0), example(1)])
    path = dataset.split("train").files[0]
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with (
        pytest.raises(ValueError, match=r"train_000\.tfrecord: damaged or cut short"),
        naming_unreadable_pictures(dataset, "train"),
    ):
        evaluated(dataset, 2)


def test_other_errors_stay_what_they_are(dataset):
    with (
        pytest.raises(tf.errors.InvalidArgumentError, match="something else"),
        naming_unreadable_pictures(dataset, "train"),
    ):
        raise tf.errors.InvalidArgumentError(None, None, "something else")


def test_splits_that_cannot_be_read_are_errors(tmp_path, dataset):
    with pytest.raises(ValueError, match=r"split 'test'.*the sets here are: train"):
        train(dataset, 1, split="test")

    empty = dataset_of(tmp_path, [example(0)])
    path = empty.split("train").files[0]
    data = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"split 'train' has no pictures; label more"):
        train(empty, 1)
    path.write_bytes(data[:-1])
    with pytest.raises(ValueError, match=r"train_000\.tfrecord: damaged or cut short"):
        train(empty, 1)
