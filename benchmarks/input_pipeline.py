"""What pictures cost before a network sees them: every preset of augmentation, and evaluation.

    python -m benchmarks.input_pipeline [--dataset_dir=RECORDS]

The reference is the least that any pipeline does: read, tf.io.decode_jpeg, plain bilinear tf.image.resize,
batch. All are measured in turns within one run. Seconds of CPU time, summed over the threads, count only our
own work, so pictures per core and second hold while others use the machine; pictures per second do not.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported

import tensorflow as tf
from rich.console import Console
from rich.table import Table

from benchmarks.networks import draw_records
from datasets.examples import parse_example
from datasets.records import RecordDataset, open_dataset
from engine.input_pipeline import TrainingPictures, evaluation_batches
from preprocessing.presets import presets
from terminal.command import command

WARM_UP = 4  # batches: as many as are made ahead and in the making
REFERENCE = "reference"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measures the input pipeline on this machine.

    Attributes:
        dataset_dir: TFRecords with a split `train`; not given: the drawn set, a few pictures of it, made for
            this.
        image_size: height and width of the network's pictures.
        batch_size: pictures in a batch.
        batches: batches that are timed in every turn.
        turns: how often each pipeline has its turn; the median counts.
    """

    dataset_dir: Path | None = None
    image_size: int = 300
    batch_size: int = 16
    batches: int = 12
    turns: int = 5


@dataclass(frozen=True)
class Cost:
    """Seconds for one picture: of CPU time over all threads, and on the clock."""

    cpu: float
    clock: float


@command("python -m benchmarks.input_pipeline")
def main(options: Options) -> None:
    console = Console()
    with tempfile.TemporaryDirectory() as temporary:
        dataset = open_dataset(options.dataset_dir or draw_records(Path(temporary), console))
        pipelines = {name: iter(batches) for name, batches in all_pipelines(dataset, options).items()}
        turns: dict[str, list[Cost]] = {name: [] for name in pipelines}
        for _ in range(options.turns):
            for name, batches in pipelines.items():
                turns[name].append(measure(batches, options))
    console.print(table(turns))


def all_pipelines(dataset: RecordDataset, options: Options) -> dict[str, tf.data.Dataset]:
    """Endless batches by the name of what makes them, the reference first."""
    size, count = options.image_size, options.batch_size

    def training(preset: str, *, in_memory: bool = False) -> tf.data.Dataset:
        pictures = TrainingPictures(
            dataset=dataset,
            split="train",
            image_size=size,
            batch_size=count,
            augmentation=presets()[preset],
            seed=0,
            in_memory=in_memory,
        )
        return pictures.batches()

    trainings = {f"training, {name}": training(name) for name in presets()}
    trainings["training, anime, from memory"] = training("anime", in_memory=True)
    evaluation = evaluation_batches(dataset, "train", image_size=size, batch_size=count).repeat()
    return {REFERENCE: reference_batches(dataset, options), **trainings, "evaluation": evaluation}


def reference_batches(dataset: RecordDataset, options: Options) -> tf.data.Dataset:
    """The least that has to be done, under the same tf.data options as our own pipelines."""
    files = [str(path) for path in dataset.split("train").files]

    def make(serialized):
        image = tf.io.decode_jpeg(parse_example(serialized)["encoded"], channels=3)
        return tf.image.resize(image, (options.image_size, options.image_size))

    ours = evaluation_batches(dataset, "train", image_size=options.image_size, batch_size=1).options()
    records = tf.data.TFRecordDataset(files).repeat()
    pictures = records.map(make, num_parallel_calls=2 * (os.cpu_count() or 1))
    return pictures.batch(options.batch_size).prefetch(2).with_options(ours)


def measure(batches: Iterator, options: Options) -> Cost:
    """The mean of some batches, after as many as may have been made while others had their turn."""
    for _ in range(WARM_UP):
        next(batches)
    cpu, clock = time.process_time(), time.perf_counter()
    for _ in range(options.batches):
        next(batches)
    pictures = options.batches * options.batch_size
    return Cost((time.process_time() - cpu) / pictures, (time.perf_counter() - clock) / pictures)


def table(turns: dict[str, list[Cost]]) -> Table:
    """One row per pipeline; ratios are medians over the turns."""
    result = Table(title=f"Input pipeline on {os.cpu_count()} cores")
    result.add_column("pipeline", no_wrap=True)
    for heading in ("CPU ms", "pictures/s/core", "times reference", "pictures/s now"):
        result.add_column(heading, justify="right", no_wrap=True)
    for name, costs in turns.items():
        cpu = statistics.median(cost.cpu for cost in costs)
        ratio = statistics.median(
            cost.cpu / reference.cpu for cost, reference in zip(costs, turns[REFERENCE], strict=True)
        )
        clock = statistics.median(cost.clock for cost in costs)
        result.add_row(name, f"{1e3 * cpu:.2f}", f"{1 / cpu:.0f}", f"{ratio:.2f}", f"{1 / clock:.0f}")
    return result


if __name__ == "__main__":
    sys.exit(main())
