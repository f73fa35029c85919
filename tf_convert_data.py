"""Converts pictures labelled with LabelImg (Pascal VOC XML) to TFRecords."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from datasets.annotations import ReadOptions
from datasets.conversion import Conversion, ConversionOptions, convert
from datasets.problems import group_problems
from datasets.splits import SplitOptions


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    options = tyro.cli(Options, args=arguments, use_underscores=True)
    console = Console()
    try:
        return _run(options, console)
    except ValueError as error:
        print(f"tf_convert_data.py: error: {error}", file=sys.stderr)
        return 1


def _run(options: Options, console: Console) -> int:
    if options.dataset_name != "pascalvoc":
        raise ValueError(
            f"--dataset_name {options.dataset_name}: only pascalvoc can be converted, LabelImg's XML"
        )
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
    columns = (TextColumn("{task.description:9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        tasks = {what: bar.add_task(what, total=None, visible=False) for what in ("checking", "writing")}
        result = convert(
            conversion_options,
            progress=lambda what, done, total: bar.update(
                tasks[what], completed=done, total=total, visible=True
            ),
        )
    _print_problems(result, options, console)
    if not result.written:
        print(
            f"tf_convert_data.py: error: --strict, and there are {len(result.problems)} problems (all in "
            f"{options.output_dir / 'problems.csv'}); nothing was converted",
            file=sys.stderr,
        )
        return 1
    _print_sets(result, options, console, time.monotonic() - started)
    return 0


def _print_problems(result: Conversion, options: Options, console: Console) -> None:
    if not result.problems:
        return
    table = Table(
        title=f"Problems (each in {escape(str(options.output_dir / 'problems.csv'))})", title_justify="left"
    )
    table.add_column("count", justify="right")
    for heading in ("problem", "what was done", "first"):
        table.add_column(heading, overflow="fold")
    for row in group_problems(result.problems):
        table.add_row(str(row.count), escape(row.kind), escape(row.action), escape(row.example))
    console.print(table)


def _print_sets(result: Conversion, options: Options, console: Console, seconds: float) -> None:
    table = Table(
        title=f"Written to {escape(str(options.output_dir))} in {seconds:.1f} s", title_justify="left"
    )
    table.add_column("name")
    for name in result.sets:
        table.add_column(escape(name), justify="right")
    for label in result.labels:
        boxes = [result.statistics[name]["names"].get(label, {}).get("boxes", 0) for name in result.sets]
        table.add_row(escape(label), *(str(count) for count in boxes))
    table.add_section()
    for key in ("boxes", "pictures"):
        table.add_row(key, *(str(one[key]) for one in result.statistics.values()), style="bold")
    console.print(table)
    for note in result.notes:
        console.print(f"[yellow]note[/yellow] {escape(note)}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
