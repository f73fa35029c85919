"""Takes SSD-Tensorflow's checkpoints in and gives them out.

    python -m tools.slim_checkpoint import --checkpoint_path=model.ckpt-1000 --labels_file=L --output_dir=X
    python -m tools.slim_checkpoint export --checkpoint_path=RUN --output_dir=X

A TensorFlow checkpoint (V1 or V2) may be given as its prefix, as one of its files or as the folder with
its `checkpoint` file; an `.npz` of variables under tf-slim names is as good.

Exit status: 0; 1 if the file cannot be used or the proof on a picture fails; 2 for wrong flags.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import rich.console
import tyro

from terminal.bars import show_table
from terminal.command import command, say
from terminal.quiet import start_tensorflow

DEMO = Path(__file__).resolve().parent.parent / "demo"
# Of a line where the output goes into a file: the longest name of a variable, its shape and what it is.
FILE_COLUMNS = 150


@dataclass(frozen=True)
class Import:
    """A TensorFlow 1 checkpoint or an .npz of tf-slim names becomes a checkpoint folder of this project."""

    checkpoint_path: Path  #: The checkpoint: its prefix, one of its files, its folder, or an .npz file.
    #: The names it was trained on, one a line, in the order of their class ids, without background.
    labels_file: Annotated[Path, tyro.conf.arg(aliases=("--labels_path",))]
    #: The checkpoint folder to make: good for detect.py, eval_ssd_network.py and to train on.
    output_dir: Path
    #: ssd_300_vgg, ssd_512_vgg or ssd_300_mobilenet_v2; not given: the one whose variables are there.
    model_name: str | None = None
    #: What stands before the names of the variables; not given: found out.
    checkpoint_model_scope: str | None = None
    #: Take the moving averages of the weights (.../ExponentialMovingAverage) instead of the weights.
    use_ema: bool = False
    #: Show a picture of demo/ to the network written in tf-slim, too, and compare: exit status 1 above 1e-4.
    verify: bool = False


@dataclass(frozen=True)
class Export:
    """A checkpoint folder becomes a TensorFlow 1 checkpoint that SSD-Tensorflow restores."""

    #: The checkpoint folder: the --train_dir of a training with ssd_300_vgg or ssd_512_vgg.
    checkpoint_path: Path
    #: A new folder for model.ckpt-STEP (.index and .data-00000-of-00001), checkpoint and labels.txt.
    output_dir: Path
    #: SSD-Tensorflow's counter of steps; not given: the step at which the weights were saved.
    global_step: int | None = None
    #: Restore it with tf.train.Saver into the network written in tf-slim and compare on a picture of demo/.
    verify: bool = False

    def __post_init__(self):
        if self.global_step is not None and self.global_step < 0:
            raise ValueError(f"--global_step must be at least 0, not {self.global_step}.")


def run_conversion(options: Import | Export, console: rich.console.Console) -> None:
    """Do it and say what was done; ValueError where it cannot be done: nothing was written then."""
    picture = min(DEMO.glob("*.jpg")) if options.verify else None
    from datasets.labels import read_labels
    from ssd_tensorflow.checkpoints import TOLERANCE, export_checkpoint, import_checkpoint

    with console.status("Converting" + (" and comparing with tf-slim" if picture else "")):
        if isinstance(options, Import):
            done = import_checkpoint(
                options.checkpoint_path,
                read_labels(options.labels_file),
                options.output_dir,
                model_name=options.model_name,
                scope=options.checkpoint_model_scope,
                use_ema=options.use_ema,
                picture=picture,
            )
        else:
            done = export_checkpoint(
                options.checkpoint_path, options.output_dir, global_step=options.global_step, picture=picture
            )
    report = done.report
    groups = {"restored": report.restored}
    for name, why in report.reasons.items():
        groups.setdefault(f"left out: {why}", []).append(name)
    groups["missing"] = report.missing
    rows = [(what, len(names), names[0] if names else "") for what, names in groups.items()]
    show_table(console, ("", "variables", "such as"), rows)
    if picture:
        say(console, f"Our network and the one written in tf-slim, with these variables, on {picture.name}:")
        headings = ("output", "values", "largest value", "largest difference", "allowed")
        rows = []
        for one in done.differences:
            largest = f"{one.largest_value:.4g}", f"{one.largest_difference:.3g}"
            rows.append((one.output, one.values, *largest, f"{TOLERANCE:g}"))
        show_table(console, headings, rows)
    step = "" if done.global_step is None else f", global_step {done.global_step}"
    count = sum(array.size for array in done.checkpoint.weights.values())
    spaced, names = f"{count:,}".replace(",", " "), len(done.checkpoint.labels)
    values = f"{names} name{'s' * (names != 1)}, {spaced} values{step}"
    say(console, f"{done.checkpoint.network.name} with {values}: {done.written}")


@command("python -m tools.slim_checkpoint")
def main(options: Import | Export) -> None:
    start_tensorflow()
    run_conversion(options, rich.console.Console(width=None if sys.stdout.isatty() else FILE_COLUMNS))


if __name__ == "__main__":
    raise SystemExit(main())
