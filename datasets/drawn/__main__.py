"""Draws anime scenes with labelled heads: a data set to try everything with.

    python -m datasets.drawn --output_dir=D
    python tf_convert_data.py --dataset_name=pascalvoc --dataset_dir=D --output_dir=O

The folder gets JPEGImages/, Annotations/ (LabelImg's XML) and ImageSets/Main/ with train, val and test lists
that hold out whole episodes.
"""

from rich.console import Console

from datasets.drawn.cast import names
from datasets.drawn.dataset import DrawnOptions, draw_dataset
from terminal.bars import counting_bars, show_table
from terminal.command import command, say


@command("python -m datasets.drawn")
def main(options: DrawnOptions) -> None:
    console = Console()
    with counting_bars(console) as bars:
        counts = draw_dataset(options, lambda done: bars("drawing", done, options.pictures))
    rows = [(name, *(count[name] for count in counts.values())) for name in (*names(), "")]
    rows[-1] = ("pictures without anyone", *rows[-1][1:])
    show_table(console, ["heads drawn", *counts], rows)
    say(console, f"Drew {options.pictures} pictures into {options.output_dir}")


if __name__ == "__main__":
    raise SystemExit(main())
