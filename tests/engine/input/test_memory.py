from itertools import islice

import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets.examples import decode_picture
from datasets.records import RecordDataset
from engine.input.order import endless_order, paste_candidates, repeat_factors
from engine.input.pictures import JPEG_RATIOS, fits_in_memory, free_bytes, needed_bytes, remember_pictures
from engine.input.records import RecordIndex, index_records
from preprocessing.presets import get_preset
from tests.engine.records_by_hand import dataset_of, record, training_pictures

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
    records = [
        record(encoded, boxes, [1] * len(boxes)) for encoded, boxes in zip(pictures, BOXES, strict=True)
    ]
    return dataset_of(tmp_path_factory.mktemp("records"), records)


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


@pytest.mark.slow
def test_pictures_from_memory_look_like_those_decoded_each_time(dataset):
    for augmentation in (get_preset("none"), get_preset("anime")):
        both = (
            training_pictures(dataset, augmentation=augmentation, batch_size=6, in_memory=in_memory)
            for in_memory in (False, True)
        )
        (images, targets), (others, other_targets) = (next(iter(one.batches())) for one in both)
        np.testing.assert_allclose(images, others, atol=25)  # at borders of windows
        assert np.abs(images - others).mean() < 0.5
        for name in targets:
            np.testing.assert_array_equal(targets[name], other_targets[name])


def test_only_what_fits_well_is_kept(dataset):
    records = index(dataset)
    needed = needed_bytes(records)
    each_time = "Pictures are decoded each time they are shown: all 3 would take more than 0.00 GiB"
    kept = "Pictures are kept in memory: 3 decoded pictures"
    for free, fits, said in ((3 * needed, False, each_time), (5 * needed, True, kept)):
        answer, line = fits_in_memory(records, free)
        assert answer is fits
        assert line.startswith(said)
    assert not fits_in_memory(records, None)[0]
    assert remember_pictures(records, 3 * needed).starts.shape == (3, 4)
    with pytest.raises(ValueError, match=r"keeps its 3 decoded pictures in memory: .* twice that"):
        remember_pictures(records, needed)


def test_this_machine_has_some_memory_or_says_nothing():
    free = free_bytes()
    assert free is None or 2**20 < free < 2**50


def order(count, pictures=7, seed=3, first=0, **more) -> list[int]:
    return [int(n) for n in islice(endless_order(pictures, seed, first, **more).as_numpy_iterator(), count)]


def test_every_round_holds_every_picture_once():
    numbers = order(21)
    rounds = [numbers[i : i + 7] for i in (0, 7, 14)]
    assert [sorted(one) for one in rounds] == [list(range(7))] * 3
    assert rounds[0] != rounds[1] != rounds[2]
    assert order(21, seed=4) != numbers


@pytest.mark.parametrize("factors", [None, np.array([1.0, 1.0, 2.5, 1.0, 1.25, 1.0, 4.0])])
def test_it_can_be_entered_anywhere(factors):
    numbers = order(60, factors=factors)
    for first in (0, 1, 6, 7, 11, 12, 13, 30, 47):
        assert order(12, first=first, factors=factors) == numbers[first : first + 12]


def test_pictures_are_shown_as_often_as_their_factors_say(seed):
    factors = np.array([1.0, 1.5, 1.1, 3.0, 2.25])
    rounds = 20
    counts = np.bincount(order(round(factors.sum() * rounds), 5, seed, factors=factors), minlength=5)
    np.testing.assert_allclose(counts, factors * rounds, atol=2.5)


def test_repeat_factors_by_hand():
    """Name 1 is on all of four pictures, name 2 on one of them."""
    classes = [np.array(one, np.int64) for one in ([1], [1, 1], [1, 2], [1], [])]
    np.testing.assert_allclose(
        repeat_factors(classes, threshold=0.8), [1.0, 1.0, (0.8 / 0.2) ** 0.5, 1.0, 1.0]
    )
    assert (repeat_factors(classes, threshold=0.0) == 1.0).all()


def test_every_name_is_pasted_with_the_same_chance():
    classes = [np.array(one, np.int64) for one in ([1, 1], [], [2, 1])]
    pictures, objects, chances = paste_candidates(classes)
    assert pictures.tolist() == [0, 0, 2, 2]
    assert objects.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(np.diff(chances, prepend=0.0), [1 / 6, 1 / 6, 1 / 2, 1 / 6])
