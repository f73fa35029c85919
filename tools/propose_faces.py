"""Draws boxes around heads, without names, as drafts to be corrected in LabelImg.

    python -m tools.propose_faces --dataset_dir=my_set

By checkpoints/anime_heads, unless you name another checkpoint, which looks at each picture from ten sides.
Pictures that have an annotation are passed over, so an interrupted run goes on; a person's are never touched.

For the beginning, when no detector of your characters exists. With one, tools.preannotate gives names too.

`labelling_order.txt` in the data set lists the pictures still to be labelled, those with faces and unlike one
another first, and `make labelimg` shows them in that order: the first fifty of them teach a first detector
more than the first fifty of a film.

Exit status: 0; 1 if a picture could not be read (the others are done nevertheless) or an option is wrong.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from boxes.detections import Detections
from datasets.labels import clean_name
from datasets.pictures import MAX_PIXELS, save_picture
from datasets.voc import read_xml
from labelling.drafts import (
    DRAFTED,
    Drafted,
    DraftTarget,
    checkpoint_finder,
    draft_targets,
    find_pictures,
    make_drafts,
)
from terminal.bars import Progress, counting_bars, silent
from terminal.command import command
from visualization.text import one_line

if TYPE_CHECKING:
    from nets.looks import Finder

_BATCH = 8


@dataclass(frozen=True)
class Options:
    dataset_dir: Path  #: JPEGImages/ and Annotations/, or a folder with pictures and XML side by side.
    #: Find heads with this checkpoint folder, whatever its names are; not given: checkpoints/anime_heads.
    checkpoint_path: Path | None = None
    name: str = "head"  #: Name of the boxes.
    #: Lowest score, 0 to 1. Lower finds more, and more that is none.
    threshold: float = DRAFTED
    crops_dir: Path | None = None  #: Also cut the boxes out into this folder, for tools.sort_faces.
    redo: bool = False  #: Replace drafts that nobody has changed, too.
    max_pixels: int = MAX_PIXELS  #: Pass over pictures with more pixels than this.

    def __post_init__(self):
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"--threshold {self.threshold:g}: must be 0 to 1")
        if not clean_name(self.name):
            raise ValueError("--name: must not be empty")


def propose(options: Options, find: Finder, progress: Progress = silent) -> Drafted:
    """Writes drafts, and crops where they are asked for; varied pictures with faces are the most useful."""

    def drafted(target: DraftTarget, image: np.ndarray, found: Detections) -> Detections:
        if options.crops_dir is not None:
            _save_crops(options.crops_dir, target, image, found)
        return found

    return make_drafts(
        options.dataset_dir,
        find,
        drafted,
        lambda target: float(bool(read_xml(target.xml).objects)),
        redo=options.redo,
        batch_size=_BATCH,
        max_pixels=options.max_pixels,
        progress=progress,
    )


def crop_name(stem: str, index: int) -> str:
    """`STEM_a.jpg`, … `STEM_z.jpg`, `STEM_za.jpg`: letters, so that the source stays what it was."""
    return f"{stem}_{'z' * (index // 26)}{chr(ord('a') + index % 26)}.jpg"


def _save_crops(folder: Path, target: DraftTarget, image: np.ndarray, detections: Detections) -> None:
    height, width = image.shape[:2]
    for index, box in enumerate(detections.boxes):
        top, left, bottom, right = np.rint(box * (height, width, height, width)).astype(int)
        path = folder / crop_name(target.name.rpartition(".")[0].replace("/", "_"), index)
        if bottom - top >= 8 and right - left >= 8 and not path.exists():
            save_picture(path, np.ascontiguousarray(image[top:bottom, left:right]))


@command("python -m tools.propose_faces", interrupted="the same command goes on from here")
def main(options: Options) -> int:
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    started = time.monotonic()
    draft_targets(find_pictures(options.dataset_dir))  # a wrong folder is told of before TensorFlow starts
    from terminal.quiet import start_tensorflow

    start_tensorflow()
    find = checkpoint_finder(options.checkpoint_path, clean_name(options.name), options.threshold)
    with counting_bars(console) as progress:
        outcome = propose(options, find, progress)
    for name, reason in outcome.failures:
        console.print(one_line(f"propose_faces: {name}: {reason}; left out"))
    console.print(
        f"{outcome.drafts} drafts with {outcome.boxes} boxes ({outcome.empty} without any) in "
        f"{time.monotonic() - started:.0f} s; passed over: {outcome.labelled} saved by a person, "
        f"{outcome.earlier} with a draft"
    )
    console.print(one_line(f"Look at them: make labelimg DATASET={shlex.quote(str(options.dataset_dir))}"))
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
