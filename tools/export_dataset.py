"""Writes our labels as COCO files, one for each split, for other programs.

    python -m tools.export_dataset --dataset_dir my_set --output_dir my_set_coco

The pictures stay where they are: `file_name` counts from the folder of pictures. Boxes are in pixels from 0,
as COCO has them; what a person called difficult has "difficult": 1, which COCO itself does not know.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro
from globox import Annotation as GloboxAnnotation
from globox import AnnotationSet, BoundingBox
from rich.console import Console
from rich.markup import escape

from datasets.annotations import Annotation, ReadOptions, read_folder
from datasets.splits import SplitOptions, assign
from files.writing import printable, write_text
from terminal.bars import counting_bars
from terminal.command import command


@dataclass(frozen=True)
class Options:
    """Writes our labels as COCO files, one for each split."""

    dataset_dir: Path
    """Folder with Annotations/ and JPEGImages/, or with pictures and XML side by side."""
    output_dir: Path
    """Folder for train.json, validation.json and test.json; made if it does not exist."""
    one_file: bool = False
    """All pictures in annotations.json, instead of one file for each split."""
    reading: Annotated[ReadOptions, tyro.conf.arg(name="")] = field(default_factory=ReadOptions)
    splitting: Annotated[SplitOptions, tyro.conf.arg(name="")] = field(default_factory=SplitOptions)


def coco_of(annotations: Sequence[Annotation], names: Sequence[str]) -> dict[str, Any]:
    """The content of a COCO file.

    Args:
        annotations: of our folder.
        names: category 1, 2 ... ; the same for all files of a data set.
    """
    pictures = AnnotationSet(
        GloboxAnnotation(
            printable(one.name),
            (one.width, one.height),
            [
                BoundingBox(
                    label=name,
                    xmin=float(box[1]) * one.width,
                    ymin=float(box[0]) * one.height,
                    xmax=float(box[3]) * one.width,
                    ymax=float(box[2]) * one.height,
                )
                for name, box in zip(one.names, one.boxes, strict=True)
            ],
        )
        for one in annotations
    )
    content = pictures.to_coco(
        label_to_id={name: number for number, name in enumerate(names, start=1)},
        imageid_to_id={printable(one.name): number for number, one in enumerate(annotations, start=1)},
    )
    difficult = [flag for one in annotations for flag in one.difficult]
    for entry, flag in zip(content["annotations"], difficult, strict=True):
        entry["id"] += 1  # pycocotools takes 0 for "no match"
        entry["bbox"] = [round(float(value), 2) for value in entry["bbox"]]
        entry["area"] = round(float(entry["area"]), 2)
        entry["difficult"] = int(flag)
    return content


def export_dataset(
    options: Options, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[Path, tuple[int, int]]:
    """Writes the files.

    Returns:
        (pictures, boxes) by file.

    Raises:
        ValueError: nothing to export, or a file of that name is there already.
    """
    reading = read_folder(options.dataset_dir, options.reading, progress=progress)
    sets: dict[str, list[Annotation]] = {}
    if options.one_file:
        sets["annotations"] = reading.annotations
    else:
        stems = [one.stem for one in reading.annotations]
        splits = assign(stems, options.dataset_dir, options.splitting, known=reading.stems).splits
        for one in reading.annotations:
            if one.stem in splits:
                sets.setdefault(splits[one.stem], []).append(one)
    if not any(sets.values()):
        raise ValueError(
            f"--dataset_dir {options.dataset_dir}: no usable picture; tools.check_annotations says why"
        )
    names = sorted({name for one in reading.annotations for name in one.names})
    files = {name: options.output_dir / f"{name}.json" for name in sets}
    there = [path for path in files.values() if path.exists()]
    if there:
        raise ValueError(f"{there[0]} is there already, and is not overwritten; give another --output_dir")
    options.output_dir.mkdir(parents=True, exist_ok=True)
    counts = {}
    for name, some in sets.items():
        text = json.dumps(coco_of(some, names), ensure_ascii=False, allow_nan=False)
        write_text(files[name], text)
        counts[files[name]] = len(some), sum(len(one.names) for one in some)
    return counts


@command("export_dataset", interrupted="files that are there are complete")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    console = Console()
    options = tyro.cli(
        Options,
        args=arguments,
        prog="python -m tools.export_dataset",
        description=__doc__,
        use_underscores=True,
    )
    with counting_bars(console) as progress:
        counts = export_dataset(options, partial(progress, "reading"))
    for path, (pictures, boxes) in counts.items():
        console.print(escape(f"{path}: {pictures} pictures, {boxes} boxes"), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
