"""What happens between two steps of a training: validation, curves, saving, stopping."""

import csv
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from engine.evaluation import evaluate_model
from engine.training import devices
from engine.training.learning import WarmUpThenCosine
from engine.training.machine import computing_in
from engine.training.plan import Run, Say
from engine.training.run_folder import LAST, Standing, demanding_room, save_state
from files.telling import write_table
from nets.saving import model_weights, write_checkpoint
from terminal.bars import TrainingBar

METRICS_CSV = "metrics.csv"
SCALAR_STEPS = 10  # between two points of TensorBoard's curves


@contextmanager
def averaged_weights(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """The model with the moving average of its weights in place of the weights, for the time of the block.

    Where devices share its batches it is to be read only, and what is made in the block stays on one of them.
    """
    variables, devices_of_all = model.trainable_variables, keras.distribution.distribution()
    kept = [one.value if devices_of_all else np.array(keras.ops.convert_to_numpy(one)) for one in variables]
    optimizer.finalize_variable_values(variables)
    for variable in [] if devices_of_all else variables:
        variable.assign(keras.ops.copy(variable))  # in memory of its own: on JAX a prediction gives it away
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(devices_of_all)
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)


def number_of(cell: str) -> float:
    """The number in a cell, with a point or a comma; NaN where there is none."""
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return math.nan


