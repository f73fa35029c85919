"""Waits for the checkpoints of a training that runs beside this process, in another one."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from engine.training.run_folder import LAST, STATE
from nets.checkpoint import WEIGHTS, is_checkpoint

SECONDS_BETWEEN_LOOKS = 5.0


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
