"""What a command shows beside its sentences: how far it is, in bars where there is a terminal, and tables."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import rich.progress
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from files.telling import printable

LINE_SECONDS = 15.0  # between a training's lines where there is no terminal (a log file, CI)

# Called with (what is being done, how many are done, how many there are).
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """The `Progress` of whoever does not want to know."""


def _bars(console: Console, what: str, *more: TextColumn, transient: bool = False) -> rich.progress.Progress:
    """A text, a bar, how many of how many, more texts, the time left; nothing where there is no terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), *more, TimeRemainingColumn())
    off = not console.is_terminal
    return rich.progress.Progress(*columns, console=console, transient=transient, disable=off)


@contextmanager
def counting_bars(console: Console) -> Iterator[Progress]:
    """A line for each thing that is done: what it is, a bar, how many of how many, the time left.

    They vanish when the work is done, for the result says more, and are silent where there is no terminal.

    Yields:
        What to call; a new name begins a new line.
    """
    with _bars(console, "{task.description:9}", transient=True) as bars:
        tasks: dict[str, rich.progress.TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        yield progress


def show_table(console: Console, headings: Sequence[str], rows: Sequence[Sequence[object]], *, last: int = 0):
    """Prints a table, numbers to the right; the `last` rows, sums and the like, stand apart."""
    table = Table()
    for heading, *cells in zip(headings, *rows, strict=True):
        numbers = any(isinstance(cell, int) for cell in cells)
        table.add_column(escape(printable(heading)), justify="right" if numbers else "left", overflow="fold")
    for number, row in enumerate(rows):
        if number == len(rows) - last:
            table.add_section()
        style = "bold" if number >= len(rows) - last else ""
        table.add_row(*(escape(printable(str(cell))) for cell in row), style=style)
    console.print(table)


class TrainingBar:
    """A bar over the steps of the whole training; where there is no terminal, a line now and then."""

    def __init__(self, *, step: int, total_steps: int, batch_size: int, console: Console):
        self._first_step = self._step = step
        self._total_steps, self._batch_size, self._console = total_steps, batch_size, console
        self._bar = _bars(console, "training", TextColumn("{task.fields[status]}"))
        self._task = self._bar.add_task("training", total=total_steps, completed=step, status="compiling …")
        self._start = self._last_line = self._elsewhere = 0.0

    def start(self) -> None:
        """Start the clock; compiling is left out of the speed."""
        self._start = self._last_line = time.monotonic()
        self._bar.start()

    def advance(self, losses: Mapping[str, float]) -> None:
        """One step on."""
        self._step += 1
        now = time.monotonic()
        done = self._step - self._first_step
        if done == 1:  # leave tracing and compiling out of the speed
            self._start, self._elsewhere, speed = now, 0.0, 0.0
        else:
            speed = (done - 1) * self._batch_size / max(now - self._start - self._elsewhere, 1e-9)
        shown = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
        status = f"{shown} · {speed:.1f} images/s"
        self._bar.update(self._task, completed=self._step, status=status)
        last = self._step == self._total_steps
        if not self._console.is_terminal and (last or now - self._last_line > LINE_SECONDS):
            self._last_line = now
            left = (self._total_steps - self._step) * self._batch_size / speed if speed else 0.0
            line = f"step {self._step}/{self._total_steps} · {status} · "
            line += f"{left // 60:.0f}:{left % 60:02.0f} left"
            self._console.print(line, highlight=False, soft_wrap=True)

    def leave_out(self, seconds: float) -> None:
        """Time spent on something else (validation, saving) does not count in pictures a second."""
        self._elsewhere += seconds

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()
