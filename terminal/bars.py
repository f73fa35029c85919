"""The progress bars of the commands that go through files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@contextmanager
def counting_bars(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A line for each thing that is done: what it is, a bar, how many of how many, the time left.

    They vanish when the work is done, for the result says more, and are silent where there is no terminal.

    Args:
        console: where they are drawn.

    Yields:
        What to call with (what is done, how many were, of how many); a new name begins a new line.
    """
    with Progress(
        TextColumn("{task.description:9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        yield progress
