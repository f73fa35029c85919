"""Takes SSD-Tensorflow's checkpoints in, gives them out, and shows what is inside.

    python -m tools.slim_checkpoint inspect --checkpoint_path=model.ckpt-1000
    python -m tools.slim_checkpoint import --checkpoint_path=model.ckpt-1000 --labels_file=L --output_dir=X
    python -m tools.slim_checkpoint export --checkpoint_path=RUN --output_dir=X

A TensorFlow checkpoint (V1 or V2) may be given as its prefix, as one of its files or as the folder with
its `checkpoint` file; an `.npz` of variables under tf-slim names is as good.

Exit status: 0; 1 if the file cannot be used or the proof on a picture fails; 2 for wrong flags.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
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


@dataclass(frozen=True)
class Inspect:
    """Lists the variables of a checkpoint, what they are for, and which network they are of."""

    #: A TensorFlow 1 checkpoint, an .npz of tf-slim names, or a checkpoint folder of this project.
    checkpoint_path: Path


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
    values = f"{_names(len(done.checkpoint.labels))}, {_spaced(count)} values{step}"
    say(console, f"{done.checkpoint.network.name} with {values}: {done.written}")


def inspect(options: Inspect, console: rich.console.Console) -> None:
    """List the variables and say which network they are of; ValueError where the file cannot be used."""
    from nets.checkpoint import is_checkpoint, read_checkpoint
    from nets.slim_files import read_slim_variables
    from nets.slim_names import slim_name, training_state

    path = options.checkpoint_path
    labels: tuple[str, ...] = ()
    with console.status("Reading"):
        if is_checkpoint(path):
            checkpoint = read_checkpoint(path)
            labels = checkpoint.labels
            variables = {slim_name(name): array for name, array in checkpoint.weights.items()}
        else:
            variables = read_slim_variables(path)
    rows = []
    for name, array in variables.items():
        state = training_state(name)
        if state and array.ndim == 0:
            state += f": {array.item():g}"
        rows.append((name, " × ".join(map(str, array.shape)), str(array.dtype), array.size, state))
    show_table(console, ("variable", "shape", "type", "values", "state of a training"), rows)
    for line in summary(path, variables, labels):
        say(console, line)


def summary(path: Path, variables: Mapping[str, np.ndarray], labels: Sequence[str]) -> list[str]:
    """What the variables, by slim name, are good for, in lines of text."""
    from nets.imagenet import reduce_fully_connected
    from nets.slim_names import training_state
    from ssd_tensorflow.checkpoints import find_fits

    values = _spaced(sum(array.size for array in variables.values()))
    lines = [f"{len(variables)} variables, {values} values"]
    states = Counter(filter(None, map(training_state, variables)))
    if states:
        there = ", ".join(f"{count} × {state}" for state, count in states.items())
        lines.append(f"State of a training, left out by import: {there}.")
    if "moving average" in states:
        lines.append("import --use_ema takes the moving averages instead of the weights.")
    fits = find_fits(reduce_fully_connected(variables))
    for fit in fits:
        under = f" under {fit.scope!r}" if fit.scope else ""
        classes = f", {_names(fit.num_classes - 1)} and background" if fit.num_classes else ""
        lines.append(f"{fit.found} of the {fit.total} variables of {fit.network.name}{under}{classes}.")
    if labels:
        lines.append(f"A checkpoint folder of this project. It knows {', '.join(labels)}.")
    elif not fits:
        lines.append("No network of this project has variables of these names.")
    elif fits[0].complete:
        lines.append(
            "A whole network: make a checkpoint folder of it with `python -m tools.slim_checkpoint import "
            f"--checkpoint_path={path} --labels_file=… --output_dir=…`."
        )
    else:
        lines.append(
            "A part of a network: start a training from it with `train_ssd_network.py "
            f"--model_name={fits[0].network.name} --checkpoint_path={path} …`."
        )
    return lines


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _names(count: int) -> str:
    return f"{count} name{'' if count == 1 else 's'}"


@command("python -m tools.slim_checkpoint")
def main(options: Import | Export | Inspect) -> None:
    start_tensorflow()
    console = rich.console.Console(width=None if sys.stdout.isatty() else FILE_COLUMNS)
    if isinstance(options, Inspect):
        inspect(options, console)
    else:
        run_conversion(options, console)


if __name__ == "__main__":
    raise SystemExit(main())
