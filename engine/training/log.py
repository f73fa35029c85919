"""What a training shows while it runs: curves and a table.

`tf.summary` writes TensorBoard's files; it runs on the CPU under any Keras backend.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from files.writing import write_table

METRICS_CSV = "metrics.csv"


class TrainingLog:
    """Writes scalars of one run, and goes on where an interrupted one stopped."""

    def __init__(self, folder: Path, *, step: int):
        """Open the log of a folder; rows after the step, of a run that was cut off, are dropped."""
        self._path = folder / METRICS_CSV
        self._rows: list[dict[str, str]] = []
        if self._path.is_file():
            with self._path.open(encoding="utf-8", newline="") as file:
                self._rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        self._board = tf.summary.create_file_writer(str(folder / "tensorboard"))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """To TensorBoard."""
        with self._board.as_default(step):
            for name, value in values.items():
                tf.summary.scalar(name, value)

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """To TensorBoard and as a row of metrics.csv, which is rewritten whole."""
        self.scalars(step, values)
        self._board.flush()
        self._rows.append({"step": str(step), **{name: f"{value:.6g}" for name, value in values.items()}})
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        write_table(self._path, names, ([row.get(name, "") for name in names] for row in self._rows))

    def picture(self, name: str, image: np.ndarray, *, step: int) -> None:
        """To TensorBoard: uint8 [H, W, 3]."""
        with self._board.as_default(step):
            tf.summary.image(name, image[None])
        self._board.flush()

    def close(self) -> None:
        """Flush what is left."""
        self._board.close()
