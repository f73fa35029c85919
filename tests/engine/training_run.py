"""Runs a training inside of a test."""

import io
import os
import signal

import pytest
from rich.console import Console

from engine.training.options import TrainingOptions
from engine.training.plan import Run, plan
from engine.training.train import train
from terminal.bars import TrainingBar
from tests.conftest import tables

TABLES = tables(__file__, "training/tables")


class Killed(BaseException):
    """Passes by everything that cleans up after an `Exception`."""


def run(**options) -> str:
    """What a training of these options says."""
    said = io.StringIO()
    train(TrainingOptions(**options), Console(file=said, width=300))
    return said.getvalue()


def planned(**options) -> Run:
    """What such a training would be."""
    console = Console(file=io.StringIO())
    return plan(TrainingOptions(**options), console, console.print)


def run_until(step: int, **options) -> str:
    """The same of one that gets SIGTERM after that step."""
    original = TrainingBar.advance

    def interrupt(self, losses):
        original(self, losses)
        if self._step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingBar, "advance", interrupt)
        return run(**options)
