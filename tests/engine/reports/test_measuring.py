import json
from pathlib import Path

import numpy as np
import pytest

from engine.reports import measuring
from engine.reports.measuring import SECONDS_BETWEEN_LOOKS, new_checkpoints
from engine.training.run_folder import LAST, STATE
from files.arrays import write_arrays
from nets.checkpoint import CONFIG, LABELS, WEIGHTS


class Training:
    """A training as its folder shows it; time passes by `sleep`, which lets the next thing happen."""

    def __init__(self, folder, *events):
        self.folder, self.events, self.now = folder, list(events), 0.0

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
            self.events.pop(0)(self)

    def monotonic(self):
        return self.now


@pytest.fixture
def training(tmp_path, monkeypatch):
    """Makes a training, whose time is the evaluator's."""

    def make(*events):
        made = Training(tmp_path / "run", *events)
        monkeypatch.setattr(measuring, "time", made)
        return made

    return make


def watched(training) -> list[Path]:
    return list(new_checkpoints(training.folder, patience=60.0))


def test_each_checkpoint_once_until_the_training_is_finished(training):
    run = training(
        lambda run: run.state(finished=False),
        lambda run: run.checkpoint(),
        lambda run: run.state(finished=False),
        lambda run: run.checkpoint(),
        lambda run: run.state(finished=True),
    )
    assert watched(run) == [run.folder / LAST] * 2
    assert not run.events


def test_the_last_one_is_not_missed_when_the_end_comes_while_measuring(training):
    run = training()
    run.checkpoint()
    run.state(finished=False)
    found = 0
    for _ in new_checkpoints(run.folder, patience=60.0):
        found += 1
        if found == 1:
            run.checkpoint()
            run.state(finished=True)
    assert found == 2


def test_a_finished_training_is_measured_once(training):
    run = training()
    run.checkpoint(folder=".")  # without last/: a checkpoint that was copied
    run.state(finished=True)
    assert watched(run) == [run.folder]


def test_a_training_that_stopped_is_not_waited_for_forever(training):
    alive = [lambda run: run.state(finished=False)] * 3
    run = training(*alive)
    with pytest.raises(ValueError, match=r"nothing was written there for 1 minutes, .* --wait_minutes"):
        watched(run)
    assert run.now == pytest.approx(3 * SECONDS_BETWEEN_LOOKS + 60 + SECONDS_BETWEEN_LOOKS)


@pytest.mark.parametrize("half", [b"PK half a file", b""])
def test_a_state_that_cannot_be_read_is_not_the_end(training, half):
    run = training(lambda run: run.state(finished=True))
    run.checkpoint()
    (run.folder / STATE).write_bytes(half)
    assert len(watched(run)) == 1
