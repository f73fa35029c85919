"""Lets a detector draw and name the boxes of pictures that nobody has labelled yet: drafts for LabelImg.

    python -m tools.preannotate --dataset_dir=my_set --checkpoint_path=runs/mine/train

Drafts have verified="no" and a mark that LabelImg drops when a person saves the file; conversion leaves
drafts out. Run it again after each training: drafts that nobody has changed become better ones; what a
person has saved is never touched.

`labelling_order.txt` in the data set lists the pictures still to be labelled, most useful first, and
`make labelimg` shows them in that order. (LabelImg itself knows only the order of file names; renaming
pictures for it would take their source and time from them.) `labelling_detections.json` has what the detector
sees, sure or not, for the page (`make label`); pictures that somebody has begun there are in both.

Exit status: 0; 1 if a picture could not be read (the others are done nevertheless) or an option is wrong.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from boxes.detections import Detections
from datasets.pictures import MAX_PIXELS
from engine.reports.detections_file import as_line, detections_entry, write_lines
from labelling.drafts import OFFERS, Drafted, DraftTarget, expected_corrections, make_drafts
from terminal.bars import Progress, counting_bars, silent
from terminal.command import command, say
from terminal.quiet import start_tensorflow

if TYPE_CHECKING:  # importing it would start Keras before its remarks can be held back
    from nets.detector import Detector

# Boxes with lower scores tell nothing about where the detector is unsure. Measured with detectors trained on
# 100 real frames and on 48 drawn ones: the first third of the order holds 67 % and 41 % of the boxes to be
# put right; with every name of a character and from score 0.05 on 60 % and 38 %.
_LOWEST = 0.1


@dataclass(frozen=True)
class Options:
    dataset_dir: Path  #: JPEGImages/ and Annotations/, or a folder with pictures and XML side by side.
    checkpoint_path: Path  #: Checkpoint folder: the --train_dir of a training.
    #: Lowest score of a box. Default: each name's own, as chosen on the validation set, or else 0.5.
    score_threshold: float | None = None
    batch_size: int = 8  #: Pictures that the network sees at once.
    max_pixels: int = MAX_PIXELS  #: Pass over pictures with more pixels than this.

    def __post_init__(self):
        if self.score_threshold is not None and not 0 <= self.score_threshold <= 1:
            raise ValueError(f"--score_threshold {self.score_threshold:g}: must be 0 to 1")
        if self.batch_size < 1:
            raise ValueError(f"--batch_size {self.batch_size}: must be at least 1")


def preannotate(options: Options, detector: Detector, progress: Progress = silent) -> Drafted:
    """Writes drafts and the order; `useful` is how many boxes of each draft are likely wrong or missing."""
    unsure: dict[str, float] = {}
    limit, seen = options.score_threshold, []

    def drafted(target: DraftTarget, image: np.ndarray, everything: Detections) -> Detections:
        unsure[target.name] = expected_corrections(everything)
        height, width = image.shape[:2]
        seen.append(detections_entry(target.name, height, width, everything))
        return everything.above(detector.thresholds.of(everything.names) if limit is None else limit)

    outcome = make_drafts(
        options.dataset_dir,
        partial(detector.detect_batch, score_threshold=_LOWEST),
        drafted,
        lambda target: unsure[target.name],
        redo=True,
        batch_size=options.batch_size,
        max_pixels=options.max_pixels,
        progress=progress,
    )
    write_lines(options.dataset_dir / OFFERS, map(as_line, seen))
    return outcome


@command(
    "python -m tools.preannotate", interrupted="drafts that were written stay, run it again for the rest"
)
def main(options: Options) -> int:
    console = Console(stderr=True)
    started = time.monotonic()
    start_tensorflow()
    from nets.detector import Detector

    detector = Detector.load(options.checkpoint_path)
    with counting_bars(console) as progress:
        outcome = preannotate(options, detector, progress)
    for name, reason in outcome.failures:
        say(console, f"preannotate: {name}: {reason}; left out")
    drafts = f"{outcome.drafts} drafts with {outcome.boxes} boxes in {time.monotonic() - started:.0f} s"
    unsure = f"about {sum(outcome.useful.values()):.0f} boxes are wrong or missing, if scores are chances"
    unseen = "whom the detector does not see at all is not counted"
    others = f"{outcome.labelled} pictures saved by a person were not touched"
    say(console, f"{drafts}; at least {unsure} ({unseen}); {others}")
    say(console, f"Most useful first: make labelimg DATASET={shlex.quote(str(options.dataset_dir))}")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
