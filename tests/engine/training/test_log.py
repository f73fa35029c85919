import json

import numpy as np
import pytest

from engine.training.log import SECONDS_BETWEEN_LOOKS, new_checkpoints
from engine.training.run_folder import LAST, STATE
from files.arrays import write_arrays
from nets.checkpoint import CONFIG, LABELS, WEIGHTS


class Training:
    """A training as its folder shows it; `sleep` lets the next thing happen."""

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
        assert seconds == SECONDS_BETWEEN_LOOKS
        self.now += seconds
        if self.events:
            self.events.pop(0)(self)

    def watch(self, patience=60.0):
        return new_checkpoints(self.folder, patience=patience, sleep=self.sleep, clock=lambda: self.now)


def test_each_checkpoint_once_until_the_training_is_finished(tmp_path):
    training = Training(
        tmp_path / "run",
        lambda run: run.state(finished=False),
        lambda run: run.checkpoint(),
        lambda run: run.state(finished=False),
        lambda run: run.checkpoint(),
        lambda run: run.state(finished=True),
    )
    assert list(training.watch()) == [tmp_path / "run" / LAST] * 2
    assert not training.events


def test_the_last_one_is_not_missed_when_the_end_comes_while_measuring(tmp_path):
    training = Training(tmp_path)
    training.checkpoint()
    training.state(finished=False)
    found = 0
    for _ in training.watch():
        found += 1
        if found == 1:
            training.checkpoint()
            training.state(finished=True)
    assert found == 2


def test_a_finished_training_is_measured_once(tmp_path):
    training = Training(tmp_path)
    training.checkpoint(folder=".")  # without last/: a checkpoint that was copied
    training.state(finished=True)
    assert list(training.watch()) == [tmp_path]


def test_a_training_that_stopped_is_not_waited_for_forever(tmp_path):
    alive = [lambda run: run.state(finished=False)] * 3
    nothing = [lambda run: None] * 5
    training = Training(tmp_path / "run", *alive, *nothing)
    with pytest.raises(ValueError, match=r"nothing was written there for 1 minutes, .* --wait_minutes"):
        list(training.watch(patience=60.0))
    assert training.now == pytest.approx(3 * SECONDS_BETWEEN_LOOKS + 60 + SECONDS_BETWEEN_LOOKS)


@pytest.mark.parametrize("half", [b"PK half a file", b""])
def test_a_state_that_cannot_be_read_is_not_the_end(tmp_path, half):
    training = Training(tmp_path, lambda run: run.state(finished=True))
    training.checkpoint()
    (tmp_path / STATE).write_bytes(half)
    assert len(list(training.watch())) == 1
