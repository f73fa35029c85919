"""Draws the demo set: python -m datasets.drawn --output_dir runs/demo/drawn."""

from collections.abc import Sequence

import tyro
from rich.console import Console

from datasets.drawn.cast import names
from datasets.drawn.dataset import DrawnOptions, draw_dataset
from terminal.bars import counting_bars
from terminal.command import command, say, show_table


@command("drawn")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    options = tyro.cli(DrawnOptions, args=arguments, prog="python -m datasets.drawn", use_underscores=True)
    console = Console()
    with counting_bars(console) as bars:
        counts = draw_dataset(options, lambda done: bars("drawing", done, options.pictures))
    rows = [(name, *(count[name] for count in counts.values())) for name in (*names(), "")]
    rows[-1] = ("pictures without anyone", *rows[-1][1:])
    show_table(console, ["heads drawn", *counts], rows)
    say(console, f"Drew {options.pictures} pictures into {options.output_dir}")


if __name__ == "__main__":
    raise SystemExit(main())
