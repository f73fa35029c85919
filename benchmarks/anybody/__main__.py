"""Draws an endless cast: a labelled set of heads of different people, from all sides, in many manners.

    python -m benchmarks.anybody --output_dir=runs/anybody --pictures=20000
    python tf_convert_data.py --dataset_name=pascalvoc --dataset_dir=runs/anybody --output_dir=runs/heads

The folder gets JPEGImages/, Annotations/, ImageSets/Main/ and people.csv: who each head is, seen from where.
"""

import sys

import tyro
from rich.console import Console

from benchmarks.anybody.dataset import Options, draw_set
from terminal.bars import counting_bars


def main() -> None:
    options = tyro.cli(Options, prog="python -m benchmarks.anybody", description=__doc__)
    if options.output_dir.exists():
        sys.exit(f"--output_dir {options.output_dir} is there already, and is not drawn over; name another")
    with counting_bars(Console()) as bars:
        draw_set(options, lambda done: bars("drawing", done, options.pictures))


if __name__ == "__main__":
    main()
