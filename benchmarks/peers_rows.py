"""The rows of `benchmarks.peers`: which things are measured in turns, and how each is made.

Networks, exports and detection as users have them; imported once the environment says how to compute.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.clock import CLASSES
from benchmarks.gpu_rows import BACKWARD, convolution_operations, synthetic_batch
from benchmarks.networks import new_trainer
from benchmarks.peers_torch_link import Torch
from benchmarks.peers_turns import MATRIX, MATRIX_SIDE, Block, Entrant, Precision, Target, block
from datasets.pictures import read_picture
from engine.training.machine import cpu_has_avx512
from nets import get_network
from nets.detector import Detector
from nets.export_formats import Format, write_export
from nets.exported import Exported
from nets.network import CLASS_HEADS
from nets.postprocess import SCORE_THRESHOLD
from terminal.quiet import without_remarks

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "litert": ".tflite"}  # as export_model.py says
ROOT = Path(__file__).resolve().parent.parent
VGG, LITE, MOBILENET = "ssd_300_vgg", "ssd_300_lite", "ssd_300_mobilenet_v2"
# Trained ones, so that as much is found as users find.
CHECKPOINTS = {LITE: ROOT / "checkpoints" / "drawn_lite", MOBILENET: ROOT / "checkpoints" / "anime_heads"}
RUNTIMES: dict[Format, str] = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT"}
TENSORFLOW, TORCHVISION = "TensorFlow", "torchvision"
BATCH = 8  # of the training step
NOBODY = 10.0  # as benchmarks.peers_torch has it
# Seconds from JPEG to names that are hoped for of ssd_300_lite on two cores.
HOPED_AVX512, HOPED_AVX2 = 0.008, 0.012


@dataclass(frozen=True)
class Contest:
    """Things that are measured in turns."""

    title: str
    entrants: Sequence[Entrant]
    base: str  # name of whom all are compared with
    operations: float  # floating-point ones of the network in a call
    targets: Sequence[Target]


@dataclass(frozen=True)
class Setting:
    """What the rows are made with.

    Attributes:
        folder: for exported files.
        torch: where torchvision answers.
        avx512: whether that is computed with.
        quick: a little of each only.
    """

    folder: Path
    torch: Torch
    avx512: bool
    quick: bool


def training_contest(setting: Setting) -> Contest:
    """A training step in float32, compiled by XLA where a training is by default."""
    network, batch = get_network(VGG), 1 if setting.quick else BATCH
    jit = network.jit_on_cpu and not setting.avx512 and not setting.quick  # XLA compiles for a minute
    name = f"{TENSORFLOW} with XLA" if jit else TENSORFLOW

    def prepare() -> Block:
        trainer, given = new_trainer(network, CLASSES, jit, "float32"), synthetic_batch(network, batch)
        return partial(block, lambda: trainer.train_on_batch(*given))

    entrants = [Entrant(name, "ours", "float32", prepare), *torchvisions(setting, f"train {{}} {batch}")]
    operations = (1 + BACKWARD) * batch * convolution_operations(network.build(CLASSES))
    title = f"{VGG}: a training step of {batch} in float32"
    return Contest(title, [*entrants, matrix_product()], TORCHVISION, operations, [Target("float32")])


def vgg_contest(setting: Setting) -> Contest:
    """From a picture of the network's size in memory to boxes; fresh weights, with which nobody is found."""
    network = get_network(VGG)
    model = network.build(CLASSES)
    expect_nobody(model)
    detector = Detector(model, network, [f"name {number}" for number in range(1, CLASSES)])
    picture = np.random.default_rng(0).integers(0, 256, (network.image_size, network.image_size, 3), np.uint8)

    def prepare(made: Callable[[], Detector]) -> Block:
        it = made()
        return partial(block, lambda: it.detect(picture))

    entrants = [Entrant(TENSORFLOW, "ours", "float32", partial(prepare, lambda: detector))]
    for kind, precision, made in exports(detector, setting, () if setting.quick else ("onnx", "openvino")):
        name = f"{RUNTIMES[kind]} {precision}"
        if by_winograd(detector, kind, precision == "int8"):
            name += ", --winograd"
        entrants.append(Entrant(name, "ours", precision, partial(prepare, made)))
    entrants += [*torchvisions(setting, "detect {} 1"), matrix_product()]
    targets = [Target("float32", ratio=1.5), Target("int8", ratio=3.0)][: 1 if setting.quick else None]
    title = f"{VGG}: a picture of {network.image_size} x {network.image_size} in memory to boxes"
    return Contest(title, entrants, TORCHVISION, convolution_operations(model), targets)


