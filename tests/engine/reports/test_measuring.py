import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from engine.reports import measuring
from engine.reports.measuring import SECONDS_BETWEEN_LOOKS, new_checkpoints
from engine.training.run_folder import LAST, STATE
from files.writing import write_arrays
from nets.checkpoint import CONFIG, LABELS, WEIGHTS


class Training:
    """A training as its folder shows it; time passes by `sleep`, which lets the next thing happen."""

    def __init__(self, folder):
        self.folder, self.events, self.now = folder, [], 0.0
        self.lives, self.ends = partial(self.state, finished=False), partial(self.state, finished=True)

    def checkpoint(self, folder=LAST):
        target = self.folder / folder
        target.mkdir(parents=True, exist_ok=True)
        for name in (LABELS, CONFIG):
            (target / name).write_text("")
        write_arrays(target / WEIGHTS, {"a": np.zeros(1)})

    def state(self, finished):
        self.folder.mkdir(exist_ok=True)
        text = json.dumps({"step": 1, "finished": finished}).encode()
        write_arrays(self.folder / STATE, {"progress": np.frombuffer(text, np.uint8)})

    def sleep(self, seconds):
        self.now += seconds
        if self.events:
            self.events.pop(0)()

    def monotonic(self):
        return self.now


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A training that has not begun, whose time is the evaluator's."""
    made = Training(tmp_path / "run")
    monkeypatch.setattr(measuring, "time", made)
    return made


def watched(run) -> list[Path]:
    return list(new_checkpoints(run.folder, patience=60.0))


def test_each_checkpoint_once_until_the_training_is_finished(run):
    run.events = [run.lives, run.checkpoint, run.lives, run.checkpoint, run.ends]
    assert watched(run) == [run.folder / LAST] * 2
    assert not run.events


def test_the_last_one_is_not_missed_when_the_end_comes_while_measuring(run):
    run.checkpoint()
    run.lives()
    found = 0
    for _ in new_checkpoints(run.folder, patience=60.0):
        found += 1
        if found == 1:
            run.checkpoint()
            run.ends()
    assert found == 2


def test_a_finished_training_is_measured_once(run):
    run.checkpoint(folder=".")  # without last/: a checkpoint that was copied
    run.ends()
    assert watched(run) == [run.folder]


def test_a_training_that_stopped_is_not_waited_for_forever(run):
    run.events = [run.lives] * 3
    with pytest.raises(ValueError, match=r"nothing was written there for 1 minutes, .* --wait_minutes"):
        watched(run)
    assert run.now == pytest.approx(3 * SECONDS_BETWEEN_LOOKS + 60 + SECONDS_BETWEEN_LOOKS)


@pytest.mark.parametrize("half", [b"PK half a file", b""])
def test_a_state_that_cannot_be_read_is_not_the_end(run, half):
    run.events = [run.ends]
    run.checkpoint()
    (run.folder / STATE).write_bytes(half)
    assert len(watched(run)) == 1
