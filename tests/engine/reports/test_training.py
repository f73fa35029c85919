"""The report of a training, made from its folder alone."""

import os
import shutil

import pytest

from engine.reports.training import report_is_current, write_training_report
from nets.checkpoint import read_checkpoint
from tests.engine.reports.test_evaluation import Page
from tests.engine.training_run import run


@pytest.fixture
def options(options):
    return {**options, "max_number_of_steps": 3, "evaluate_steps": 1}


def test_a_report_says_how_it_learnt_and_how_good_it_is(options):
    run(**options)
    folder = options["train_dir"]
    assert write_training_report(folder) == folder / "report.html"
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
    assert report_is_current(folder)
    os.utime(folder / "report.html", (1, 1))
    assert not report_is_current(folder)


@pytest.mark.slow
def test_without_validation_set_and_after_the_records_moved(options, squares, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("labels.txt", "train_000.tfrecord"):
        shutil.copy(squares / name, data / name)
    run(**{**options, "dataset_dir": data})
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
