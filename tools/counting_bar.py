"""The progress bar of the commands that go through files."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def counting_bar(console: Console) -> Progress:
    """A line for each task: what is done, a bar, how many of how many, the time left.

    It vanishes when the work is done, for the result says more, and is silent where there is no terminal.
    """
    return Progress(
        TextColumn("{task.description:9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
