"""How costs grow with the number of pictures: conversion, the start of a training, an evaluation.

    python -m benchmarks.costs --counts 1000 10000 100000 --folder=/tmp/costs

The pictures are two hundred drawn ones, repeated (512 x 512 JPEG; each copy has other bytes), nine tenths of
them to train on and a tenth to test. Every command runs in a process of its own, as a person would start it:
wall clock, and the memory at its peak. A row is added to costs.json as soon as it is there, and what is there
already is not measured again. 10 000 pictures took three minutes on two busy cores of an AMD EPYC with AVX2.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.conversion import draw_sets
from files.writing import write_json
from terminal.bars import show_table
from terminal.command import command

ROOT = Path(__file__).resolve().parent.parent
_CONVERT = ("--split_by=picture", "--split_fractions", "0.9", "0", "0.1")
_TRAIN = ("--model_name=ssd_300_lite", "--batch_size=8", "--max_number_of_steps=2", "--no_report")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measures how costs grow.

    Attributes:
        folder: for pictures, records and costs.json; made if it is not there, and left.
        counts: numbers of pictures.
        checkpoint_path: whose detector is evaluated.
    """

    folder: Path
    counts: tuple[int, ...] = (1000, 10_000, 100_000)
    checkpoint_path: Path = ROOT / "checkpoints" / "drawn_lite"


@dataclass(frozen=True)
class Cost:
    """Of one number of pictures: seconds by the clock, and MB at the peak, of each command."""

    pictures: int
    conversion: float
    conversion_memory: float
    start_of_training: float  # until its first step is done
    training_memory: float
    evaluation: float  # of a tenth of the pictures
    evaluation_memory: float


def run(program: str, *arguments: str, until: str = "") -> tuple[float, float]:
    """Seconds until a program ends, or first says something, and MB at its peak.

    Raises:
        RuntimeError: it failed; the message is the last that it said.
    """
    started, took, said = time.perf_counter(), 0.0, ""
    command = [sys.executable, program, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            said = line.strip() or said
            if until and until in line and not took:
                took = time.perf_counter() - started
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{program}: {said}")
    return took or time.perf_counter() - started, usage.ru_maxrss / 1024


def measure(count: int, options: Options) -> Cost:
    """Each command once."""
    place = options.folder / str(count)
    shutil.rmtree(place, ignore_errors=True)
    (pictures,) = draw_sets(place, (count,))
    records, training = place / "records", place / "training"
    conversion = run("tf_convert_data.py", f"--dataset_dir={pictures}", f"--output_dir={records}", *_CONVERT)
    given = f"--dataset_dir={records}"
    start = run("train_ssd_network.py", given, f"--train_dir={training}", *_TRAIN, until="step 1/")
    checkpoint = f"--checkpoint_path={options.checkpoint_path}"
    evaluation = run("eval_ssd_network.py", given, checkpoint, f"--eval_dir={place / 'evaluation'}")
    shutil.rmtree(pictures)
    return Cost(count, *conversion, *start, *evaluation)


@command("python -m benchmarks.costs")
def main(options: Options) -> None:
    options.folder.mkdir(parents=True, exist_ok=True)
    kept = options.folder / "costs.json"
    costs = [Cost(**row) for row in json.loads(kept.read_text())["costs"]] if kept.is_file() else []
    for count in options.counts:
        if all(one.pictures != count for one in costs):
            costs.append(measure(count, options))
            write_json(kept, {"costs": [asdict(one) for one in costs]})
    rows = [[round(value) for value in asdict(one).values()] for one in costs]
    headings = ["pictures", "conversion s", "MB", "training starts s", "MB", "evaluation s", "MB"]
    show_table(Console(), headings, rows)


if __name__ == "__main__":
    sys.exit(main())
