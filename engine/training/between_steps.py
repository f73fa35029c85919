"""What happens between two steps of a training: validation, saving, early stopping, stopping on request."""

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import keras
import numpy as np

from engine.evaluation import evaluate_model
from engine.training.log import TrainingLog
from engine.training.plan import Run, Say
from engine.training.run_folder import LAST, Progress, demanding_room, save_state
from nets.checkpoint import model_weights, write_checkpoint
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


class Bookkeeper(keras.callbacks.Callback):
    """Counts steps in `progress` and does, between them, all that is not training."""

    def __init__(self, run: Run, progress: Progress, log: TrainingLog, bar: TrainingBar, say: Say):
        super().__init__()
        self._run, self._progress, self._log, self._bar, self._say = run, progress, log, bar, say
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
        progress, settings = self._progress, self._run.settings
        self._demand_finite(losses)
        progress.step += 1
        now = time.monotonic()
        progress.seconds += now - self._clock
        last = progress.step == settings.max_number_of_steps
        due = progress.step % settings.evaluate_steps == 0 or last
        if progress.step % SCALAR_STEPS == 0:
            self._log.scalars(progress.step, {**losses, "learning_rate": self._learning_rate()})
        if due or now - self._last_save > settings.save_interval_secs or self._stop_requested:
            if hasattr(self.model, "jax_state_sync"):
                self.model.jax_state_sync()  # under JAX the variables are filled only on request
            with demanding_room(self._run.folder, f"step {progress.step}", self._saved_step):
                if due:
                    self._validate(losses)
                save_state(self._run.folder, self.model, progress)
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
        pictures = "\n  ".join(self._run.pictures.filenames(self._progress.step))
        raise FloatingPointError(
            f"The loss is not finite after step {self._progress.step + 1}: {parts}. "
            f"Pictures of the batch:\n  {pictures}\nLower --learning_rate, or look at these pictures' labels."
        )

    def _validate(self, losses: Mapping[str, float]) -> None:
        """Measure the averaged weights, keep them as last, and as best if they are."""
        progress, run = self._progress, self._run
        metrics = {}
        with averaged_weights(run.model, self.model.optimizer):
            if run.validation:
                result = evaluate_model(
                    run.model, run.network, run.dataset, run.validation, batch_size=run.settings.batch_size
                ).result
                metrics = {"map_voc07": result.map_voc07, "map_voc12": result.map_voc12}
            weights = model_weights(run.model)
        values = {**losses, "learning_rate": self._learning_rate(), "seconds": progress.seconds, **metrics}
        score = metrics.get("map_voc07", math.inf)  # without a validation split the last is the best
        improved = score > progress.best or not run.validation
        if improved:
            progress.best, progress.best_step, progress.stale = score, progress.step, 0
        else:
            progress.stale += 1
        for target in (run.folder / LAST, *([run.folder] if improved else [])):
            write_checkpoint(
                target,
                labels=run.config["dataset"]["labels"],
                config=run.config,
                weights=weights,
                metrics={"step": progress.step, **values},
            )
        self._log.row(progress.step, values)
        line = f"step {progress.step}: " + " ".join(f"{name} {value:.3f}" for name, value in losses.items())
        if run.validation:
            line += f" · validation mAP {score:.3f}" + (" (best so far)" if improved else "")
        self._say(line)
        self.model.forget_means()
        patience = run.settings.early_stopping
        progress.finished = progress.step == run.settings.max_number_of_steps
        if patience and progress.stale >= patience:
            progress.finished = True
            self._say(
                f"No better validation mAP {patience} times in a row: stopping at step {progress.step}."
            )
        if progress.finished:
            self.model.stop_training = True
