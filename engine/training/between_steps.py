"""What happens between two steps of a training: validation, saving, early stopping, stopping on request."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from engine.training.log import TrainingLog
from engine.training.run_folder import LAST, Progress, demanding_room, save_state
from files.arrays import read_arrays
from nets.checkpoint import WEIGHTS, model_weights, write_checkpoint
from terminal.bars import TrainingBar

SCALAR_STEPS = 10  # between two points of TensorBoard's curves


@contextmanager
def averaged_weights(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """The model with the moving average of its weights in place of the weights, for the time of the block."""
    variables = model.trainable_variables
    kept = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    optimizer.finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)


def demand_best_weights(folder: Path, progress: Progress, say: Callable[[str], None]) -> None:
    """A training goes on with the best weights that it has written, if they can be read.

    Args:
        folder: of the training.
        progress: how far it is; without readable ones the best from here on count.
        say: prints a line.

    Raises:
        ValueError: they cannot be read, and nothing is left to do that would write others.
    """
    if not progress.best_step:
        return
    try:
        read_arrays(folder / WEIGHTS)
    except (ValueError, FileNotFoundError) as error:
        if progress.finished:
            raise ValueError(
                f"{error} The training is finished; the weights of its last step are in {folder / LAST}."
            ) from error
        say(f"Warning: {error} The best weights from here on are kept instead.")
        progress.best, progress.best_step, progress.stale = -1.0, 0, 0


@dataclass(frozen=True)
class Schedule:
    """When things happen.

    Attributes:
        total_steps: the end.
        stage_end: the last step with this optimiser, `total_steps` or earlier.
        evaluate_steps: steps between validations.
        save_seconds: between two saves of the state, validations aside.
        patience: validations without a new best after which the training stops; 0 never.
    """

    total_steps: int
    stage_end: int
    evaluate_steps: int
    save_seconds: float
    patience: int


class Bookkeeper(keras.callbacks.Callback):
    """Counts steps and does, between them, all that is not training."""

    def __init__(
        self,
        folder: Path,
        network_model: keras.Model,
        progress: Progress,
        schedule: Schedule,
        *,
        config: Mapping,
        evaluate: Callable[[], Mapping[str, float]] | None,
        guilty_pictures: Callable[[int], list[str]],
        log: TrainingLog,
        bar: TrainingBar,
        say: Callable[[str], None],
    ):
        """Set it up.

        Args:
            folder: the training's folder.
            network_model: the network inside of the model that is fitted.
            progress: kept up to date in place.
            schedule: when things happen.
            config: written beside every checkpoint.
            evaluate: measures the network as it is; has "map_voc07". None where there is nothing to
                validate on.
            guilty_pictures: step -> file names of its batch.
            log: takes the numbers.
            bar: is told about time spent here.
            say: prints a line.
        """
        super().__init__()
        self._folder, self._network_model, self._progress, self._schedule = (
            folder,
            network_model,
            progress,
            schedule,
        )
        self._config, self._evaluate, self._guilty_pictures = config, evaluate, guilty_pictures
        self._log, self._bar, self._say = log, bar, say
        self._stop_requested = ""
        self._handlers: dict[int, object] = {}
        self._last_save = self._clock = 0.0
        self._saved_step = progress.step

    def on_train_begin(self, logs=None):
        """Listen for Ctrl-C and for polite kills."""
        self._clock = self._last_save = time.monotonic()
        if threading.current_thread() is threading.main_thread():  # elsewhere Python hears no signals
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._on_signal)

    def on_train_end(self, logs=None):
        """Give the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _on_signal(self, number, frame):
        if self._stop_requested:
            raise KeyboardInterrupt
        self._stop_requested = signal.Signals(number).name

    def on_train_batch_end(self, batch, logs=None):
        """Everything between two steps."""
        losses = dict(logs or {})
        progress, schedule = self._progress, self._schedule
        self._demand_finite(losses)
        progress.step += 1
        now = time.monotonic()
        progress.seconds += now - self._clock
        due = progress.step % schedule.evaluate_steps == 0 or progress.step == schedule.total_steps
        if progress.step % SCALAR_STEPS == 0:
            self._log.scalars(progress.step, {**losses, "learning_rate": self._learning_rate()})
        save = now - self._last_save > schedule.save_seconds or progress.step == schedule.stage_end
        if due or save or self._stop_requested:
            if hasattr(self.model, "jax_state_sync"):
                self.model.jax_state_sync()  # under JAX the variables are filled only on request
            with demanding_room(self._folder, f"step {progress.step}", self._saved_step):
                if due:
                    self._validate(losses)
                save_state(self._folder, self.model, progress)
            self._saved_step, self._last_save = progress.step, time.monotonic()
            self._bar.leave_out(time.monotonic() - now)
        self._clock = time.monotonic()
        if self._stop_requested and not progress.finished:
            self.model.stop_training = True
            self._say(
                f"Stopped by {self._stop_requested} after step {progress.step}: the same command goes on."
            )

    def _learning_rate(self) -> float:
        return float(np.array(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))

    def _demand_finite(self, losses: Mapping[str, float]) -> None:
        if all(math.isfinite(value) for value in losses.values()):
            return
        parts = ", ".join(f"{name} {value}" for name, value in losses.items())
        pictures = "\n  ".join(self._guilty_pictures(self._progress.step))
        raise FloatingPointError(
            f"The loss is not finite after step {self._progress.step + 1}: {parts}. "
            f"Pictures of the batch:\n  {pictures}\n"
            "Lower --learning_rate, give more --warmup_steps, or look at these pictures' labels."
        )

    def _validate(self, losses: Mapping[str, float]) -> None:
        """Measure the averaged weights, keep them as last, and as best if they are."""
        progress = self._progress
        values = {**losses, "learning_rate": self._learning_rate(), "seconds": progress.seconds}
        with averaged_weights(self._network_model, self.model.optimizer):
            metrics = dict(self._evaluate()) if self._evaluate else {}
            weights = model_weights(self._network_model)
        values |= metrics
        score = metrics.get("map_voc07", math.inf)  # without a validation split the last is the best
        improved = score > progress.best or self._evaluate is None
        if improved:
            progress.best, progress.best_step, progress.stale = score, progress.step, 0
        else:
            progress.stale += 1
        for target in (self._folder / LAST, *([self._folder] if improved else [])):
            write_checkpoint(
                target,
                labels=self._config["dataset"]["labels"],
                config=self._config,
                weights=weights,
                metrics={"step": progress.step, **values},
            )
        self._log.row(progress.step, values)
        line = f"step {progress.step}: " + " ".join(f"{name} {value:.3f}" for name, value in losses.items())
        if self._evaluate:
            line += f" · validation mAP {score:.3f}" + (" (best so far)" if improved else "")
        self._say(line)
        self.model.forget_means()
        patience = self._schedule.patience
        progress.finished = progress.step == self._schedule.total_steps
        if patience and progress.stale >= patience:
            progress.finished = True
            self._say(
                f"No better validation mAP {patience} times in a row: stopping at step {progress.step}."
            )
        if progress.finished:
            self.model.stop_training = True
