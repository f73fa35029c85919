import json

import numpy as np
import pytest

from files.reading import read_arrays
from nets import get_network
from nets.checkpoint import build_model, is_checkpoint, read_checkpoint
from nets.saving import model_weights, write_checkpoint
from tests.conftest import files_of_at_most, tables

# Files: what the other backend would add is the time that it takes to compile a network.
pytestmark = pytest.mark.tensorflow_only

LABELS = ["千反田える", "Mira"]
DEEP = ("config.json", "[" * 9**4, r"config\.json is damaged .*last/ has the same")


@pytest.fixture(scope="module")
def model():
    return get_network("ssd_300_lite").build(3)


@pytest.fixture
def folder(tmp_path, model):
    target = tmp_path / "模型 run"
    config, weights = {"model_name": "ssd_300_lite"}, model_weights(model)
    write_checkpoint(target, labels=LABELS, config=config, weights=weights, metrics={"map_voc07": 0.5})
    return target


def test_round_trip_gives_the_same_outputs(folder, model):
    assert is_checkpoint(folder)
    (folder / "config.json").write_text('\ufeff{"model_name": "ssd_300_lite"}')  # as Notepad saves it
    checkpoint = read_checkpoint(folder)
    assert checkpoint.labels == tuple(LABELS)
    again = build_model(checkpoint)
    images = np.random.default_rng(0).uniform(0, 255, (1, 300, 300, 3)).astype("f")
    np.testing.assert_array_equal(np.asarray(model(images)["logits"]), np.asarray(again(images)["logits"]))
    assert json.loads((folder / "metrics.json").read_text())["map_voc07"] == 0.5
    files = {"labels.txt", "config.json", "metrics.json", "weights.npz"}
    assert {path.name for path in folder.iterdir()} == files


def test_a_missing_folder_and_a_missing_file_are_named(tmp_path, folder):
    with pytest.raises(ValueError, match="does not exist"):
        read_checkpoint(tmp_path / "nowhere")
    (folder / "weights.npz").unlink()
    with pytest.raises(ValueError, match=r"weights\.npz missing"):
        read_checkpoint(folder)


@pytest.mark.parametrize(("file", "text", "message"), [*tables(__file__)["wrong_files"], DEEP])
def test_files_that_do_not_fit_together_or_are_damaged(folder, file, text, message):
    (folder / file).write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=message):
        build_model(read_checkpoint(folder))


def test_damaged_pickled_and_broken_down_weights_are_refused(folder):
    weights = folder / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"weights.npz cannot be read"):
        read_checkpoint(folder)
    wrong = {"cannot be read": np.array([{"a": 1}], object), "not finite, in v and": np.array([1, np.inf])}
    for message, array in wrong.items():
        np.savez(weights, v=array)
        with pytest.raises(ValueError, match=rf"weights.npz .*{message}"):
            read_checkpoint(folder)


def test_a_disk_without_room_for_weights_leaves_the_whole_checkpoint(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    weights, half = read_arrays(folder / "weights.npz"), len(before["weights.npz"]) // 2
    with pytest.raises(OSError, match="File too large"), files_of_at_most(half):
        write_checkpoint(folder, labels=["other"], config={}, weights=weights, metrics={"step": 9})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
