r"""Trains a classifier that names faces: a folder of pictures per character, or LabelImg's XML.

    python train_face_classifier.py --faces_dir=faces --train_dir=runs/faces --backbone_weights=imagenet
    python train_face_classifier.py --faces_dir=my_set --train_dir=runs/faces --backbone=runs/mine/train
    python train_face_classifier.py --faces_dir=faces --train_dir=runs/faces \
        --backbone_weights=vgg16_imagenet_conv.npz --source_pattern='^(.*)/.*_(\d+)$'

What a network saw in a face is kept in --cache_dir, so the second training takes seconds. Faces of one source
(by default the file name up to its last number) and faces that look alike are never on both sides of a split.
Writes into --train_dir the classifier (config.json, weights.npz), report.html, report.json, names.csv,
faces.csv (which face went into which split, and what it was called), views.jpg (look at it: it is what the
network sees), problems.csv, metrics.csv and TensorBoard's files.

Exit status: 0; 1 if faces or backbone cannot be used; 2 for wrong flags.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import tyro
from rich.console import Console
from rich.markup import escape

from datasets.pictures import read_picture
from faces.options import FaceTrainingOptions
from terminal.bars import counting_bars
from terminal.command import command
from terminal.quiet import start_tensorflow

if TYPE_CHECKING:
    from faces.training import Trained


@command("train_face_classifier.py", interrupted="what was looked at stays in the cache")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    options = tyro.cli(
        FaceTrainingOptions,
        args=arguments,
        prog="train_face_classifier.py",
        description=__doc__,
        use_underscores=True,
    )
    start_tensorflow()
    run(options, Console())


def run(options: FaceTrainingOptions, console: Console) -> Trained:
    """Trains, writes, and says what came out.

    Raises:
        ValueError: faces or backbone cannot be used.
    """
    # Not at the top: importing TensorFlow takes seconds that --help and wrong flags need not wait for.
    from engine.training.log import TrainingLog
    from faces.report import confusion_picture
    from faces.training import train_faces
    from faces.training_files import VIEWS, check_train_dir, write_training

    check_train_dir(options.train_dir)
    options.train_dir.mkdir(parents=True, exist_ok=True)
    epochs: list[tuple[float, float | None]] = []
    rounds = options.head.epochs if options.head.head == "softmax" else 1
    log = TrainingLog(options.train_dir, step=0)
    with counting_bars(console) as progress:

        def epoch(number: int, loss: float, right: float | None) -> None:
            epochs.append((loss, right))
            progress("training", number, rounds)
            log.row(number, {"loss": loss, **({} if right is None else {"validation_top1": right})})

        trained = train_faces(
            options,
            progress=progress,
            say=lambda line: console.print(escape(line), highlight=False, soft_wrap=True),
            on_epoch=epoch,
        )
        notes = write_training(options, trained, epochs)
    if trained.test is not None:
        log.scalars(rounds, {"test_top1": trained.test.top1, "test_top5": trained.test.top5})
    log.picture("views", read_picture(options.train_dir / VIEWS), step=0)
    if trained.test is not None:
        log.picture("confusion", confusion_picture(trained.test), step=rounds)
    log.close()
    for note in notes:
        console.print(f"[yellow]note[/yellow] {escape(note)}", highlight=False, soft_wrap=True)
    for line in summary(trained):
        console.print(escape(line), highlight=False, soft_wrap=True)
    console.print(escape(f"See {options.train_dir / 'report.html'}"), highlight=False, soft_wrap=True)
    return trained


def summary(trained: Trained) -> list[str]:
    """The result in a few lines."""
    from engine.reports.page import percent

    lines = []
    for part, one in (("validation", trained.validation), ("test", trained.test)):
        if one is not None:
            low, high = one.top1_interval
            lines.append(
                f"{part}: {percent(one.top1)} of {len(one.truth)} faces right (95 %: {percent(low)} to "
                f"{percent(high)}), {percent(one.top5)} among the five likeliest, "
                f"calibration error {one.calibration.error:.3f}"
            )
    left = trained.left_out
    if left is not None and left.strangers:
        lines.append(
            f"characters that were left out: {percent(left.rejected_share)} of {left.strangers} faces called "
            f"unknown, {percent(left.right_kept)} of the right answers kept"
        )
    spent = ", ".join(f"{what} {seconds:.1f}" for what, seconds in trained.seconds.items())
    return [*lines, f"seconds: {spent}"]


if __name__ == "__main__":
    sys.exit(main())
