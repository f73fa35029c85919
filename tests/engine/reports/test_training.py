"""The report of a training, made from its folder alone."""

import io
import json
import shutil

import pytest
from rich.console import Console

from engine.reports.training import write_training_report
from engine.training.options import TrainingOptions
from engine.training.train import train
from nets.checkpoint import read_checkpoint
from nets.detector import Detector
from tests.engine.reports.test_evaluation import Page


@pytest.fixture
def options(squares, tmp_path, tiny):
    return {
        "dataset_dir": squares,
        "train_dir": tmp_path / "run",
        "model_name": tiny.name,
        "batch_size": 2,
        "max_number_of_steps": 3,
        "evaluate_steps": 1,
        "jit_compile": "off",
    }


def run(**options) -> str:
    said = io.StringIO()
    train(TrainingOptions(**options), Console(file=said, width=300))
    return said.getvalue()


def test_a_training_ends_with_thresholds_and_a_report(options):
    said = run(**options)
    folder = options["train_dir"]
    assert "Thresholds with the best F1 on validation: red 赤 " in said
    assert f"See {folder / 'report.html'}" in said
    thresholds = json.loads((folder / "thresholds.json").read_text(encoding="utf-8"))
    assert set(thresholds["names"]) == {"red 赤", "blue"}
    assert thresholds["chosen_on"]["split"] == "validation"
    assert Detector.load(folder).thresholds.names == thresholds["names"]
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    for heading in (
        "Training of tiny: run",
        "In plain words",
        "How it learnt",
        "What it learnt from",
        "What the network saw",
        "Precision and recall",
        "What is taken for what",
        "Kinds of mistakes",
        "Do scores mean what they say?",
        "Worst pictures",
        "What ran",
    ):
        assert heading in page.text
    assert "script" not in page.tags
    assert all(source.startswith("data:image/") for source in page.sources)
    # whoever calls again finds it finished, and the report where it was
    written = (folder / "report.html").stat().st_mtime_ns
    assert "Nothing to do" in run(**options)
    assert (folder / "report.html").stat().st_mtime_ns == written


def test_a_training_that_was_cut_off_before_its_report_writes_it_when_called_again(options, monkeypatch):
    written = []
    monkeypatch.setattr(
        "engine.training.train.write_training_report", lambda folder, **_: written.append(folder) or "report"
    )
    run(**options, report=False)
    assert written == []
    run(**options)  # the option may differ: it changes nothing about the weights
    assert written == [options["train_dir"]]


@pytest.mark.slow
def test_without_validation_set_and_after_the_records_moved(options, squares, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("labels.txt", "train_000.tfrecord"):
        shutil.copy(squares / name, data / name)
    run(**{**options, "dataset_dir": data}, report=False)
    data.rename(tmp_path / "moved")
    folder = options["train_dir"]
    with pytest.raises(ValueError, match="no such folder"):
        write_training_report(folder)
    (folder / "first_batch.jpg").unlink()
    said = []
    report = write_training_report(folder, dataset_dir=tmp_path / "moved", say=said.append)
    assert said == [
        "Note: There is no validation set, so nothing can be said about how good this detector is."
    ]
    page = Page(report.read_text(encoding="utf-8"))
    assert "What it learnt from" in page.text
    assert "Precision and recall" not in page.text
    assert read_checkpoint(folder).thresholds.names == {}


def test_a_folder_that_is_no_training_is_said(tmp_path):
    with pytest.raises(ValueError, match="not a checkpoint folder"):
        write_training_report(tmp_path)