def read_steps(path: Path) -> tuple[list[dict[str, str]], list[str]]:
    """The rows of a metrics.csv that say a step, and what is wrong with the others; none without a file.

    Also as a spreadsheet has saved it.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace") if path.is_file() else ""
        separator = max(",;\t", key=text.partition("\n")[0].count)
        found = csv.DictReader(text.splitlines(), delimiter=separator, restval="", restkey="")
        rows = [{name: cell for name, cell in row.items() if name} for row in found]
    except OSError as error:
        return [], [str(error)]
    except csv.Error as error:  # quotes that do not end
        return [], [f"{path} is no table: {error}"]
    whole = [row for row in rows if number_of(row.get("step", "")).is_integer()]
    return whole, [f"{len(rows) - len(whole)} lines of {path} say no step"] * (len(rows) > len(whole))


class TrainingLog:
    """Writes curves and a table of one run, and goes on where an interrupted one stopped.

    `tf.summary` writes TensorBoard's files; it runs on the CPU under any Keras backend.
    """

    def __init__(self, folder: Path, *, step: int, say: Say = print):
        """Open the log of a folder; rows after the step, of a run that was cut off, are dropped."""
        self._path = folder / METRICS_CSV
        rows, problems = read_steps(self._path)
        self._rows = [row for row in rows if number_of(row["step"]) <= step]
        for problem in problems:
            kept = self._path.replace(folder / time.strftime("metrics.%Y%m%d-%H%M%S.csv"))
            self._write()
            say(f"Warning: {problem}: as it was it is kept as {kept}.")
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
        self._write()

    def _write(self) -> None:
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


class Bookkeeper(keras.callbacks.Callback):
    """Counts steps in `standing` and does, between them, all that is not training."""

    def __init__(self, run: Run, standing: Standing, log: TrainingLog | None, bar: TrainingBar, say: Say):
        """Without a log, in other processes than the first, nothing is written and nothing measured."""
        super().__init__()
        self._run, self._standing, self._log, self._bar, self._say = run, standing, log, bar, say
        self._stop_requested, self._signal = "", 0
        self._copy: keras.Model | None = None  # of the network, on one device
        chosen, steps = run.settings, run.settings.max_number_of_steps
        warm_up = run.config["chosen"]["warmup_steps"]
        self._rate = WarmUpThenCosine(chosen.learning_rate, steps, warm_up, chosen.end_learning_rate)
        self._handlers: dict[int, object] = {}
        self._last_save = self._clock = 0.0
        self._saved_step = standing.step

    def on_train_begin(self, logs=None):
        """Listen for Ctrl-C and for polite kills."""
        self._bar.start()
        self._clock = self._last_save = time.monotonic()
        if threading.current_thread() is threading.main_thread():  # elsewhere Python hears no signals
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._on_signal)

    def on_train_end(self, logs=None):
        """Give the signals back."""
        self._bar.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _on_signal(self, number, frame):
        if self._signal:
            raise KeyboardInterrupt
        self._signal = number

    def on_train_batch_end(self, batch, logs=None):
        """Everything between two steps."""
        losses, said = dict(logs or {}), ""
        self._bar.advance(losses)
        standing, settings = self._standing, self._run.settings
        standing.step += 1
        self._demand_finite(losses)
        if number := devices.most(self._signal):  # whichever process has got it, all stop after the same step
            self._stop_requested = signal.Signals(number).name
        now = time.monotonic()
        standing.seconds += now - self._clock
        last = standing.step == settings.max_number_of_steps
        due = standing.step % settings.evaluate_steps == 0 or last
        if self._log and standing.step % SCALAR_STEPS == 0:
            self._log.scalars(standing.step, {**losses, "learning_rate": self._learning_rate()})
        if due or now - self._last_save > settings.save_interval_secs or self._stop_requested:
            if hasattr(self.model, "jax_state_sync"):
                self.model.jax_state_sync()  # under JAX the variables are filled only on request
            weights = model_weights(self._run.model).items()
            wrong = [path for path, array in weights if not np.isfinite(array).all()]
            self._demand_finite(losses | dict.fromkeys(wrong[:1], math.nan))  # its own loss came before it
            with demanding_room(self._run.folder, f"step {standing.step}", self._saved_step):
                if due:
                    said = self._validate(losses) if self._log else ""
                    self.model.forget_means()
                    devices.spread(self.model.metrics_variables)
                    standing.finished = self.model.stop_training = last
                if self._log:
                    save_state(self._run.folder, self.model, standing)
            if due:
                devices.wait_for_all(f"step {standing.step}")
            if said:  # whatever becomes of it, the state is there
                self._say(said)
            self._saved_step, self._last_save = standing.step, time.monotonic()
            self._bar.leave_out(time.monotonic() - now)
        self._clock = time.monotonic()
        if self._stop_requested and not standing.finished:
            self.model.stop_training = True
            after = f"after step {standing.step}: the same command goes on."
            self._say(f"Stopped by {self._stop_requested} {after}")

    def _learning_rate(self) -> float:
        step = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))
        return float(keras.ops.convert_to_numpy(self._rate(step)))

    def _demand_finite(self, losses: Mapping[str, float]) -> None:
        if all(math.isfinite(value) for value in losses.values()):
            return
        parts = ", ".join(f"{name} {value}" for name, value in losses.items())
        pictures = "\n  ".join(self._run.pictures.filenames(self._standing.step - 1))
        raise FloatingPointError(
            f"The loss is not finite after step {self._standing.step}: {parts}. "
            f"Pictures of the batch:\n  {pictures}\nLower --learning_rate, or look at these pictures' labels."
        )

    def _validate(self, losses: Mapping[str, float]) -> str:
        """Measure the averaged weights, keep them as last, and as best if they are; what there is to say."""
        standing, run = self._standing, self._run
        assert self._log is not None
        metrics, batch_size = {}, run.settings.batch_size
        with averaged_weights(run.model, self.model.optimizer):
            if run.validation:
                model = run.model if run.devices == 1 else self._copied()
                result = evaluate_model(
                    model, run.network, run.dataset, run.validation, batch_size=batch_size
                ).result
                metrics = {"map_voc07": result.map_voc07, "map_voc12": result.map_voc12}
            weights = model_weights(run.model)
        values = {**losses, "learning_rate": self._learning_rate(), "seconds": standing.seconds, **metrics}
        score = metrics.get("map_voc07", math.inf)  # without a validation split the last is the best
        improved = score > standing.best or not run.validation
        if improved:
            standing.best, standing.best_step = score, standing.step
        labels, said = run.config["dataset"]["labels"], {"step": standing.step, **values}
        for target in (run.folder / LAST, *([run.folder] if improved else [])):
            write_checkpoint(target, labels=labels, config=run.config, weights=weights, metrics=said)
        self._log.row(standing.step, values)
        line = f"step {standing.step}: " + " ".join(f"{name} {value:.3f}" for name, value in losses.items())
        if run.validation:
            line += f" · validation mAP {score:.3f}" + (" (best so far)" if improved else "")
        return line

    def _copied(self) -> keras.Model:
        """The network as it is, on one device."""
        run = self._run
        if (copy := self._copy) is None:
            with computing_in(run.machine.precision):
                copy = self._copy = run.network.build(len(run.dataset.labels) + 1)
        for mine, theirs in zip(copy.weights, run.model.weights, strict=True):
            mine.assign(np.array(keras.ops.convert_to_numpy(theirs)))
        return copy
