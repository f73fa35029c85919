"""Draws the demo set: python -m datasets.drawn --output_dir runs/demo/drawn."""

import tyro
from rich.console import Console

from datasets.drawn.dataset import DrawnOptions, counts_table, draw_dataset


def main() -> None:
    """Runs the command line."""
    options = tyro.cli(DrawnOptions, prog="python -m datasets.drawn", use_underscores=True)
    console = Console()
    try:
        counts = draw_dataset(options, console)
    except ValueError as error:
        raise SystemExit(f"error: {error}") from None
    console.print(counts_table(counts))
    console.print(f"Drew {options.pictures} pictures into {options.output_dir}", soft_wrap=True)


if __name__ == "__main__":
    main()
