"""What a training says while it runs: one bar with loss parts, pictures a second and the time left."""

import time

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 15.0  # between lines where there is no terminal (a log file, CI)


class TrainingBar(keras.callbacks.Callback):
    """A bar over the steps of the whole training; where there is no terminal, a line now and then."""

    def __init__(self, *, step: int, total_steps: int, batch_size: int, console: Console):
        super().__init__()
        self._first_step = self._step = step
        self._total_steps, self._batch_size, self._console = total_steps, batch_size, console
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=total_steps, completed=step, status="compiling …")
        self._start = self._last_line = self._elsewhere = 0.0

    def on_train_begin(self, logs=None):
        """Start the clock; each stage of a training compiles anew, which is left out of the speed."""
        self._first_step = self._step
        self._start = self._last_line = time.monotonic()
        self._bar.start()

    def on_train_batch_end(self, batch, logs=None):
        """One step on."""
        self._step += 1
        now = time.monotonic()
        done = self._step - self._first_step
        if done == 1:  # leave tracing and compiling out of the speed
            self._start, self._elsewhere, speed = now, 0.0, 0.0
        else:
            speed = (done - 1) * self._batch_size / max(now - self._start - self._elsewhere, 1e-9)
        losses = " ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        status = f"{losses} · {speed:.1f} images/s"
        self._bar.update(self._task, completed=self._step, status=status)
        if not self._console.is_terminal and (
            now - self._last_line > LINE_SECONDS or self._step == self._total_steps
        ):
            self._last_line = now
            left = (self._total_steps - self._step) * self._batch_size / speed if speed else 0.0
            line = (
                f"step {self._step}/{self._total_steps} · {status} · {left // 60:.0f}:{left % 60:02.0f} left"
            )
            self._console.print(line, highlight=False, soft_wrap=True)

    def leave_out(self, seconds: float) -> None:
        """Time spent on something else (validation, saving) does not count in pictures a second."""
        self._elsewhere += seconds

    def on_train_end(self, logs=None):
        """Leave the terminal as it was."""
        self._bar.stop()
