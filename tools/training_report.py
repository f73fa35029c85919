"""Writes report.html and thresholds.json of a training anew, from its best weights so far.

    python -m tools.training_report --train_dir=RUN

A finished training has done so itself. For one that was interrupted, or whose records have moved.

Exit status: 0; 1 if the folder or its records cannot be used; 2 for wrong flags.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from terminal.command import command
from terminal.quiet import start_tensorflow


@dataclass(frozen=True)
class Options:
    train_dir: Path  #: Folder of the training.
    dataset_dir: Path | None = None  #: Where its TFRecords are now; not given: where the training found them.


@command("python -m tools.training_report")
def main(options: Options) -> None:
    start_tensorflow()
    from engine.reports.training import write_training_report
    from engine.training.train import write_thresholds

    console = Console()
    say = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    with console.status("Measuring on the validation set"):
        write_thresholds(options.train_dir, dataset_dir=options.dataset_dir, say=say)
        report = write_training_report(options.train_dir, dataset_dir=options.dataset_dir, say=say)
    say(f"See {report}")


if __name__ == "__main__":
    raise SystemExit(main())