def small_contest(name: str, setting: Setting) -> Contest:
    """From a JPEG file to names: our Detector on each runtime, and what the runtime's file says by itself.

    By itself a file of ONNX Runtime or OpenVINO gives boxes that are suppressed already; one of LiteRT gives
    what all anchors say, so that its user has work left.
    """
    detector = Detector.trained(CHECKPOINTS[name])
    assert detector.network.name == name
    assert isinstance(detector.model, keras.Model)
    path = demo_pictures()[0]

    def whole(made: Callable[[], Detector]) -> Block:
        it = made()
        return partial(block, lambda: it.detect(read_picture(path)))

    def alone(made: Callable[[], Detector]) -> Block:
        exported: Any = made().model
        return partial(block, lambda: exported.outputs(read_picture(path)))

    def reading() -> Block:
        return partial(block, lambda: read_picture(path))

    entrants = [Entrant(TENSORFLOW, "ours", "float32", partial(whole, lambda: detector))]
    # In a hurry one format of one network: exporting takes longest.
    kinds = tuple(RUNTIMES)[: (name == LITE) if setting.quick else None]
    for kind, precision, made in exports(detector, setting, kinds):
        title = f"{RUNTIMES[kind]} {precision}"
        entrants.append(Entrant(title, "ours", precision, partial(whole, made)))
        entrants.append(Entrant(f"{title}, the file alone", "peer", precision, partial(alone, made)))
    entrants += [Entrant("reading the JPEG", "part", "float32", reading), matrix_product()]
    targets = [Target("float32"), Target("int8")] if kinds else []
    if name == LITE:
        hoped = HOPED_AVX512 if setting.avx512 else HOPED_AVX2
        targets += [Target("float32", seconds=hoped), Target("int8", seconds=hoped)]
    operations = convolution_operations(detector.model)
    title = f"{name}: from {path.name} to names ({len(detector.labels)})"
    return Contest(title, entrants, TENSORFLOW, operations, targets)


CONTESTS: dict[str, Callable[[Setting], Contest]] = {
    "lite": partial(small_contest, LITE),
    "mobilenet_v2": partial(small_contest, MOBILENET),
    "vgg": vgg_contest,
    "vgg_train": training_contest,
}


# ---------------------------------------------------------------------------------------- what they need
def demo_pictures() -> list[Path]:
    """The pictures of the demo, in order."""
    return sorted((ROOT / "demo").glob("*.jpg"))


def exports(
    detector: Detector, setting: Setting, kinds: Sequence[Format]
) -> Iterator[tuple[Format, Precision, Callable[[], Detector]]]:
    """Format, precision, and what makes the Detector of it, once: all float32 first, then all int8."""
    precisions: tuple[Precision, ...] = ("float32", "int8")
    masked = cpu_has_avx512() and not setting.avx512
    for precision in precisions:
        for kind in ("openvino",) if masked and "openvino" in kinds else kinds:  # the others obey no mask
            yield kind, precision, cache(partial(exported, detector, setting, kind, precision == "int8"))


def exported(detector: Detector, setting: Setting, kind: Format, int8: bool) -> Detector:
    """A detector as export_model.py writes it and `Detector.load` reads it; int8 is fitted to the demo."""
    some = demo_pictures()[: 2 if setting.quick else None]
    path = setting.folder / f"{detector.network.name}_{'int8' if int8 else 'float32'}{SUFFIXES[kind]}"
    fit_to = [read_picture(one) for one in some] if int8 else ()
    with without_remarks():
        given = {"half": False, "fit_to": fit_to, "winograd": by_winograd(detector, kind, int8)}
        write_export(detector, path, kind, score_threshold=SCORE_THRESHOLD, **given)
        detector = Detector.of_file(Exported(path))
        detector.detect(read_picture(some[0]))  # libraries introduce themselves with the first
    return detector


def by_winograd(detector: Detector, kind: Format, int8: bool) -> bool:
    """Whether that file is written with --winograd: where it gains."""
    return detector.network.name == VGG and kind == "onnx" and not int8


def expect_nobody(model: keras.Model) -> None:
    """Raise what background says at every anchor, so that fresh weights find nobody."""
    heads = [layer for layer in model.layers if any(kind in layer.name for kind in CLASS_HEADS)]
    heads = [layer for layer in heads if layer.get_weights()]  # some only turn what others say
    for layer in heads:
        kernel, bias = layer.get_weights()
        bias = bias.reshape(-1, CLASSES)
        bias[:, 0] += NOBODY
        layer.set_weights([kernel, bias.ravel()])
    assert heads


def torchvisions(setting: Setting, key: str) -> list[Entrant]:
    """Torchvision as it is, and through torch.compile, which compiles for minutes."""
    ways = {"eager": TORCHVISION, "compile": f"{TORCHVISION}, compiled"}
    return [
        Entrant(name, "peer", "float32", partial(setting.torch.prepare, key.format(way)))
        for way, name in ways.items()
        if way == "eager" or not setting.quick
    ]


def matrix_product() -> Entrant:
    """A float32 matrix product, whose rate is the floor of all.

    NumPy's: on Zen 3, where a convolution of TensorFlow's did 86 GFLOP a second and core, its BLAS did 87 to
    92, and TensorFlow's own product 67.
    """

    def prepare() -> Block:
        matrix = np.random.default_rng(0).random((MATRIX_SIDE, MATRIX_SIDE), np.float32)
        return partial(block, lambda: matrix @ matrix)

    return Entrant(MATRIX, "part", "float32", prepare)
