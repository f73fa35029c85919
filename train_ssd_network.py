"""Trains an SSD on TFRecords made by tf_convert_data.py.

    python train_ssd_network.py --dataset_dir=O --train_dir=RUN
    python train_ssd_network.py --dataset_dir=O --train_dir=RUN --recipe=small_gpu
    --checkpoint_path=imagenet

The first is --recipe=small_cpu, for a few hundred pictures on a laptop; a command that names a network or
weights is taken as it stands.

Writes into RUN the best weights with all that is needed to use them, `last/`, metrics.csv, TensorBoard's
files and first_batch.jpg (look at it: it is what the network sees), at the end thresholds.json and
report.html. The same command goes on with a stopped training.

Exit status: 0; 1 if the training cannot start or its loss is not finite; 2 for wrong flags.
"""

import sys
from collections.abc import Sequence

import tyro

from engine.training.options import TrainingOptions
from engine.training.recipes import BELONGS_TO, RECIPES, default_recipe, flag_value, with_recipe
from ssd_tensorflow import flags as ancestor_flags
from terminal.command import command
from terminal.quiet import start_tensorflow


def recipe_defaults(given: Sequence[str]) -> TrainingOptions:
    """What flags that are not given are: values of the recipe that the command line names or leaves out."""
    recipe = flag_value(given, "recipe") or default_recipe(given)
    if recipe not in RECIPES or "--help" in given or "-h" in given:
        recipe = "none"  # the parser says what is wrong
    needed = {"dataset_dir": tyro.MISSING, "train_dir": tyro.MISSING}
    decisive = {name: flag_value(given, name) for name in ("checkpoint_path", *BELONGS_TO)}
    return with_recipe(recipe, **needed, **{name: value for name, value in decisive.items() if value})


@command("train_ssd_network.py", interrupted="the same command goes on from the last save")
def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    given = sys.argv[1:] if arguments is None else arguments
    gone = ancestor_flags.training_flags(given)
    options = ancestor_flags.parse(
        TrainingOptions, given, gone, description=__doc__, default=recipe_defaults(given)
    )
    if options.recipe != "none" and flag_value(given, "recipe") is None:
        print(f"Neither --recipe nor --model_name nor --checkpoint_path is given: --recipe={options.recipe}.")
    start_tensorflow()
    # Not at the top: --help need not wait for TensorFlow.
    from engine.reports.training import report_is_current, write_training_report
    from engine.training.train import train

    if train(options) and options.report and not report_is_current(options.train_dir):
        print("Writing the report ...")
        path = write_training_report(options.train_dir, dataset_dir=options.dataset_dir, say=print)
        print(f"See {path}")


if __name__ == "__main__":
    sys.exit(main())
