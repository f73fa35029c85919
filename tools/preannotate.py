"""Lets a detector draw and name the boxes of pictures that nobody has labelled yet: drafts for LabelImg.

    python -m tools.preannotate --dataset_dir=my_set --checkpoint_path=runs/mine/train

Drafts have verified="no" and a mark that LabelImg drops when a person saves the file; conversion leaves
drafts out. Run it again after each training: drafts that nobody has changed become better ones.

`labelling_order.txt` in the data set lists the pictures still to be labelled, most useful first, and
`make labelimg` shows them in that order. (LabelImg itself knows only the order of file names; renaming
pictures for it would take their source and time from them.)

Exit status: 0; 1 if a picture could not be read (the others are done nevertheless) or an option is wrong.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import tyro
from rich.console import Console

from boxes.detections import Detections
from datasets.pictures import MAX_PIXELS, PictureError, read_picture
from files.threads import map_in_threads
from labelling.drafts import DraftTarget, draft_targets, save_draft
from labelling.order import expected_corrections, look, useful_first, write_order
from terminal.bars import counting_bars
from terminal.command import command
from visualization.text import one_line

if TYPE_CHECKING:  # importing it would start Keras before its remarks can be held back
    from nets.thresholds import Thresholds

# Boxes with lower scores tell nothing about where the detector is unsure. Measured with detectors trained on
# 100 real frames and on 48 drawn ones: the first third of the order holds 67 % and 41 % of the boxes to be
# put right; with every name of a character and from score 0.05 on 60 % and 38 %.
_LOWEST = 0.1
# Boxes that overlap more are of one character, to whom the detector gives several names. Measured on drafts
# of 285 real frames by a detector trained on 100 others, from score 0.3: 76 boxes to delete instead of 163.
_SAME_CHARACTER = 0.6


@dataclass(frozen=True)
class Options:
    """Lets a detector draw and name the boxes of pictures that nobody has labelled yet: drafts for LabelImg.

    What a person has saved is never touched; drafts that nobody has changed are replaced. The pictures still
    to be labelled are listed in labelling_order.txt, most useful first: make labelimg follows it.
    """

    dataset_dir: Path
    """JPEGImages/ and Annotations/, or a folder with pictures and XML side by side."""
    checkpoint_path: Path
    """Checkpoint folder: the --train_dir of a training."""
    score_threshold: float | None = None
    """Lowest score of a box. Default: each name's own, as chosen on the validation set, or else 0.5."""
    batch_size: int = 8
    """Pictures that the network sees at once."""
    max_pixels: int = MAX_PIXELS
    """Pass over pictures with more pixels than this."""

    def __post_init__(self):
        if self.score_threshold is not None and not 0 <= self.score_threshold <= 1:
            raise ValueError(f"--score_threshold {self.score_threshold:g}: must be 0 to 1")
        if self.batch_size < 1:
            raise ValueError(f"--batch_size {self.batch_size}: must be at least 1")


class Detects(Protocol):
    """What of `nets.detector.Detector` is used here."""

    @property
    def thresholds(self) -> Thresholds: ...

    def detect_batch(self, images: Sequence[np.ndarray], *, score_threshold: float) -> list[Detections]: ...


@dataclass
class Outcome:
    """What a run did; grows while it goes on.

    Attributes:
        drafts: written.
        boxes: in them.
        labelled: pictures passed over because a person has saved their annotation.
        failures: (name, reason) of pictures that could not be read.
        order: names of the pictures to be labelled, most useful first.
        corrections: how many boxes of all drafts are likely to be wrong or missing, without those of
            characters that the detector does not see at all.
    """

    drafts: int = 0
    boxes: int = 0
    labelled: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    corrections: float = 0.0


def preannotate(
    options: Options, detector: Detects, advance: Callable[[int, int], None] = lambda done, total: None
) -> Outcome:
    """Writes drafts and the order.

    Args:
        options: of the command line.
        detector: finds and names the boxes.
        advance: called with (pictures done, pictures in all).

    Raises:
        ValueError: the folder cannot be used.
    """
    outcome = Outcome()
    targets = draft_targets(options.dataset_dir)
    looks: dict[str, np.ndarray] = {}
    unsure: dict[str, float] = {}
    batch: list[tuple[DraftTarget, np.ndarray]] = []

    def finish() -> None:
        images = [image for _, image in batch]
        found = detector.detect_batch(images, score_threshold=_LOWEST)
        for (target, image), everything in zip(batch, found, strict=True):
            unsure[target.name] = expected_corrections(one_name_each(everything))
            limit = options.score_threshold
            reported = everything.above(detector.thresholds.of(everything.names) if limit is None else limit)
            draft = one_name_each(reported)
            if save_draft(target, draft, *image.shape[:2]):
                outcome.drafts += 1
                outcome.boxes += len(draft)
        batch.clear()

    def read(target: DraftTarget) -> tuple[DraftTarget, np.ndarray | str]:
        try:
            return target, read_picture(target.picture, max_pixels=options.max_pixels)
        except PictureError as error:
            return target, str(error)

    for done, (target, image) in enumerate(map_in_threads(read, targets), start=1):
        if isinstance(image, str):
            outcome.failures.append((target.name, image))
        else:
            looks[target.name] = look(image)
            if target.free:
                batch.append((target, image))
            else:
                outcome.labelled += 1
        if len(batch) == options.batch_size:
            finish()
        advance(done, len(targets))
    finish()
    names = list(unsure)
    known = [looks[target.name] for target in targets if not target.free and target.name in looks]
    if names:
        mine = np.stack([looks[name] for name in names])
        order = useful_first([unsure[name] for name in names], mine, np.array(known, np.float32))
        outcome.order = [names[index] for index in order]
    outcome.corrections = sum(unsure.values())
    write_order(options.dataset_dir, outcome.order)
    return outcome


def one_name_each(detections: Detections) -> Detections:
    """The best box of each character: a person would delete the others.

    Args:
        detections: best first.
    """
    if len(detections) < 2:
        return detections
    from keras import ops  # not at the top, as above

    from boxes.geometry import iou

    overlap = np.asarray(ops.convert_to_numpy(iou(detections.boxes, detections.boxes)))
    kept = np.zeros(len(detections), bool)
    for i in range(len(detections)):
        kept[i] = not (overlap[i, kept] > _SAME_CHARACTER).any()
    return detections.where(kept)


@command("preannotate", interrupted="drafts that were written stay, run it again for the rest")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    started = time.monotonic()
    options = tyro.cli(Options, args=arguments, prog="python -m tools.preannotate", use_underscores=True)
    from terminal.quiet import start_tensorflow

    start_tensorflow()
    from nets.detector import Detector

    detector = Detector.load(options.checkpoint_path)
    with counting_bars(console) as progress:
        outcome = preannotate(options, detector, partial(progress, "pre-annotating"))
    for name, reason in outcome.failures:
        console.print(one_line(f"preannotate: {name}: {reason}; left out"))
    console.print(
        f"{outcome.drafts} drafts with {outcome.boxes} boxes in {time.monotonic() - started:.0f} s; at least "
        f"about {outcome.corrections:.0f} boxes are wrong or missing, if scores are chances (whom the "
        f"detector does not see at all is not counted); {outcome.labelled} pictures saved by a person were "
        "not touched"
    )
    console.print(
        one_line(f"Most useful first: make labelimg DATASET={shlex.quote(str(options.dataset_dir))}")
    )
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
