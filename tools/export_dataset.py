"""Writes our labels as COCO files, one for each split, for other programs.

    python -m tools.export_dataset --dataset_dir my_set --output_dir my_set_coco

The pictures stay where they are: `file_name` counts from the folder of pictures. Boxes are in pixels from 0,
as COCO has them; what a person called difficult has "difficult": 1, which COCO itself does not know.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from boxes.geometry import to_pixels
from datasets.annotations import Annotation, ReadOptions, read_folder, sets_of
from datasets.splits import Assignment, SplitOptions
from files.telling import why
from files.writing import write_text
from terminal.bars import Progress, counting_bars, silent
from terminal.command import command, say


@dataclass(frozen=True)
class Options:
    dataset_dir: Path  #: Folder with Annotations/ and JPEGImages/, or with pictures and XML side by side.
    output_dir: Path  #: Folder for train.json, validation.json and test.json; made if it does not exist.
    one_file: bool = False  #: All pictures in annotations.json, instead of one file for each split.
    reading: Annotated[ReadOptions, tyro.conf.arg(name="")] = field(default_factory=ReadOptions)
    splitting: Annotated[SplitOptions, tyro.conf.arg(name="")] = field(default_factory=SplitOptions)


def coco_of(annotations: Sequence[Annotation], names: Sequence[str]) -> dict[str, Any]:
    """The content of a COCO file; names are category 1, 2 ... , the same for all files of a data set."""
    ids = {name: number for number, name in enumerate(names, start=1)}
    images, entries = [], []
    for number, one in enumerate(annotations, start=1):
        images.append({"id": number, "file_name": one.name, "width": one.width, "height": one.height})
        corners = to_pixels(one.boxes, one.height, one.width).tolist()
        for name, (xmin, ymin, xmax, ymax), difficult in zip(one.names, corners, one.difficult, strict=True):
            width, height = xmax - xmin, ymax - ymin
            box = [round(value, 2) for value in (xmin, ymin, width, height)]
            entry = {"iscrowd": 0, "ignore": 0, "image_id": number, "bbox": box}
            entry |= {"area": round(width * height, 2), "segmentation": [], "category_id": ids[name]}
            # pycocotools takes the id 0 for "no match".
            entries.append({**entry, "id": len(entries) + 1, "difficult": int(difficult)})
    categories = [{"supercategory": "none", "id": ids[name], "name": name} for name in names]
    return {"images": images, "annotations": entries, "categories": categories}


def export_dataset(options: Options, progress: Progress = silent) -> list[str]:
    """Writes the files, and says what is in each, what was left out, and what was noticed.

    ValueError where there is nothing to export, or a file of that name already.
    """
    reading = read_folder(options.dataset_dir, options.reading, progress=progress)
    if options.one_file:
        assigned = Assignment("", dict.fromkeys((one.stem for one in reading.annotations), "annotations"), {})
    else:
        assigned = reading.assign(options.splitting)
    sets = sets_of(reading.annotations, assigned.splits)
    if not sets:
        cure = f"tools.check_annotations says why: {reading.nothing_found([])}"
        raise ValueError(f"--dataset_dir {options.dataset_dir}: no usable picture; {cure}")
    names = sorted({name for one in reading.annotations for name in one.names})
    files = {name: options.output_dir / f"{name}.json" for name in sets}
    for path in files.values():
        if path.exists():
            raise ValueError(f"{path} is there already, and is not overwritten; give another --output_dir")
    options.output_dir.mkdir(parents=True, exist_ok=True)
    said, unwritten = [], []
    for name, some in sets.items():
        try:
            write_text(files[name], json.dumps(coco_of(some, names), ensure_ascii=False, allow_nan=False))
            boxes = sum(len(one.names) for one in some)
            said.append(f"{files[name]}: {len(some)} pictures, {boxes} boxes")
        except OSError as error:
            unwritten.append(why(error))
    if unwritten:
        raise ValueError("; ".join([*unwritten, *said]))
    if problems := len(reading.problems) + len(assigned.problems):
        said.append(f"{problems} problems: tools.check_annotations lists them")
    return [*said, *assigned.notes]


@command("python -m tools.export_dataset", interrupted="files that are there are complete")
def main(options: Options) -> None:
    console = Console()
    with counting_bars(console) as progress:
        said = export_dataset(options, progress)
    for line in said:
        say(console, line)


if __name__ == "__main__":
    raise SystemExit(main())
