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

import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from datasets.pictures import MAX_PIXELS
from datasets.voc import read_xml
from labelling.drafts import DRAFTED, Drafted, checkpoint_finder, draft_targets, find_pictures, make_drafts
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
    #: Lowest score, 0 to 1. Lower finds more, and more that is none.
    threshold: float = DRAFTED
    redo: bool = False  #: Replace drafts that nobody has changed, too.
    max_pixels: int = MAX_PIXELS  #: Pass over pictures with more pixels than this.

    def __post_init__(self):
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"--threshold {self.threshold:g}: must be 0 to 1")


def propose(options: Options, find: "Finder", progress: Progress = silent) -> Drafted:
    """Writes drafts; varied pictures with faces are the most useful."""
    return make_drafts(
        options.dataset_dir,
        find,
        lambda target, image, found: found,
        lambda target: float(bool(read_xml(target.xml).objects)),
        redo=options.redo,
        batch_size=_BATCH,
        max_pixels=options.max_pixels,
        progress=progress,
    )


@command("python -m tools.propose_faces", interrupted="the same command goes on from here")
def main(options: Options) -> int:
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    started = time.monotonic()
    draft_targets(find_pictures(options.dataset_dir))  # a wrong folder is told of before TensorFlow starts
    from terminal.quiet import start_tensorflow

    start_tensorflow()
    find = checkpoint_finder(options.checkpoint_path, options.threshold)
    with counting_bars(console) as progress:
        outcome = propose(options, find, progress)
    for name, reason in outcome.failures:
        console.print(one_line(f"propose_faces: {name}: {reason}; left out"))
    drafts = f"{outcome.drafts} drafts with {outcome.boxes} boxes ({outcome.empty} without any)"
    others = f"{outcome.labelled} saved by a person, {outcome.earlier} with a draft"
    console.print(f"{drafts} in {time.monotonic() - started:.0f} s; passed over: {others}")
    data = f"DATASET={shlex.quote(str(options.dataset_dir))}"
    console.print(one_line(f"Look at them: make labelimg {data}, in a browser: make label {data}"))
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
