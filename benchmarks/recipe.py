"""What each choice of a recipe is worth: one training for every row and seed, the base with that one change.

    python -m benchmarks.recipe --dataset_dir=O --runs_dir=RUNS --checkpoint_path=W.npz [--seeds 0 1]

Every training is one command, as a user would type it, in a process of its own; RUNS/results.jsonl gets a
line when one is done. What is there already is not run again, and an interrupted training goes on. The mAP is
that of the last step on the validation set, not of the best: the best of several favours the luckier.
"""

import csv
import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rich.box
import tyro
from rich.console import Console
from rich.table import Table

from engine.training.options import CHECKPOINTS
from terminal.command import command

TRUNK = "FeatureExtractor"  # scope of all that COCO taught to see

# Row -> the flags that differ from the recipe.
ROWS: dict[str, Mapping[str, Any]] = {
    "base": {},
    # What to start from: random weights; the shipped detector of drawn characters, the default.
    "scratch": {
        "checkpoint_path": "",
        "model_name": "ssd_300_mobilenet_v2",
        "learning_rate": 2e-3,
        "learning_rate_multipliers": "",
    },
    "shipped": {"checkpoint_path": str(CHECKPOINTS / "drawn_lite"), "model_name": "ssd_300_lite"},
    "scratch_lite": {
        "checkpoint_path": "",
        "model_name": "ssd_300_lite",
        "learning_rate": 2e-3,
        "anchors": "network",
        "box_loss": "smooth_l1",
        "loss_alpha": 1.0,
        "paste_probability": 0.0,
    },
    # How pictures vary.
    "preset_none": {"augmentation": "none"},
    "preset_ssd": {"augmentation": "ssd"},
    "zoom_out_off": {"zoom_out_max": 1.0},
    "paste_off": {"paste_probability": 0.0},
    "repeat_0.3": {"repeat_factor": 0.3},
    # What learns, and how fast.
    "one_rate": {"learning_rate_multipliers": "", "learning_rate": 6e-4},
    "rate_2e-3": {"learning_rate": 2e-3},
    "rate_4e-3": {"learning_rate": 4e-3},
    "trunk_twentieth": {"learning_rate_multipliers": f"{TRUNK}=0.05"},
    "batch_4": {"batch_size": 4},
    "batch_8": {"batch_size": 8},
    "bfloat16": {"precision": "bfloat16"},
    # What the network is asked for.
    "smooth_l1": {"box_loss": "smooth_l1", "loss_alpha": 1.0},
    "anchors_network": {"anchors": "network"},
    # Everything of the recipe that is not the plain way to fine-tune.
    "plain": {
        "learning_rate_multipliers": "",
        "learning_rate": 6e-4,
        "anchors": "network",
        "box_loss": "smooth_l1",
        "loss_alpha": 1.0,
        "paste_probability": 0.0,
    },
}


@tyro.conf.configure(tyro.conf.OmitArgPrefixes)
@dataclass(frozen=True, kw_only=True)
class Options:
    """Trains once for every row and seed, and prints what each change is worth.

    Attributes:
        dataset_dir: records with a validation set.
        runs_dir: a folder for each training, and results.jsonl.
        checkpoint_path: what the base starts from.
        recipe: the base.
        passes: of the base over the training pictures; shorter than the recipe's, or it takes days.
        seeds: of every row.
        rows: of the table; not given: all. A plus joins several changes: zoom_out_off+batch_8.
    """

    dataset_dir: Path
    runs_dir: Path
    checkpoint_path: str
    recipe: str = "small_cpu"
    passes: float = 20.0
    seeds: tuple[int, ...] = (0,)
    rows: tuple[str, ...] = field(default_factory=lambda: tuple(ROWS))


@dataclass(frozen=True, kw_only=True)
class Result:
    """A training that is done: a line of results.jsonl.

    Attributes:
        row: of `ROWS`.
        seed: the training's.
        passes: the base's, over the training pictures.
        steps: the training's.
        batch_size: pictures a step.
        map_voc07: on the validation set, after the last step.
        map_voc12: the same by the area under the curve.
        minutes: of training by the clock, whoever else used the machine.
        processor_minutes: of the whole command, all cores together.
    """

    row: str
    seed: int
    passes: float
    steps: int
    batch_size: int
    map_voc07: float
    map_voc12: float
    minutes: float
    processor_minutes: float


def changes_of(row: str) -> dict[str, Any]:
    """The flags of a row that differ from the recipe; none of a row that an earlier list had."""
    return {name: value for change in row.split("+") for name, value in ROWS.get(change, {}).items()}


