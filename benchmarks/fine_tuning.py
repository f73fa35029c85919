"""What makes fine-tuning ssd_300_mobilenet_v2 fast on this machine, each way beside the others in one run.

    python -m benchmarks.fine_tuning [--batch_size=16] [--rounds=5]

Seconds depend on who else uses the machine. Processor time does much less, so it is what the ratios are of;
where nobody else works, pictures a second by the clock are it times the number of cores, or nearly.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from engine.training.learning import TrainingModel, make_optimizer, set_trainable
from engine.training.options import OptimizerOptions
from nets import get_network
from nets.normalised_convolution import NormalisedConvolution
from nets.slim_names import matches_scopes
from terminal.command import command

NETWORK = get_network("ssd_300_mobilenet_v2")
WARM_UP = 2  # steps before the clock runs: the first traces and compiles, the second still allocates
# The blocks on the largest maps, up to the first of 19 x 19 cells.
EARLY = ("Conv", "expanded_conv", *(f"expanded_conv_{index}" for index in range(1, 7)))
HEADS = ",".join(f"BoxPredictor_{index}" for index in range(6))


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measures training steps of ssd_300_mobilenet_v2.

    Attributes:
        batch_size: pictures a step.
        rounds: steps of each way that are timed, in turns.
        xla: measure with XLA, too (compiling takes a minute for each way).
    """

    batch_size: int = 16
    rounds: int = 5
    xla: bool = False


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to train.

    Attributes:
        name: for the table.
        apart: convolution, normalisation and ReLU6 as three steps over the feature map.
        norms: whether batch normalisation learns.
        frozen: scopes that do not learn.
        trainable_scopes: as the flag of train_ssd_network.py.
        jit_compile: with XLA.
    """

    name: str
    apart: bool = False
    norms: bool = False
    frozen: tuple[str, ...] = ()
    trainable_scopes: str = ""
    jit_compile: bool = False


WAYS = (
    Way(name="statistics of the batch, in three steps", apart=True, norms=True),
    Way(name="frozen batch normalisation, in three steps", apart=True),
    Way(name="frozen and folded into the kernels (default)"),
    Way(name="and blocks before 19 x 19 cells frozen", frozen=EARLY),
    Way(name="and everything but the heads frozen", trainable_scopes=HEADS),
)
XLA_WAY = Way(name="frozen and folded, XLA", jit_compile=True)


class ThreeSteps(NormalisedConvolution):
    """The same function as written in a textbook: what folding is compared with."""

    def call(self, inputs, training=False):
        """Convolution, then normalisation, then activation."""
        return self.activation(self.norm(self._convolve(inputs, self.kernel), training=training))


def in_three_steps(model: keras.Model) -> keras.Model:
    """The same network with fresh weights, its normalised convolutions as `ThreeSteps`."""

    def copied(layer: Any):
        kind = ThreeSteps if type(layer) is NormalisedConvolution else type(layer)
        return kind.from_config(layer.get_config())

    copy: Any = keras.models.clone_model(model, clone_function=copied)
    return copy


def new_trainer(way: Way, num_classes: int) -> TrainingModel:
    """A network ready to train in a way, as engine.training.train sets it up."""
    keras.utils.set_random_seed(0)
    model = NETWORK.build(num_classes)
    if way.apart:
        model = in_three_steps(model)
    set_trainable(model, way.trainable_scopes, norms=way.norms)
    for layer in model.layers:
        if way.frozen and layer.weights and matches_scopes(model, layer.weights[0].path, way.frozen):
            layer.trainable = False
    trainer = TrainingModel(NETWORK, model)
    rates = OptimizerOptions(learning_rate=1e-4, end_learning_rate=1e-6)
    compiled: Any = way.jit_compile
    trainer.compile(optimizer=make_optimizer(rates, total_steps=1000), jit_compile=compiled)
    return trainer


def random_batch(batch_size: int, num_classes: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Noise with two boxes a picture: what the numbers are does not change how long they take."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (batch_size, NETWORK.image_size, NETWORK.image_size, 3)).astype(np.float32)
    corners = np.sort(rng.uniform(0, 1, (batch_size, 2, 2, 2)), axis=2)  # low and high of y and x
    boxes = corners.reshape(batch_size, 2, 4).astype(np.float32)
    classes = rng.integers(1, num_classes, (batch_size, 2)).astype(np.int32)
    return images, {"boxes": boxes, "classes": classes}


def in_turns(calls: list[Callable[[], object]], rounds: int) -> list[tuple[float, float]]:
    """Median seconds by the clock and of processor time of each call, all of them in every round."""
    measured: list[list[tuple[float, float]]] = [[] for _ in calls]
    for number in range(WARM_UP + rounds):
        for call, figures in zip(calls, measured, strict=True):
            clock, processor = time.perf_counter(), time.process_time()
            call()
            if number >= WARM_UP:
                figures.append((time.perf_counter() - clock, time.process_time() - processor))
    return [
        (statistics.median(f[0] for f in figures), statistics.median(f[1] for f in figures))
        for figures in measured
    ]


@command("python -m benchmarks.fine_tuning")
def main(options: Options) -> None:
    console = Console(width=100)
    ways = [*WAYS, XLA_WAY] if options.xla else list(WAYS)
    num_classes = 7
    batch = random_batch(options.batch_size, num_classes)
    trainers = []
    with console.status("Building"):
        trainers = [new_trainer(way, num_classes) for way in ways]
    with console.status("Measuring"):
        steps = [lambda trainer=trainer: trainer.train_on_batch(*batch) for trainer in trainers]
        figures = in_turns(steps, options.rounds)
    title = f"Training {NETWORK.name}, {keras.backend.backend()}, batches of {options.batch_size}"
    table = Table("", "trainable values", "pictures/s", "processor ms/picture", "speed", title=title)
    first = figures[0][1]
    for way, trainer, (clock, processor) in zip(ways, trainers, figures, strict=True):
        values = sum(int(np.prod(weight.shape)) for weight in trainer.trainable_variables)
        table.add_row(
            way.name,
            f"{values / 1e6:.2f} M",
            f"{options.batch_size / clock:.1f}",
            f"{1000 * processor / options.batch_size:.1f}",
            f"{first / processor:.2f}",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
