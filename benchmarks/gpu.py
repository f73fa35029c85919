"""What a GPU does with the networks: training, waiting for input, detection, memory; torchvision beside it.

    python -m benchmarks.gpu [--minutes=10] [--dataset_dir=RECORDS --checkpoint_path=imagenet]

Steps and detection need JAX, Keras and NumPy (detection something that decodes JPEG, too); waiting for input
and the training on records, with recipe small_gpu and its mAP, need the whole environment with TensorFlow's
CPU build at least; torchvision's rows PyTorch. What is missing is said in the row's place.

The time is spent on the cheapest and most important first. Every row is written to OUTPUT_DIR/results.json
at once: the same command goes on, after the end of the time too, and trains on. A batch that does not fit is
"out of memory". Speeds stand beside a matrix product of the same numeric type, measured in the same process;
operations are those of the convolutions of the layers, three times those of the forward pass for a step.
`--smoke` goes the whole way in small on any CPU: `KERAS_BACKEND=jax python -m benchmarks.gpu --smoke`.
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, dataclass, field, fields
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any, get_type_hints

from rich.console import Console

from benchmarks.clock import DEVICE, MARK, OUT_OF_MEMORY, Settings
from benchmarks.gpu_tables import cell, tables
from files.reading import read_json
from files.writing import write_json

ROOT = Path(__file__).resolve().parent.parent
KERAS, TORCH, TRAIN = "keras", "torch", "train"  # programs that measure
PROGRAMS = {KERAS: "benchmarks.gpu_rows", TORCH: "benchmarks.gpu_torch"}
TRAINING_RANK = 3  # of the whole training among the rows
BEFORE_TRAINING = 0.6  # share of the time that rows of a lower rank get where there is one
VERSIONS = ("jax", "jaxlib", "keras", "numpy", "tensorflow", "torch", "torchvision")
GRACE = 20.0  # seconds that a training gets to save itself


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measures what this machine's GPU does with the networks.

    Attributes:
        minutes: what all of it may take; what is not measured by then is by the same command again.
        networks: to measure, the most important first.
        batch_sizes: pictures a training step.
        detection_batches: pictures that are looked at together.
        dataset_dir: TFRecords to train on; not given: no training, and waiting for input is measured with
            drawn ones.
        checkpoint_path: what the training starts from.
        output_dir: for results.json, logs and the training.
        smoke: everything in small, to see on a CPU that it runs; other networks and batches.
    """

    minutes: float = 10.0
    networks: tuple[str, ...] = ("ssd_300_vgg", "ssd_512_vgg", "ssd_300_mobilenet_v2", "ssd_300_lite")
    batch_sizes: tuple[int, ...] = (8, 16, 32, 64, 128)
    detection_batches: tuple[int, ...] = (1, 8, 64)
    dataset_dir: Path | None = None
    checkpoint_path: str = "imagenet"
    output_dir: Path = Path("runs/gpu")
    smoke: bool = False

    def __post_init__(self):
        if self.smoke:
            small = {"networks": ("ssd_300_lite", "ssd_300_mobilenet_v2"), "batch_sizes": (1, 2)}
            for name, value in {**small, "detection_batches": (1, 2)}.items():
                object.__setattr__(self, name, value)
        if not (self.networks and self.batch_sizes and self.detection_batches):
            raise ValueError("--networks, --batch_sizes and --detection_batches need one each at least")

    @property
    def settings(self) -> Settings:
        """For the programs that measure."""
        timing: Any = {"warm_up": 2, "repetitions": 5, "least_seconds": 0.3, "matrix_side": 8192}
        if self.smoke:
            timing = {"warm_up": 1, "repetitions": 2, "least_seconds": 0.0, "matrix_side": 512}
        records = str(self.dataset_dir.resolve()) if self.dataset_dir else ""
        return Settings(output_dir=str(self.output_dir.resolve()), dataset_dir=records, **timing)


@dataclass(frozen=True, order=True)
class Row:
    """One thing to measure."""

    rank: int  # the cheapest and most important first
    program: str = field(compare=False)  # which measures it
    key: str = field(compare=False)  # what, in words; the batch size last


