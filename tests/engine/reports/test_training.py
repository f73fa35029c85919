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
    """One picture for each (marked name, detected name or None, how many)."""
    found, truths = [], []
    for name, seen, count in rows:
        found += [detected((seen, 0.9 - 0.001 * i, A)) if seen else detected() for i in range(count)]
        truths += [marked((name, A))] * count
    return measure(evaluated(found, truths), Thresholds())


def test_mix_ups_scarce_names_and_the_costliest_mistakes():
    result = measured(("a", "a", 40), ("b", "b", 40), ("c", "a", 15), ("c", "c", 5), ("c", None, 3))
    assert most_mixed_up(result, 3) == [("c", "a", 15, 23)]
    said = " ".join(what_would_help(result, {"a": 100, "b": 90, "c": 20}))
    assert "It takes c for a (15 of 23)." in said
    assert "More pictures are needed most of c (AP" in said
    assert "20 boxes" in said
    assert "The costliest mistakes are of the kind “wrong name”" in said
    # with as many boxes as the others, it is something else
    said = " ".join(what_would_help(result, {"a": 100, "b": 90, "c": 95}))
    assert "Found worse than the rest, though not for lack of boxes: c (AP" in said


def test_nothing_to_blame():
    result = measured(("a", "a", 20), ("b", "b", 20))
    said = " ".join(what_would_help(result, {"a": 30, "b": 20, "never": 5}))
    assert "It does not confuse any two names more than once." in said
    assert "begin with b (AP 100.0 %, 20 boxes to learn from)" in said
    assert "costliest" not in said


def test_few_to_judge():
    result = measured(("a", "a", 20), ("b", None, 2))
    assert any("fewer than 10 objects of b" in one for one in what_would_help(result, {"a": 9, "b": 9}))


@pytest.mark.parametrize(("precision", "best_step", "total_steps", "said"), TABLES["lengths"])
def test_length_of_the_training(precision, best_step, total_steps, said):
    steps = [100, 200, 300, 400, 500]
    assert how_it_learnt(steps, precision, best_step, total_steps)[0].startswith(said)
    assert how_it_learnt([1], [0.5], 1, 1) == []


def test_a_detector_that_has_learnt_nothing_gets_no_advice_on_labels():
    assert what_would_help(measured(("a", "b", 9), ("b", None, 9)), {"a": 9, "b": 1}) == []


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
