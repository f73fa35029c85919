"""Reading and writing TensorFlow 1 checkpoints; the mapping of names has its own tests."""

import numpy as np
import pytest

from nets import slim_files
from nets.slim_files import find_prefix, read_slim_variables, write_slim_checkpoint
from tests.conftest import tables

# TensorFlow reads and writes its checkpoints whatever the backend; its import alone takes seconds.
pytestmark = pytest.mark.tensorflow_only

TABLES = tables(__file__)
VALUES = {
    "a/weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/biases": np.array([1.5, -2.0], np.float32),
}


@pytest.fixture
def written(tmp_path):
    """The prefix of a checkpoint in a folder of its own."""
    return write_slim_checkpoint(tmp_path / "ckpt", VALUES, 7)


def check(path):
    variables = read_slim_variables(path)
    assert sorted(variables) == ["a/biases", "a/weights", "global_step"]
    for name, value in VALUES.items():
        np.testing.assert_array_equal(variables[name], value)
    assert (variables["global_step"].dtype, variables["global_step"].shape) == (np.int64, ())
    assert int(variables["global_step"]) == 7


def test_what_is_written_is_read_whatever_part_of_it_is_given(written):
    assert written.name == "model.ckpt-7"
    for ending in ("", ".index", ".data-00000-of-00001", ".meta"):
        check(written.with_name(written.name + ending))
    check(written.parent)
    assert sorted(file.name for file in written.parent.iterdir()) == [
        "checkpoint",
        "model.ckpt-7.data-00000-of-00001",
        "model.ckpt-7.index",
    ]


def test_what_is_there_is_never_overwritten(written):
    before = {file: file.read_bytes() for file in written.parent.iterdir()}
    with pytest.raises(ValueError, match=r"model\.ckpt-7\.data-00000-of-00001 is there already"):
        write_slim_checkpoint(written.parent, VALUES, 7)
    with pytest.raises(ValueError, match=r"checkpoint is there already and stays as it is"):
        write_slim_checkpoint(written.parent, VALUES, 8)
    assert {file: file.read_bytes() for file in written.parent.iterdir()} == before


@pytest.mark.parametrize("named", ["/home/someone/logs/model.ckpt-7", r"C:\\logs\\model.ckpt-7"])
def test_a_folder_that_has_moved_is_followed_by_the_name_alone(written, named):
    (written.parent / "checkpoint").write_text(f'model_checkpoint_path: "{named}"\n')
    assert find_prefix(written.parent) == written
    check(written.parent)


@pytest.mark.parametrize(("files", "path", "message"), TABLES["no_checkpoints"])
def test_where_there_is_none_what_there_is_is_said(written, tmp_path, files, path, message):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=message):
        read_slim_variables(written.parent / path)


def test_an_index_without_all_of_its_data(written):
    data = written.with_name("model.ckpt-7.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:10])
    with pytest.raises(ValueError, match=r"model\.ckpt-7 is not a TensorFlow checkpoint that can be read"):
        read_slim_variables(written)
    data.unlink()
    with pytest.raises(ValueError, match=r"model\.ckpt-7\.data-00000-of-00001 is not: .* the same folder"):
        read_slim_variables(written)


@pytest.mark.parametrize(("start", "what"), TABLES["other_files"])
def test_other_files_are_called_what_they_are(tmp_path, start, what):
    (tmp_path / "ssd_300_vgg.ckpt").write_bytes(start.encode("latin-1") + bytes(5000))
    with pytest.raises(ValueError, match=f"not a TensorFlow checkpoint that can be read: {what}"):
        read_slim_variables(tmp_path / "ssd_300_vgg.ckpt")


def test_a_checkpoint_of_tensorflow_2_is_called_what_it_is(tmp_path):
    import tensorflow as tf

    prefix = tf.train.Checkpoint(x=tf.Variable(tf.zeros(1))).write(str(tmp_path / "model"))
    with pytest.raises(ValueError, match=r"object-based checkpoint of TensorFlow 2.*v1\.train\.Saver"):
        read_slim_variables(prefix)


def test_a_checkpoint_larger_than_can_be_meant_is_not_read(written, monkeypatch):
    monkeypatch.setattr(slim_files, "MAX_BYTES", 39)  # 6 + 2 float32, 1 int64: 40
    with pytest.raises(ValueError, match="says it holds 40 bytes of variables, more than 39"):
        read_slim_variables(written)


def test_names_that_tensorflow_takes_for_patterns(tmp_path):
    prefix = write_slim_checkpoint(tmp_path / "[group] series", VALUES, 7)
    for path in (prefix, prefix.parent):
        with pytest.raises(ValueError, match=r"the brackets .*\[group\] series.*Rename the folder"):
            read_slim_variables(path)
    prefix = write_slim_checkpoint(tmp_path / "a*b?{c}", VALUES, 7)
    check(prefix)
    check(prefix.parent)
