"""A checkpoint knows its training pictures again."""

import shutil

import numpy as np
import pytest

from datasets.look_alikes import traces_of
from datasets.records import open_dataset
from engine.measures.trained_on import leak_notes_of, read_trained_on, write_trained_on
from nets.checkpoint import Checkpoint


@pytest.fixture
def traces():
    return traces_of([("千_1.jpg", "千", np.uint64(2**63 + 5)), ("b.jpg", "", np.uint64(0))])


def test_there_and_back(traces, tmp_path):
    write_trained_on(tmp_path, traces)
    again = read_trained_on(tmp_path)
    assert again is not None
    assert (again.names, again.sources) == (traces.names, traces.sources)
    assert again.hashes.tolist() == traces.hashes.tolist()


def test_nothing_or_nonsense_is_no_memory(tmp_path):
    assert read_trained_on(tmp_path) is None
    (tmp_path / "trained_on.npz").write_bytes(b"nonsense")
    assert read_trained_on(tmp_path) is None


def checkpoint(folder, config) -> Checkpoint:
    return Checkpoint(folder, ("red",), config, {})


def test_the_training_set_itself_is_recognised(squares, tmp_path):
    dataset = open_dataset(squares)
    config = {"dataset": {}, "options": {"dataset_split_name": "train"}}
    (note,) = leak_notes_of(checkpoint(tmp_path, config), dataset, "train")
    assert note.startswith("train is the set that was trained on")
    # a checkpoint that came from elsewhere does not say on what it was trained
    assert leak_notes_of(checkpoint(tmp_path, {}), dataset, "train") == []


def test_sets_of_another_name_are_recognised_by_their_endings(squares, tmp_path):
    """voc_2007_train and voc_2007_test, as SSD-Tensorflow calls them."""
    folder = tmp_path / "records"
    folder.mkdir()
    for split, copy in (("train", "train"), ("train", "test")):
        shutil.copy(squares / f"{split}_000.tfrecord", folder / f"voc_2007_{copy}_000.tfrecord")
    config = {"dataset": {}, "options": {"dataset_split_name": "train"}}
    dataset = open_dataset(folder)
    (note,) = leak_notes_of(checkpoint(tmp_path, config), dataset, "voc_2007_test")
    assert "voc_2007_test was trained on" in note
    (note,) = leak_notes_of(checkpoint(tmp_path, config), dataset, "train")
    assert note.startswith("voc_2007_train is the set that was trained on")
    config["options"]["dataset_split_name"] = "elsewhere"
    assert leak_notes_of(checkpoint(tmp_path, config), dataset, "test") == []


def test_pictures_of_the_training_in_another_folder_are_recognised(squares, tmp_path):
    from datasets.records import traces_of_records

    dataset = open_dataset(squares)
    write_trained_on(tmp_path, traces_of_records(dataset.split("test").files))
    (note,) = leak_notes_of(checkpoint(tmp_path, {}), dataset, "test")
    assert "test was trained on" in note
