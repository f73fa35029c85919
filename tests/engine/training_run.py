"""Runs a training inside of a test."""

import io
import os
import signal

from rich.console import Console

from engine.training.options import TrainingOptions
from engine.training.train import train
from terminal.bars import TrainingBar


def run(**options) -> str:
    """What a training of these options says."""
    said = io.StringIO()
    train(TrainingOptions(**options), Console(file=said, width=300))
    return said.getvalue()


def stop_at(monkeypatch, step: int) -> None:
    """Trainings get SIGTERM after that step, while the patch holds."""
    original = TrainingBar.on_train_batch_end

    def interrupt(self, batch, logs=None):
        original(self, batch, logs)
        if self._step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(TrainingBar, "on_train_batch_end", interrupt)