def command_of(options: Options, row: str, seed: int, pictures: int) -> list[str]:
    """The training's command.

    Args:
        options: of the benchmark.
        row: of `ROWS`, or several with a plus between.
        seed: the training's.
        pictures: of the training set.
    """
    change = changes_of(row)
    batch_size = change.get("batch_size", 16)
    steps = round(options.passes * pictures / batch_size)
    flags: dict[str, Any] = {
        "dataset_dir": options.dataset_dir,
        "train_dir": options.runs_dir / f"{options.passes:g}_passes" / f"{row}_{seed}",
        "recipe": options.recipe,
        "checkpoint_path": options.checkpoint_path,
        "batch_size": batch_size,
        "max_number_of_steps": steps,
        "evaluate_steps": steps,
        "seed": seed,
        **change,
    }
    given = [f"--{name}={value}" for name, value in flags.items()]
    return [sys.executable, "train_ssd_network.py", *given, "--no_report"]


def run(options: Options, row: str, seed: int, pictures: int) -> Result:
    """Train, and read how good it is.

    Raises:
        subprocess.CalledProcessError: the training failed; what it said is in RUN.log.
    """
    command = command_of(options, row, seed, pictures)
    folder = Path(next(flag for flag in command if flag.startswith("--train_dir=")).partition("=")[2])
    folder.parent.mkdir(parents=True, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with folder.with_name(f"{folder.name}.log").open("a") as log:
        log.write(" ".join(command) + "\n")
        log.flush()
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    chosen = json.loads((folder / "config.json").read_text(encoding="utf-8"))["options"]
    return Result(
        row=row,
        seed=seed,
        passes=options.passes,
        steps=int(last["step"]),
        batch_size=int(chosen["batch_size"]),
        map_voc07=float(last["map_voc07"]),
        map_voc12=float(last["map_voc12"]),
        minutes=float(last["seconds"]) / 60,
        processor_minutes=(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 60,
    )


def read_results(path: Path) -> list[Result]:
    """The trainings that are done."""
    if not path.is_file():
        return []
    return [Result(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def append_result(path: Path, result: Result) -> None:
    """Add a line, on the disk before it returns."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(result)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def table_of(results: Sequence[Result]) -> Table:
    """Rows by what they are worth against the base with the same seeds."""
    headings = ("row", "change", "VOC07 mAP", "against base", "seeds", "processor minutes")
    table = Table(*headings, box=rich.box.MARKDOWN)
    base = {one.seed: one.map_voc07 for one in results if one.row == "base"}

    def worth(row: str) -> float:
        found = [one.map_voc07 - base[one.seed] for one in results if one.row == row and one.seed in base]
        return float(np.mean(found)) if found else float("nan")

    for row in sorted({one.row for one in results}, key=worth, reverse=True):
        of_row = [one for one in results if one.row == row]
        table.add_row(
            row,
            " ".join(f"{name}={value}" for name, value in changes_of(row).items()),
            " ".join(f"{one.map_voc07:.3f}" for one in of_row),
            f"{worth(row):+.3f}",
            " ".join(str(one.seed) for one in of_row),
            f"{np.mean([one.processor_minutes for one in of_row]):.1f}",
        )
    return table


def main(options: Options, console: Console | None = None) -> None:
    """Run what is missing, then print the table."""
    console = console or Console(width=200)
    unknown = [name for row in options.rows for name in row.split("+") if name not in ROWS]
    if unknown:
        raise ValueError(f"--rows: there is no {', '.join(unknown)}; choose from {', '.join(ROWS)}.")
    counts = json.loads((options.dataset_dir / "dataset.json").read_text(encoding="utf-8"))
    pictures = counts["splits"]["train"]["pictures"]
    options.runs_dir.mkdir(parents=True, exist_ok=True)
    path = options.runs_dir / "results.jsonl"
    for seed in options.seeds:
        for row in options.rows:
            done = {(one.row, one.seed, one.passes) for one in read_results(path)}
            if (row, seed, options.passes) in done:
                continue
            console.print(f"{row}, seed {seed} ...", highlight=False)
            result = run(options, row, seed, pictures)
            append_result(path, result)
            console.print(f"  VOC07 {result.map_voc07:.3f}, {result.minutes:.1f} min", highlight=False)
    console.print(table_of([one for one in read_results(path) if one.passes == options.passes]))


if __name__ == "__main__":
    sys.exit(command("python -m benchmarks.recipe")(main)())
