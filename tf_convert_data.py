"""Converts pictures labelled with LabelImg (Pascal VOC XML) to TFRecords."""

import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datasets.annotations import ReadOptions
from datasets.problems import Problem, group_problems
from datasets.splits import SplitOptions
from files.writing import write_bytes
from ssd_tensorflow import flags as ancestor_flags
from terminal.bars import counting_bars
from terminal.command import command
from terminal.quiet import start_tensorflow

if TYPE_CHECKING:
    from datasets.conversion import Conversion
    from nets.network import Network

# Boxes that dataset.png compares with anchors; more would change nothing that one can see.
_MOST_BOXES = 20_000


@dataclass(frozen=True)
class Options:
    """Converts pictures labelled with LabelImg to TFRecords.

    Attributes:
        dataset_dir: folder with Annotations/ and JPEGImages/ (and ImageSets/Main/ if you have lists), or one
            flat folder with pictures and XML side by side.
        output_dir: folder for TFRecords, labels.txt, dataset.json, dataset.png and problems.csv.
        dataset_name: the only format there is: pascalvoc, which LabelImg writes.
        output_name: one set of this name with all pictures, instead of train, validation and test.
        labels_file: the names that may occur; a name that it does not list is an error. Default: every name
            found, appended to labels.txt in the output folder.
        pictures_per_shard: at most so many pictures in one TFRecord file.
        strict: any problem stops the conversion, with exit status 1.
        model_name: network whose anchors dataset.png compares with the boxes.
        figure: draw dataset.png.
    """

    dataset_dir: Path
    output_dir: Path
    dataset_name: str = "pascalvoc"
    output_name: str | None = None
    labels_file: Path | None = None
    pictures_per_shard: int = 200
    strict: bool = False
    model_name: str = "ssd_300_lite"
    figure: bool = True
    reading: Annotated[ReadOptions, tyro.conf.arg(name="")] = field(default_factory=ReadOptions)
    splitting: Annotated[SplitOptions, tyro.conf.arg(name="")] = field(default_factory=SplitOptions)


@command("tf_convert_data.py", interrupted="an earlier conversion is as it was")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    # A camera's damaged EXIF is reported where it matters, as a picture's orientation.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    options = ancestor_flags.parse(Options, arguments, ancestor_flags.CONVERSION)
    return _run(options, Console())


def _run(options: Options, console: Console) -> int:
    if options.dataset_name != "pascalvoc":
        raise ValueError(
            f"--dataset_name {options.dataset_name}: only pascalvoc can be converted, LabelImg's XML"
        )
    # TensorFlow takes seconds to import: not before --help and the check of the flags.
    start_tensorflow()
    from datasets.conversion import ConversionOptions, convert

    network = _network(options) if options.figure else None
    conversion_options = ConversionOptions(
        dataset_dir=options.dataset_dir,
        output_dir=options.output_dir,
        output_name=options.output_name,
        labels_file=options.labels_file,
        pictures_per_shard=options.pictures_per_shard,
        strict=options.strict,
        reading=options.reading,
        splitting=options.splitting,
    )
    started = time.monotonic()
    with counting_bars(console) as progress:
        result = convert(
            conversion_options,
            progress=progress,
            report=lambda problems: _print_problems(problems, options, console),
        )
    if not result.written:
        print(
            f"tf_convert_data.py: error: --strict, and there are {len(result.problems)} problems (all in "
            f"{options.output_dir / 'problems.csv'}); nothing was converted",
            file=sys.stderr,
        )
        return 1
    if network is not None:
        _draw(result, network, options.output_dir / "dataset.png")
    _print_sets(result, options, console, time.monotonic() - started)
    return 0


def _network(options: Options) -> "Network":
    from nets import get_network

    return get_network(options.model_name)


def _draw(result: "Conversion", network: "Network", path: Path) -> None:
    """Draws dataset.png of the sets just converted."""
    from boxes.anchor_fitting import best_anchors
    from visualization.dataset_figure import plot_dataset
    from visualization.figures import picture_of

    boxes = np.concatenate([one.boxes for some in result.sets.values() for one in some])
    boxes = boxes[:: -(-len(boxes) // _MOST_BOXES) or 1]
    best_iou, _ = best_anchors(network.anchor_layers, boxes)
    figure = plot_dataset(
        {
            name: {label: one["boxes"] for label, one in numbers["names"].items()}
            for name, numbers in result.statistics.items()
        },
        {name: len(some) for name, some in result.sets.items()},
        boxes,
        best_iou,
        network_name=network.name,
    )
    write_bytes(path, picture_of(figure, dots_per_inch=120))


def _print_problems(problems: Sequence[Problem], options: Options, console: Console) -> None:
    if not problems:
        return
    table = Table()
    table.add_column("count", justify="right")
    for heading in ("problem", "what was done", "first"):
        table.add_column(heading, overflow="fold")
    for row in group_problems(problems):
        table.add_row(str(row.count), escape(row.kind), escape(row.action), escape(row.example))
    console.print(
        f"Problems; each is a line in {escape(str(options.output_dir / 'problems.csv'))}", highlight=False
    )
    console.print(table)


def _print_sets(result: "Conversion", options: Options, console: Console, seconds: float) -> None:
    table = Table()
    table.add_column("boxes of")
    for name in result.sets:
        table.add_column(escape(name), justify="right")
    for label in result.labels:
        boxes = [result.statistics[name]["names"].get(label, {}).get("boxes", 0) for name in result.sets]
        table.add_row(escape(label), *(str(count) for count in boxes))
    table.add_section()
    for what, key in (("all names", "boxes"), ("pictures", "pictures")):
        table.add_row(what, *(str(one[key]) for one in result.statistics.values()), style="bold")
    console.print(f"Written to {escape(str(options.output_dir))} in {seconds:.1f} s", highlight=False)
    console.print(table)
    for note in result.notes:
        console.print(f"[yellow]note[/yellow] {escape(note)}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
