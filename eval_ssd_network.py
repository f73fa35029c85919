"""Measures a trained network on a set of TFRecords.

    python eval_ssd_network.py --dataset_dir=O --checkpoint_path=RUN --eval_dir=E [--dataset_split_name=test]

Writes into E `report.html` (for people), `report.json` (the numbers) and `detections.json` (what was found,
in pixels, with every score from 0.01 up). The same command writes the same files.

Exit status: 0; 1 if there was nothing to measure; 2 for wrong flags; 130 if stopped with Ctrl-C.
"""

from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.text import Text

from engine.reports.options import EvaluationOptions
from ssd_tensorflow import flags as ancestor_flags
from terminal.command import command, say
from terminal.quiet import start_tensorflow


@command("eval_ssd_network.py")
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = ancestor_flags.parse(EvaluationOptions, arguments, ancestor_flags.EVALUATION)
    start_tensorflow()
    from datasets.records import open_dataset
    from engine.reports.measuring import measure_checkpoint
    from engine.training.run_folder import beside_training
    from ssd_tensorflow.checkpoints import as_checkpoint_folder

    console = Console()
    options = beside_training(options, partial(say, console))
    dataset = open_dataset(options.dataset_dir, options.dataset_name)
    if dataset.note:
        console.print(Text(dataset.note), soft_wrap=True)
    with as_checkpoint_folder(options.checkpoint_path, dataset.labels, options.model_name) as folder:
        measure_checkpoint(options, dataset, folder, console)


if __name__ == "__main__":
    raise SystemExit(main())
