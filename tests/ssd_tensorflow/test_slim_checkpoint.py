"""The command line; what it calls has its own tests."""

import re

import numpy as np
import pytest

from datasets.new_labels import write_labels
from nets.checkpoint import read_checkpoint
from ssd_tensorflow.witness import PUBLISHED, Difference
from tests.conftest import tables
from tests.ssd_tensorflow.conftest import NAMES
from tools.slim_checkpoint import main

pytestmark = pytest.mark.tensorflow_only
SHOWN = tables(__file__, "commands")["shown"]


@pytest.fixture
def flags(source, tmp_path):
    """Of an import."""
    labels = tmp_path / "labels.txt"
    write_labels(labels, NAMES)
    return {"checkpoint_path": source, "labels_file": labels, "output_dir": tmp_path / "out"}


def lines_of(shown: str) -> list[str]:
    """What was printed, without the frames of tables."""
    return [" ".join(re.sub("[│┃]", " ", line).split()) for line in shown.splitlines()]


def run(command: str, **flags: object) -> int:
    given = [f"--{flag}" if value is True else f"--{flag}={value}" for flag, value in flags.items()]
    return main([command, *given])


def test_import_says_what_was_restored_left_out_and_missing(flags, tmp_path, capsys):
    assert run("import", **flags) == 0
    lines = lines_of(capsys.readouterr().out)
    assert {*SHOWN["import"]} <= set(lines)
    assert lines[-1] == f"small_vgg with 3 names, 1 220 values, global_step 1234: {tmp_path / 'out'}"
    assert read_checkpoint(tmp_path / "out").labels == NAMES


def test_export_and_back(flags, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "small_vgg", ([], ()))
    ours, theirs, again = (tmp_path / name for name in ("out", "theirs", "again"))
    assert run("import", **flags) == 0
    assert run("export", checkpoint_path=ours, output_dir=theirs) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("theirs/model.ckpt-1234")
    network = {"model_name": "small_vgg", "checkpoint_model_scope": "small_vgg/"}
    labels = theirs / "labels.txt"
    assert run("import", checkpoint_path=theirs, labels_file=labels, output_dir=again, **network) == 0
    before, after = read_checkpoint(ours), read_checkpoint(again)
    assert before.labels == after.labels
    for path, array in before.weights.items():
        np.testing.assert_array_equal(after.weights[path], array)


@pytest.mark.parametrize(("command", "flags", "message"), tables(__file__, "commands")["mistakes"])
def test_a_mistake_is_one_line_on_standard_error(command, flags, message, capsys):
    assert run(command, **{"checkpoint_path": "x", **flags}) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"slim_checkpoint: error: {message}")
    assert captured.err.count("\n") == 1


def test_a_negative_step_is_a_wrong_flag(capsys):
    with pytest.raises(SystemExit, match="2"):
        run("export", checkpoint_path="x", output_dir="x", global_step=-1)
    assert "--global_step must be at least 0, not -1" in capsys.readouterr().err


def test_the_proof_is_shown(flags, capsys, monkeypatch):
    differences = (Difference("codes", 34928, 7.474, 1.67e-6), Difference("logits", 183372, 9.883, 1.31e-6))
    monkeypatch.setattr("ssd_tensorflow.checkpoints._prove", lambda *_: differences)
    assert run("import", **flags, verify=True) == 0
    assert {*SHOWN["proof"]} <= set(lines_of(capsys.readouterr().out))
