import struct

import numpy as np
import pytest
import tensorflow as tf

from datasets.examples import decode_picture
from engine.input.pictures import decode_window
from engine.input.records import index_records
from preprocessing.geometric import sample_window

WHOLE = tf.constant([0.0, 0.0, 1.0, 1.0])


@pytest.fixture
def picture(rng):
    small = rng.uniform(0.0, 255.0, (9, 12, 3)).astype(np.float32)
    image = tf.image.resize(small, (703, 1001), method="bicubic")
    return tf.cast(tf.clip_by_value(image, 0.0, 255.0), tf.uint8).numpy()


def seen_both_ways(encoded, window, size):
    """The window of what is decoded for it, and of the whole picture."""
    image = decode_picture(encoded)
    decoded = decode_window(encoded, window, size)
    return sample_window(*decoded, window, size), sample_window(image, [0, 0], image.shape[:2], window, size)


@pytest.mark.parametrize("window", [[0.0, 0.0, 1.0, 1.0], [0.31, 0.17, 0.72, 0.5], [-0.5, 0.4, 0.8, 1.7]])
@pytest.mark.parametrize("size", [400, 300, 100, 40])  # full size, 1/2, 1/4 and 1/8 of the JPEG
def test_a_window_of_a_jpeg_is_the_window_of_its_picture(picture, window, size):
    encoded = tf.io.encode_jpeg(picture, quality=95)
    sampling, expected = seen_both_ways(encoded, tf.constant(window), size)
    # Where the JPEG was shrunk, the odd size is rounded up: the border may lie one output pixel elsewhere.
    assert np.abs(sampling.paddings - expected.paddings).max() <= 1
    if sampling.picture.shape == expected.picture.shape:
        difference = np.abs(sampling.picture - expected.picture)
        assert difference.mean() < 1.5
        assert np.percentile(difference, 99) < 8.0


def test_large_jpegs_are_decoded_small(picture):
    encoded = tf.io.encode_jpeg(picture)
    shapes = [decode_window(encoded, WHOLE, size)[0].shape[:2] for size in (703, 352, 351, 175, 87, 10)]
    assert shapes == [(703, 1001), (703, 1001), (352, 501), (176, 251), (88, 126), (88, 126)]


def test_only_the_window_is_decoded(picture):
    window = tf.constant([0.5, 0.5, 0.6, 0.6])
    pixels, origin, picture_size = decode_window(tf.io.encode_jpeg(picture), window, 300)
    assert (np.array(pixels.shape[:2]) < [80, 110]).all()
    np.testing.assert_array_equal(picture_size, [703, 1001])
    assert (origin.numpy() > [340, 490]).all()


@pytest.mark.parametrize("window", [[0.0, 0.0, 1.0, 1.0], [0.3, 0.1, 0.7, 0.5]])
def test_png_called_jpeg_is_decoded_too(picture, window):
    sampling, expected = seen_both_ways(tf.io.encode_png(picture), tf.constant(window), 300)
    np.testing.assert_array_equal(sampling.picture, expected.picture)


def test_grey_pictures_get_three_channels(picture):
    grey = picture[:, :, :1]
    for encoded in (tf.io.encode_jpeg(grey, format="grayscale"), tf.io.encode_png(grey)):
        assert decode_picture(encoded).shape == (703, 1001, 3)
        assert decode_window(encoded, WHOLE, 500)[0].shape[2] == 3


def test_what_is_no_picture_is_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_picture(b"this is text")
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_window(tf.constant(b"\xff\xd8\xff\xe0 cut"), WHOLE, 300)


@pytest.fixture
def files(tmp_path):
    """Two files with 3 and 2 records of different lengths, and one with none."""
    paths = [tmp_path / name for name in ("a.tfrecord", "b.tfrecord", "empty.tfrecord")]
    for path, records in zip(paths, ([b"", b"x" * 1000, b"abc"], [b"12", b"3"], []), strict=True):
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in records:
                writer.write(record)
    return paths


def test_every_record_is_found_where_it_begins(files):
    index = index_records(files)
    assert len(index) == 5
    assert index.file.tolist() == [0, 0, 0, 1, 1]
    assert index.offset.tolist() == [0, 16, 16 + 1016, 0, 18]
    data = [path.read_bytes() for path in files]
    lengths = [struct.unpack_from("<Q", data[f], o)[0] for f, o in zip(index.file, index.offset, strict=True)]
    assert lengths == [0, 1000, 3, 2, 1]
    assert len(index_records(files[2:])) == 0
    assert index_records([]).offset.dtype == np.int64


@pytest.mark.parametrize("cut", [1, 5, 18, 20])
def test_a_file_that_was_cut_short_is_named(files, cut):
    data = files[0].read_bytes()
    files[0].write_bytes(data[:-cut])
    with pytest.raises(ValueError, match=r"a\.tfrecord: damaged or cut short: record \d .* copy it again"):
        index_records(files)
