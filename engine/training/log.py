"""What a training shows while it runs: curves, a table, and to another process its checkpoints.

`tf.summary` writes TensorBoard's files; it runs on the CPU under any Keras backend.
"""

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import tensorflow as tf

from engine.training.run_folder import LAST, STATE
from files.writing import write_table
from nets.checkpoint import WEIGHTS, is_checkpoint

METRICS_CSV = "metrics.csv"
SECONDS_BETWEEN_LOOKS = 5.0


class TrainingLog:
    """Writes scalars of one run, and goes on where an interrupted one stopped."""

    def __init__(self, folder: Path, *, step: int):
        """Open the log.

        Args:
            folder: the training's folder.
            step: where the training starts; rows after it, of a run that was cut off, are dropped.
        """
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


def new_checkpoints(
    train_dir: Path,
    *,
    patience: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Path]:
    """The newest checkpoint of a training, again and again until the training is finished.

    A checkpoint that is replaced before it is asked for is passed over. The folder need not exist yet.

    Args:
        train_dir: folder of the training.
        patience: seconds without any sign of life from the training (it saves its state every
            --save_interval_secs) after which it counts as stopped.
        sleep: waits so many seconds.
        clock: seconds, for `patience`.

    Raises:
        ValueError: no sign of life for so long, and the training is not finished.
    """
    seen, sign, alive = None, None, clock()
    while True:
        # Before the look at the weights, so that the last ones cannot come between.
        finished = _finished(train_dir / STATE)
        folder = next((one for one in (train_dir / LAST, train_dir) if is_checkpoint(one)), None)
        written = folder and (folder / WEIGHTS).stat().st_mtime_ns
        if folder and written != seen:
            yield folder
            seen, alive = written, clock()
            continue
        if finished:
            return
        newest = _written(train_dir / STATE), written
        if newest != sign:
            sign, alive = newest, clock()
        elif clock() - alive > patience:
            raise ValueError(
                f"--checkpoint_path={train_dir}: nothing was written there for {patience / 60:.0f} minutes, "
                "and the training is not finished. Was it stopped? --wait_minutes waits longer."
            )
        sleep(SECONDS_BETWEEN_LOOKS)


def _finished(state: Path) -> bool:
    """Whether a training's state says that nothing is left to do; of the file only that entry is read."""
    try:
        with state.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return bool(json.loads(arrays["progress"].tobytes())["finished"])
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError):
        return False  # not there yet, or not to be read: what matters is whether more is written


def _written(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.is_file() else None
