"""The report of a training, made from its folder alone, and what it advises."""

import os
import shutil

import pytest

from engine.measures.measure import measure
from engine.reports.evaluation import most_mixed_up
from engine.reports.training import how_it_learnt, report_is_current, what_would_help, write_training_report
from nets.checkpoint import read_checkpoint
from nets.thresholds import Thresholds
from tests.engine.by_hand import TABLES, A, detected, evaluated, marked
from tests.engine.reports.test_evaluation import Page
from tests.engine.training_run import run
from tools.training_report import Options, main


def test_a_report_says_how_it_learnt_and_how_good_it_is(finished, monkeypatch):
    monkeypatch.setattr("engine.reports.training._MOST_BOXES", 7)  # it has more
    folder = finished["train_dir"]
    assert write_training_report(folder) == folder / "report.html"
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    for heading in (
        *("Training of tiny: run", "In plain words", "How it learnt", "What it learnt from"),
        *("What the network saw", "Precision and recall", "What is taken for what", "Kinds of mistakes"),
        *("Do scores mean what they say?", "Worst pictures", "What ran"),
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
    (note,) = said
    assert note.endswith("no validation set, so nothing can be said about how good this detector is.")
    page = Page(report.read_text(encoding="utf-8"))
    assert "What it learnt from" in page.text
    assert "Precision and recall" not in page.text
    assert read_checkpoint(folder).thresholds.names == {}


def test_a_folder_that_is_no_training_is_said(tmp_path):
    with pytest.raises(ValueError, match="not a checkpoint folder"):
        write_training_report(tmp_path)


def measured(*rows):
    """One picture for each (marked name, detected name or "", how many)."""
    found, truths = [], []
    for name, seen, count in rows:
        found += [detected((seen, 0.9 - 0.001 * i, A)) if seen else detected() for i in range(count)]
        truths += [marked((name, A))] * count
    return measure(evaluated(found, truths), Thresholds())


@pytest.mark.parametrize("case", TABLES["advice"], ids=lambda case: case["what"])
def test_what_would_help(case):
    result = measured(*case["rows"])
    said = " ".join(what_would_help(result, case["boxes"]))
    assert [list(one) for one in most_mixed_up(result, 3)] == case["mixed_up"]
    assert bool(said) == bool(case["said"])
    assert all(part in said for part in case["said"]), said
    assert not any(part in said for part in case.get("unsaid", [])), said


@pytest.mark.parametrize(("precision", "best_step", "total_steps", "said"), TABLES["lengths"])
def test_length_of_the_training(precision, best_step, total_steps, said):
    steps = [100, 200, 300, 400, 500]
    assert how_it_learnt(steps, precision, best_step, total_steps)[0].startswith(said)
    assert how_it_learnt([1], [0.5], 1, 1) == []


def test_what_is_no_training_is_one_line_and_status_1(tmp_path, capsys):
    assert main([f"--train_dir={tmp_path / 'nowhere'}"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("training_report: error: Checkpoint folder")
    assert len(said.splitlines()) == 1


def test_flags_reach_thresholds_and_report(tmp_path, monkeypatch, capsys):
    called = []

    def act(folder, dataset_dir, say):
        called.append(Options(folder, dataset_dir))
        return folder / "report.html"

    monkeypatch.setattr("engine.training.train.write_thresholds", act)
    monkeypatch.setattr("engine.reports.training.write_training_report", act)
    assert main([f"--train_dir={tmp_path}", f"--dataset_dir={tmp_path / 'data'}"]) == 0
    assert called == 2 * [Options(tmp_path, tmp_path / "data")]
    assert "report.html" in capsys.readouterr().out
