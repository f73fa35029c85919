"""Draws an endless cast: a labelled set of heads of different people, from all sides, in many manners.

    python -m benchmarks.anybody --output_dir=runs/anybody --pictures=20000
    python tf_convert_data.py --dataset_name=pascalvoc --dataset_dir=runs/anybody --output_dir=runs/heads

The folder gets JPEGImages/, Annotations/, ImageSets/Main/ and people.csv: who each head is, seen from where.
"""

import sys

from rich.console import Console

from benchmarks.anybody.dataset import Options, draw_set
from terminal.bars import counting_bars
from terminal.command import command


@command("python -m benchmarks.anybody")
def main(options: Options) -> None:
    if options.output_dir.exists():
        wrong = f"--output_dir {options.output_dir} is there already, and is not drawn over"
        raise ValueError(f"{wrong}; name another")
    with counting_bars(Console()) as bars:
        draw_set(options, lambda done: bars("drawing", done, options.pictures))


if __name__ == "__main__":
    sys.exit(main())
