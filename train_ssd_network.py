"""Trains an SSD on TFRecords made by tf_convert_data.py.

    python train_ssd_network.py --dataset_dir=O --train_dir=RUN
    python train_ssd_network.py --unlabelled_dir=FRAMES --train_dir=RUN
    python train_ssd_network.py --dataset_dir=O --train_dir=RUN --recipe=small_gpu
    --checkpoint_path=imagenet

The first is --recipe=small_cpu, for a few hundred pictures on a laptop; the second lets the shipped finder of
heads get used to your frames. One that names a network or weights is taken as it stands.

Writes into RUN the best weights with all that is needed to use them, `last/`, metrics.csv, TensorBoard's
files and first_batch.jpg (look at it: it is what the network sees), at the end thresholds.json and
report.html. The same command goes on with a stopped training.

Exit status: 0; 1 if the training cannot start or its loss is not finite; 2 for wrong flags.
"""

import os
import sys
from collections.abc import Sequence

from rich.console import Console

from engine.training.options import TrainingOptions, recipe_defaults
from ssd_tensorflow.flags import TRAINING, parse
from terminal.command import command
from terminal.quiet import start_tensorflow


@command("train_ssd_network.py", interrupted="the same command goes on from the last save")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parse(TrainingOptions, given, TRAINING, description=__doc__, default=recipe_defaults(given))
    start_tensorflow()
    from engine.reports.training import report_is_current, write_training_report
    from engine.training import devices
    from engine.training.train import train
    from engine.training.unlabelled import label_surely

    with devices.together(devices.place_of(options, os.environ)):
        if devices.process()[0] == 0:
            if options.recipe != "none" and not any(token.startswith("--recipe") for token in given):
                print(f"No --recipe is given: --recipe={options.recipe}.")
            label_surely(options, Console())
        if train(options) and options.report and not report_is_current(options.train_dir):
            print("Writing the report ...")
            path = write_training_report(options.train_dir, dataset_dir=options.dataset_dir, say=print)
            print(f"See {path}")


if __name__ == "__main__":
    raise SystemExit(main())