# ------------------------------------------------------------------------------------- what is measured
def rows(options: Options) -> list[Row]:
    """Everything to measure, in the order in which it is."""
    batches, looks = sorted(options.batch_sizes), sorted(options.detection_batches)
    middle, first = batches[len(batches) // 2], options.networks[0]
    found = [Row(0, KERAS, f"ceiling {precision}") for precision in ("bfloat16", "float32")]
    for way in ("compile", "eager"):
        found += [Row(1 if size == middle else 4, TORCH, f"torch bfloat16 {way} {size}") for size in batches]
    found += [Row(5, TORCH, f"torch float32 compile {size}") for size in batches]
    for name in options.networks:
        later = name != first
        for size in batches:
            rank = (2 if later else 0) if size == middle else 2 if size == batches[-1] and not later else 4
            found.append(Row(rank + (later and rank == 4), KERAS, f"step {name} bfloat16 {size}"))
            rank = 2 if size == middle else 5
            found.append(Row(rank, KERAS, f"step {name} float32 {size}"))
        for size in looks:
            rank = 2 if size in ((looks[0],) if later else (looks[0], looks[-1])) else 5
            found.append(Row(rank, KERAS, f"detect {name} {size}"))
        found.append(Row(5 if later else 2, KERAS, f"input {name} bfloat16 {middle}"))
    if options.dataset_dir:
        found.append(Row(TRAINING_RANK, TRAIN, "train"))
    return sorted(found)


def until(row: Row, options: Options) -> float:
    """Seconds from the start until which a row may be measured."""
    share = BEFORE_TRAINING if options.dataset_dir and row.rank < TRAINING_RANK else 1.0
    return 60.0 * options.minutes * share


def due(wanted: Sequence[Row], done: set[str], elapsed: float, options: Options) -> list[Row]:
    """What one program measures next: rows that follow one another; empty at the end.

    Args:
        wanted: of `rows`.
        done: keys that need not, or cannot, be measured.
        elapsed: seconds since the start.
        options: with the time.
    """
    left = [row for row in wanted if row.key not in done and until(row, options) > elapsed]
    if not left:
        return []
    same = (left[0].program, until(left[0], options))
    return list(takewhile(lambda row: (row.program, until(row, options)) == same, left))


def is_final(row: Mapping[str, Any]) -> bool:
    """Whether what is known of a row stays: figures, or that it does not fit."""
    return row.get("said", OUT_OF_MEMORY) == OUT_OF_MEMORY


# ------------------------------------------------------------------------------------ how it is measured
def answers(batch: Sequence[Row], options: Options, seconds: float) -> Iterator[tuple[str, dict]]:
    """Key and row of what a program measures until its time is over; of `DEVICE` first.

    Where it dies, the row that it died of says so, or all of them where it never began.
    """
    command = [sys.executable, "-m", PROGRAMS[batch[0].program], options.settings.as_argument()]
    waiting, begun = [row.key for row in batch], False
    with (options.output_dir / "log.txt").open("a") as log, limited([*command, *waiting], seconds, log) as it:
        for line in it.process.stdout:
            if line.startswith(MARK):
                row = json.loads(line.removeprefix(MARK))
                begun, key = True, row.pop("key")
                waiting = [other for other in waiting if other != key]
                yield key, row
        status = it.process.wait()
    if not it.stopped:
        killed = status == -signal.SIGKILL  # as a system without memory does
        said = "killed, as if out of the machine's memory" if killed else f"ended with status {status}"
        for key in waiting[: 1 if begun else None]:
            yield key, {"said": f"{said}: see log.txt"}


@dataclass
class Program:
    """One that runs."""

    process: Any  # subprocess.Popen; its output can be read
    stopped: bool = False  # whether its time was over

    def stop(self) -> None:
        """Ask it to end, with all that it started; what does not within `GRACE` is ended."""
        self.stopped = True
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE)


@contextmanager
def limited(command: Sequence[str], seconds: float, log: Any) -> Iterator[Program]:
    """A program that is stopped after so many seconds, and with all that it started when the block ends."""
    environment = {**os.environ, "KERAS_BACKEND": backend(), "PYTHONUNBUFFERED": "1"}
    settings: Any = {"env": environment, "cwd": ROOT, "text": True, "start_new_session": True}
    program = Program(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, **settings))
    timer = threading.Timer(max(0.0, seconds), program.stop)
    timer.daemon = True
    timer.start()
    try:
        yield program
    finally:
        timer.cancel()
        with suppress(ProcessLookupError):
            os.killpg(program.process.pid, signal.SIGKILL)
        program.process.wait()


def trained(options: Options, seconds: float) -> dict:
    """A whole training by recipe small_gpu, or as much of it as there is time for, and its mAP."""
    folder = options.output_dir / "train"
    flags = [f"--dataset_dir={options.dataset_dir}", f"--train_dir={folder}", "--recipe=small_gpu"]
    flags.append(f"--checkpoint_path={options.checkpoint_path}")
    if options.smoke:
        flags += ["--model_name=ssd_300_lite", "--max_number_of_steps=2", "--batch_size=2"]
    with (options.output_dir / "train.txt").open("a") as log:
        command = [sys.executable, "train_ssd_network.py", *flags]
        with limited(command, max(0.0, seconds - GRACE), log) as it:
            said = it.process.stdout.read()
            status = it.process.wait()
            log.write(said)
    if status and not it.stopped:
        lines = (options.output_dir / "train.txt").read_text(encoding="utf-8").strip().splitlines()
        return {"said": f"status {status}: {lines[-1] if lines else ''}"}
    table = folder / "metrics.csv"
    found = list(csv.DictReader(table.open(encoding="utf-8", newline=""))) if table.is_file() else []
    measured = [line for line in found if line.get("map_voc07")]
    if it.stopped or not measured:
        where = f"step {measured[-1]['step']}" if measured else "the first validation"
        return {"said": f"no time beyond {where}; the same command goes on"}
    last = measured[-1]
    best = max(float(line["map_voc07"]) for line in measured)
    values = {"step": int(last["step"]), "map_voc07": best, "minutes": float(last["seconds"]) / 60}
    return {**values, "checkpoint_path": options.checkpoint_path}


