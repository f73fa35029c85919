"""Runs a training inside of a test."""

import io

from rich.console import Console

from engine.training import train
from engine.training_options import TrainingOptions


def run(**options) -> str:
    """What a training of these options says."""
    said = io.StringIO()
    train(TrainingOptions(**options), Console(file=said, width=300))
    return said.getvalue()
