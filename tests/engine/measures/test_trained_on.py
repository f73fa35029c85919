"""A checkpoint knows its training pictures again."""

import shutil

import numpy as np

from datasets.examples import traces_of_records
from datasets.look_alikes import traces_of
from datasets.records import open_dataset
from engine.measures.trained_on import leak_notes_of, read_trained_on, with_past, write_trained_on
from nets.checkpoint import Checkpoint


def test_there_and_back(tmp_path):
    traces = traces_of([("千_1.jpg", "千", np.uint64(2**63 + 5)), ("b.jpg", "", np.uint64(0))])
    write_trained_on(tmp_path, traces)
    again = read_trained_on(tmp_path)
    assert again is not None
    assert (again.names, again.sources) == (traces.names, traces.sources)
    assert again.hashes.tolist() == traces.hashes.tolist()


def test_what_a_start_has_learnt_from_goes_on_with_its_weights(tmp_path):
    rows = [(name, "", np.uint64(number)) for number, name in enumerate("abc")]
    first, second = (tmp_path / name for name in "12")
    for folder, own, start in ((first, rows[:2], None), (second, rows[1:], first)):
        folder.mkdir()
        write_trained_on(folder, with_past(traces_of(own), start))
    again = with_past(traces_of(rows[:1]), second)
    assert (again.names, again.hashes.tolist()) == (("a", "b", "c"), [0, 1, 2])


def test_nothing_or_nonsense_is_no_memory(tmp_path):
    assert read_trained_on(tmp_path) is None
    assert len(with_past(traces_of([]), tmp_path)) == 0
    (tmp_path / "trained_on.npz").write_bytes(b"nonsense")
    assert read_trained_on(tmp_path) is None


def checkpoint(folder, config) -> Checkpoint:
    return Checkpoint(folder, ("red",), config, {})


def test_the_training_set_is_recognised_by_the_ending_of_its_name(squares, tmp_path):
    """voc_2007_train and voc_2007_test, as SSD-Tensorflow calls them; here one is a copy of the other."""
    folder = tmp_path / "records"
    folder.mkdir()
    for copy in ("train", "test"):
        shutil.copy(squares / "train_000.tfrecord", folder / f"voc_2007_{copy}_000.tfrecord")
    dataset = open_dataset(folder)

    def notes(split, trained_on="train"):
        config = {"dataset": {}, "options": {"dataset_split_name": trained_on}}
        return leak_notes_of(checkpoint(tmp_path, config), dataset, split)

    (note,) = notes("voc_2007_test")
    assert "voc_2007_test was trained on" in note
    (note,) = notes("train")
    assert note.startswith("voc_2007_train is the set that was trained on")
    assert notes("test", trained_on="elsewhere") == []
    # a checkpoint that came from elsewhere does not say on what it was trained
    assert leak_notes_of(checkpoint(tmp_path, {}), dataset, "train") == []


def test_pictures_of_the_training_in_another_folder_are_recognised(squares, tmp_path):
    dataset = open_dataset(squares)
    write_trained_on(tmp_path, traces_of_records(dataset.split("test").files))
    (note,) = leak_notes_of(checkpoint(tmp_path, {}), dataset, "test")
    assert "test was trained on" in note
