"""How fast networks train and detect on this machine, and how that compares with what it can do at all.

    python -m benchmarks.networks [--model_names ssd_300_lite ssd_300_vgg] [--dataset_dir=RECORDS]

Seconds depend on the machine and on who else uses it, so every figure also stands as a ratio within this
run: XLA on to off and bfloat16 to float32, measured in turns, and the arithmetic done per second to that of a
float32 matrix product, measured before and after each network.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported

import keras
import numpy as np
from keras import ops
from rich.console import Console
from rich.table import Table

from benchmarks.gpu_rows import convolution_operations
from datasets.examples import parse_example
from datasets.pictures import read_picture
from datasets.records import RecordDataset, open_dataset
from engine.input_pipeline import TrainingPictures
from engine.training.learning import TrainingModel, make_optimizer
from engine.training.machine import choose_precision, computing_in, use_xla
from engine.training.options import OptimizerOptions
from nets import get_network
from nets.detector import Detector
from nets.network import Network
from preprocessing.presets import get_preset
from terminal.command import command

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 2  # calls before the clock runs: the first traces and compiles, the second still allocates
DRAWN_PICTURES = 96
MATRIX_SIDE = 2048
# XLA, and in which numbers.
TRAINING_WAYS = ((True, "float32"), (False, "float32"), (False, "bfloat16"))


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measures training and detection of networks on this machine.

    Attributes:
        model_names: the networks to measure.
        dataset_dir: TFRecords to train on; not given: the drawn set, a few pictures of it, made for this.
        batch_size: pictures a training step.
        steps: training steps that are timed, for each way.
        detections: pictures that are timed, one after the other.
    """

    model_names: tuple[str, ...] = ("ssd_300_lite", "ssd_300_vgg")
    dataset_dir: Path | None = None
    batch_size: int = 8
    steps: int = 6
    detections: int = 20


@dataclass(frozen=True)
class Figures:
    """What was measured of one network; seconds are medians.

    Attributes:
        operations: floating-point operations of the forward pass for one picture.
        matrix_rate: operations per second of a matrix product, the mean of before and after.
        matrix_spread: how far before and after are apart, as a share: above a tenth, somebody else worked.
        training_step: seconds of a training step in float32 with XLA, without, and in bfloat16 without.
        forward: seconds of the network alone for one picture with XLA, and without.
        detection: seconds from a JPEG file to names.
        training: pictures per second with the input pipeline, as trained by default.
        waiting: share of the training's time that waited for input.
    """

    network: Network
    batch_size: int
    operations: float
    matrix_rate: float
    matrix_spread: float
    training_step: tuple[float, float, float]
    forward: tuple[float, float]
    detection: float
    training: float
    waiting: float


@command("python -m benchmarks.networks")
def main(options: Options) -> None:
    console = Console()
    with tempfile.TemporaryDirectory() as temporary:
        networks = [get_network(name) for name in options.model_names]
        folder = options.dataset_dir or draw_records(Path(temporary), console)
        dataset = open_dataset(folder)
        dataset.split("train")
        picture = Path(temporary) / "picture.jpg"
        picture.write_bytes(first_picture(dataset))
        figures = [measure(network, dataset, picture, options, console) for network in networks]
    console.print(table(figures))


