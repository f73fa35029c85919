import numpy as np
import pytest

from datasets.labels import write_labels
from files.arrays import write_arrays
from nets import get_network
from nets.checkpoint import model_weights, read_checkpoint, write_checkpoint
from nets.slim_files import write_slim_checkpoint
from nets.slim_names import slim_variables
from ssd_tensorflow.any_checkpoint import as_checkpoint_folder, is_tensorflow_checkpoint

NAME = "small_vgg"
pytestmark = [pytest.mark.tensorflow_only, pytest.mark.usefixtures("small_networks")]


@pytest.fixture
def model(small_networks):
    return get_network(NAME).build(3)


def test_a_checkpoint_folder_is_itself(tmp_path, model):
    write_checkpoint(tmp_path, labels=["a", "b"], config={"model_name": NAME}, weights=model_weights(model))
    for name in (None, NAME):
        with as_checkpoint_folder(tmp_path, ["others"], name) as folder:
            assert folder == tmp_path
    with (
        pytest.raises(ValueError, match=r"holds a small_vgg, but --model_name is ssd_300_vgg\. Leave"),
        as_checkpoint_folder(tmp_path, ["a"], "ssd_300_vgg"),
    ):
        pass


@pytest.mark.parametrize("given", ["folder", "prefix", "index", "npz"])
def test_a_tensorflow_checkpoint_takes_the_names_of_the_data(tmp_path, model, given):
    variables = slim_variables(model, "ssd_300_vgg")
    prefix = write_slim_checkpoint(tmp_path / "log", variables, 7)
    write_arrays(tmp_path / "weights.npz", variables)
    path = {
        "folder": tmp_path / "log",
        "prefix": prefix,
        "index": prefix.with_name(f"{prefix.name}.index"),
        "npz": tmp_path / "weights.npz",
    }[given]
    assert is_tensorflow_checkpoint(path)
    with as_checkpoint_folder(path, ["a", "b"], NAME) as folder:
        checkpoint = read_checkpoint(folder)
        assert checkpoint.labels == ("a", "b")
        for name, array in model_weights(model).items():
            np.testing.assert_array_equal(checkpoint.weights[name], array)
    assert not folder.exists()


def test_another_number_of_names_is_said(tmp_path, model):
    prefix = write_slim_checkpoint(tmp_path / "log", slim_variables(model, "x"), 7)
    with (
        pytest.raises(ValueError, match=r"(?s)trained on 2.*of the dataset: 千反田\. .*labels\.txt"),
        as_checkpoint_folder(prefix, ["千反田"], NAME),
    ):
        pass


def test_labels_beside_a_tensorflow_checkpoint_are_its_names(tmp_path, model):
    prefix = write_slim_checkpoint(tmp_path / "log", slim_variables(model, "x"), 7)
    write_labels(tmp_path / "log" / "labels.txt", ["千反田", "折木"])
    for path in (prefix, tmp_path / "log"):
        with as_checkpoint_folder(path, ["a", "b", "c"], NAME) as folder:
            assert read_checkpoint(folder).labels == ("千反田", "折木")


def test_what_is_there_instead_is_said(tmp_path, model):
    write_slim_checkpoint(tmp_path / "log", slim_variables(model, "x"), 7)
    for path, message in {
        tmp_path / "nowhere": "nowhere does not exist",
        tmp_path / "no" / "where": "where does not exist",
        tmp_path: r"is not a checkpoint folder: labels\.txt, config\.json, weights\.npz missing",
        tmp_path / "log" / "model.ckpt-8": r"neither .*model\.ckpt-8 nor .* there is model\.ckpt-7\.",
    }.items():
        assert not is_tensorflow_checkpoint(path)
        with pytest.raises(ValueError, match=message), as_checkpoint_folder(path, ["a", "b"], None):
            pass