def backend() -> str:
    """Keras' backend: as KERAS_BACKEND says, else JAX where it has a GPU or TensorFlow is missing."""
    jax = find_spec("jax_plugins") or not find_spec("tensorflow")
    return os.environ.get("KERAS_BACKEND", "jax" if jax else "tensorflow")


def machine() -> dict[str, str]:
    """Driver, compiler and versions; what no library needs to be imported for."""
    found = {}
    for name, command in {
        "GPU": ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
        "compiler": ["nvcc", "--version"],
    }.items():
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
            found[name] = done.stdout.strip().splitlines()[-1]
    for name in VERSIONS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return {**found, "cores": str(os.cpu_count()), "backend": backend()}


def measure(options: Options, say: Callable[[str], object]) -> dict[str, Any]:
    """Measure what is missing in results.json, writing each row at once; returns all that is known.

    Raises:
        ValueError: what is there was measured elsewhere or otherwise.
    """
    start, path = time.monotonic(), options.output_dir / "results.json"
    options.output_dir.mkdir(parents=True, exist_ok=True)
    there = {"machine": machine(), "smoke": options.smoke}
    known: dict[str, Any] = {**there, "devices": {}, "rows": {}, "runs": 0}
    if path.is_file():
        known = read_json(path, "Delete it to measure anew.")
        if changed := [name for name, value in there.items() if known.get(name) != value]:
            raise ValueError(f"{path} has another {changed[0]}: give another --output_dir, or delete it.")
    known["runs"] += 1
    say(", ".join(f"{name} {value}" for name, value in there["machine"].items()))
    done = {key for key, row in known["rows"].items() if is_final(row)}
    while batch := due(rows(options), done, time.monotonic() - start, options):
        left = until(batch[0], options) - (time.monotonic() - start)
        if batch[0].program == TRAIN:
            found: Any = [(batch[0].key, trained(options, left))]
        elif batch[0].program == TORCH and not find_spec("torchvision"):
            found = [(row.key, {"said": "needs torchvision"}) for row in batch]
        else:
            found = answers(batch, options, left)
        for key, row in found:
            if key == DEVICE:
                _demand_same(known["devices"].setdefault(batch[0].program, row), row, path)
                say(f"{batch[0].program}: {', '.join(str(value) for value in row.values() if value)}")
                continue
            done.add(key)
            known["rows"][key] = {**row, "run": known["runs"]}
            write_json(path, known)
            say(f"{time.monotonic() - start:4.0f} s  {key}: {cell(row)}")
    return known


def _demand_same(before: dict, now: dict, path: Path) -> None:
    if before != now:
        raise ValueError(f"{path} was measured on {before}, and this is {now}: give another --output_dir.")


# ------------------------------------------------------------------------------------------ the command
def main(options: Options) -> None:
    """Measure, then show all that is known."""
    console = Console(width=None if sys.stdout.isatty() else 160)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    known = measure(options, say)
    for table in tables(known["rows"], [row.key for row in rows(options)]):
        console.print(table)
    missing = sum(row.key not in known["rows"] for row in rows(options))
    say(f"{options.output_dir / 'results.json'}: {len(known['rows'])} rows, {missing} had no time.")


def without_tyro(arguments: Sequence[str]) -> Options:
    """The options of a command line, where nothing but Keras and what it brings is installed."""
    parser = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__)
    kinds = get_type_hints(Options)
    for one in fields(Options):
        assert one.default is not MISSING
        if isinstance(one.default, bool):
            parser.add_argument(f"--{one.name}", action="store_true")
        elif isinstance(one.default, tuple):
            kind = type(one.default[0])
            parser.add_argument(f"--{one.name}", type=kind, nargs="+", default=one.default)
        else:
            kind = Path if kinds[one.name] == (Path | None) else kinds[one.name]
            parser.add_argument(f"--{one.name}", type=kind, default=one.default)
    given: dict[str, Any] = vars(parser.parse_args(arguments))
    for name, value in given.items():
        given[name] = tuple(value) if isinstance(value, list) else value
    return Options(**given)


if __name__ == "__main__":
    if find_spec("tyro"):
        from terminal.command import command

        run = command("python -m benchmarks.gpu", interrupted="the same command goes on")(main)
        sys.exit(run())
    main(without_tyro(sys.argv[1:]))
