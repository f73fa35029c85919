"""Converts pictures labelled with LabelImg (Pascal VOC XML) to TFRecords."""

import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from boxes.anchors import AnchorLayer, anchor_layers
from datasets.annotations import count_rows, counts_of
from datasets.options import ConversionOptions
from datasets.problems import GROUP_HEADINGS, Problem, group_problems
from files.writing import write_bytes
from ssd_tensorflow import flags as ancestor_flags
from terminal.bars import counting_bars, show_table
from terminal.command import command, note, say
from terminal.quiet import start_tensorflow

if TYPE_CHECKING:
    from datasets.conversion import Conversion

# Boxes that dataset.png compares with anchors; more would change nothing that one can see.
_MOST_BOXES = 20_000


@command("tf_convert_data.py", interrupted="an earlier conversion is as it was")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    # A camera's damaged EXIF is reported where it matters, as a picture's orientation.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    options = ancestor_flags.parse(ConversionOptions, arguments, ancestor_flags.CONVERSION)
    console = Console()
    # TensorFlow takes seconds to import: not before --help and the check of the flags.
    start_tensorflow()
    from datasets.conversion import convert

    def report(problems: Sequence[Problem]) -> None:
        if problems:
            say(console, f"Problems; each is a line in {options.output_dir / 'problems.csv'}")
            show_table(console, GROUP_HEADINGS, group_problems(problems))

    layers = anchor_layers(options.model_name) if options.figure else None
    started = time.monotonic()
    with counting_bars(console) as progress:
        result = convert(options, progress=progress, report=report)
    if layers is not None:
        _draw(result, layers, options)
    say(console, f"Written to {options.output_dir} in {time.monotonic() - started:.1f} s")
    rows = count_rows(result.statistics, result.labels)
    show_table(console, ("boxes of", *result.sets), rows, last=2)
    for one in result.notes:
        note(console, one)
    return 0


def _draw(result: "Conversion", layers: Sequence[AnchorLayer], options: ConversionOptions) -> None:
    """Draws dataset.png of the sets just converted."""
    from boxes.anchor_fitting import best_anchors
    from visualization.dataset_figure import plot_dataset
    from visualization.figures import picture_of

    boxes = np.concatenate([one.boxes for some in result.sets.values() for one in some])
    boxes = boxes[:: -(-len(boxes) // _MOST_BOXES) or 1]
    best_iou, _ = best_anchors(layers, boxes)
    counts = counts_of(result.statistics)
    figure = plot_dataset(*counts, boxes, best_iou, network_name=options.model_name)
    write_bytes(options.output_dir / "dataset.png", picture_of(figure, dots_per_inch=120))


if __name__ == "__main__":
    raise SystemExit(main())