def draw_records(folder: Path, console: Console) -> Path:
    """TFRecords of a small drawn set, by the programs that users run."""
    drawn, records = folder / "drawn", folder / "records"
    console.print(f"Drawing and converting {DRAWN_PICTURES} pictures ...")
    for line in (
        ["-m", "datasets.drawn", f"--output_dir={drawn}", f"--pictures={DRAWN_PICTURES}"],
        [
            "tf_convert_data.py",
            "--dataset_name=pascalvoc",
            f"--dataset_dir={drawn}",
            f"--output_dir={records}",
        ],
    ):
        done = subprocess.run([sys.executable, *line], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(f"{' '.join(line)} failed:\n{done.stdout}{done.stderr}")
    return records


def first_picture(dataset: RecordDataset) -> bytes:
    """The encoded bytes of the first training picture."""
    import tensorflow as tf

    record = next(iter(tf.data.TFRecordDataset(str(dataset.split("train").files[0]))))
    encoded: Any = parse_example(record)["encoded"].numpy()
    return encoded


def measure(
    network: Network, dataset: RecordDataset, picture: Path, options: Options, console: Console
) -> Figures:
    """All figures of one network."""

    def say(text: str) -> None:
        console.print(f"{network.name}: {text} ...")

    classes = len(dataset.labels) + 1
    pictures = TrainingPictures(
        dataset=dataset,
        split="train",
        image_size=network.image_size,
        batch_size=options.batch_size,
        augmentation=get_preset("anime"),
        seed=0,
    )
    batches = pictures.batches()
    batch = next(iter(batches))
    before = matrix_rate()

    say("training step")
    trainers = [new_trainer(network, classes, jit, precision) for jit, precision in TRAINING_WAYS]
    steps = in_turns(
        [lambda trainer=trainer: trainer.train_on_batch(*batch) for trainer in trainers], options.steps
    )

    say("waiting for input")
    by_default = new_trainer(network, classes, use_xla(network), choose_precision("auto", network))
    training, waiting = with_input(by_default, batches, options)

    say("detection")
    model = trainers[0].model  # a finished detector computes in float32
    forward = in_turns(forward_passes(network, model), options.detections)
    detector = Detector(model, network, dataset.labels)
    (detection,) = in_turns([lambda: detector.detect(read_picture(picture))], options.detections)

    after = matrix_rate()
    return Figures(
        network=network,
        batch_size=options.batch_size,
        operations=convolution_operations(model),
        matrix_rate=(before + after) / 2,
        matrix_spread=abs(before - after) / max(before, after),
        training_step=(steps[0], steps[1], steps[2]),
        forward=(forward[0], forward[1]),
        detection=detection,
        training=training,
        waiting=waiting,
    )


def matrix_rate() -> float:
    """Floating-point operations per second of a float32 matrix product on this backend and device."""
    matrix = ops.convert_to_tensor(np.random.default_rng(0).random((MATRIX_SIDE, MATRIX_SIDE), np.float32))

    def multiply() -> np.ndarray:
        product: Any = ops.matmul(matrix, matrix)
        return np.asarray(product[0, 0])  # waits until it is there

    (seconds,) = in_turns([multiply], 5)
    return 2 * MATRIX_SIDE**3 / seconds


def in_turns(calls: Iterable[Callable[[], object]], rounds: int) -> list[float]:
    """Median seconds of each call, all of them measured in every round, after warming up."""
    calls = list(calls)
    seconds = [[] for _ in calls]
    for number in range(WARM_UP + rounds):
        for call, measured in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            if number >= WARM_UP:
                measured.append(time.perf_counter() - start)
    return [statistics.median(measured) for measured in seconds]


def new_trainer(network: Network, classes: int, jit: Any, precision: str) -> TrainingModel:
    """A network ready to train, as engine.training.train sets it up."""
    with computing_in(precision):
        trainer = TrainingModel(network, network.build(classes))
    rates = OptimizerOptions(learning_rate=1e-4, end_learning_rate=1e-6)
    trainer.compile(optimizer=make_optimizer(rates, total_steps=1000), jit_compile=jit)
    return trainer


def with_input(trainer: TrainingModel, batches, options: Options) -> tuple[float, float]:
    """Pictures per second with the input pipeline beside the training, and the share spent waiting for it."""
    source = iter(batches)
    for _ in range(WARM_UP):
        trainer.train_on_batch(*next(source))
    start, waited = time.perf_counter(), 0.0
    for _ in range(options.steps):
        asked = time.perf_counter()
        batch = next(source)
        waited += time.perf_counter() - asked
        trainer.train_on_batch(*batch)
    total = time.perf_counter() - start
    return options.steps * options.batch_size / total, waited / total


def forward_passes(network: Network, model: keras.Model) -> list[Callable[[], object]]:
    """The network alone on one picture, with XLA and without."""
    image = np.random.default_rng(0).uniform(0, 255, (1, network.image_size, network.image_size, 3))
    image = image.astype(np.float32)
    passes = []
    switches: tuple[Any, Any] = (True, False)
    for jit in switches:
        compiled = keras.Model(model.inputs, model.outputs)
        compiled.compile(jit_compile=jit)
        passes.append(lambda compiled=compiled: compiled.predict_on_batch([image]))
    return passes


def table(figures: list[Figures]) -> Table:
    """The figures side by side, one network a column."""
    backend = keras.backend.backend()
    title = f"{backend} backend, training batches of {figures[0].batch_size}" if figures else ""
    result = Table("", *(one.network.name for one in figures), title=title)

    def row(label: str, text: Callable[[Figures], str]) -> None:
        result.add_row(label, *(text(one) for one in figures))

    row("forward pass, GFLOP a picture", lambda f: f"{f.operations / 1e9:.2f}")
    row(
        "reference: matrix product, GFLOP/s",
        lambda f: f"{f.matrix_rate / 1e9:.0f} ±{f.matrix_spread / 2:.0%}",
    )
    result.add_section()
    row("training, pictures/s, XLA on", lambda f: f"{f.batch_size / f.training_step[0]:.2f}")
    row("training, pictures/s, XLA off", lambda f: f"{f.batch_size / f.training_step[1]:.2f}")
    row("training, pictures/s, bfloat16, XLA off", lambda f: f"{f.batch_size / f.training_step[2]:.2f}")
    row("XLA on : off", lambda f: f"{f.training_step[1] / f.training_step[0]:.2f}")
    row("bfloat16 : float32, XLA off", lambda f: f"{f.training_step[1] / f.training_step[2]:.2f}")
    row(
        "arithmetic : reference (backward counts twice)",
        lambda f: f"{3 * f.batch_size * f.operations / min(f.training_step[:2]) / f.matrix_rate:.2f}",
    )
    row("training with its input, pictures/s", lambda f: f"{f.training:.2f}")
    row("share that waits for input", lambda f: f"{f.waiting:.1%}")
    result.add_section()
    row("one picture, JPEG to names, ms", lambda f: f"{1000 * f.detection:.1f}")
    row("network alone, ms, XLA on", lambda f: f"{1000 * f.forward[0]:.1f}")
    row("network alone, ms, XLA off", lambda f: f"{1000 * f.forward[1]:.1f}")
    row("XLA on : off", lambda f: f"{f.forward[1] / f.forward[0]:.2f}")
    row("arithmetic : reference", lambda f: f"{f.operations / min(f.forward) / f.matrix_rate:.2f}")
    if len(figures) > 1:
        first = figures[0]
        result.add_section()
        row(
            f"training time : {first.network.name}",
            lambda f: f"{min(f.training_step) / min(first.training_step):.2f}",
        )
        row(f"detection time : {first.network.name}", lambda f: f"{f.detection / first.detection:.2f}")
    return result


if __name__ == "__main__":
    sys.exit(main())
