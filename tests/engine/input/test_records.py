import struct

import numpy as np
import pytest
import tensorflow as tf

from engine.input.records import index_records


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


def test_nothing_is_an_index_of_nothing(files):
    assert len(index_records(files[2:])) == 0
    assert index_records([]).offset.dtype == np.int64


@pytest.mark.parametrize("cut", [1, 5, 18, 20])
def test_a_file_that_was_cut_short_is_named(files, cut):
    data = files[0].read_bytes()
    files[0].write_bytes(data[:-cut])
    with pytest.raises(ValueError, match=r"a\.tfrecord: damaged or cut short: record \d .* copy it again"):
        index_records(files)
