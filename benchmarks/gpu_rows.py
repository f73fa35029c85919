"""The rows of `benchmarks.gpu` that Keras computes: matrix products, training steps, waiting, detection.

Not called by people. On JAX all but waiting for input needs Keras and NumPy alone, so that a machine without
TensorFlow can be measured; the step is the one that Keras' `fit` takes, with our loss and optimiser.
"""

import io
import json
import math
import os
import sys
import time
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported

import keras
import numpy as np
from keras import ops

from benchmarks.clock import CLASSES, Settings, answer, median_seconds
from engine.training.learning import TrainingModel, make_optimizer, set_trainable
from engine.training.options import OptimizerOptions
from nets import get_network
from nets.network import Network
from nets.normalised_convolution import NormalisedConvolution
from nets.postprocess import DetectionModel

ROOT = Path(__file__).resolve().parent.parent
BOXES = 8  # G of a synthetic batch, half of them padding
INPUT_STEPS = 30  # of the training that shows how long input is waited for
BACKWARD = 2  # a layer's gradients, of its input and of its kernel, take as much as its output each
GIB = 2**30


def main(arguments: list[str]) -> None:
    """Answer the keys that follow the settings."""
    settings = Settings(**json.loads(arguments[0]))
    kinds = {"ceiling": ceiling_row, "step": step_row, "input": input_row, "detect": detect_row}

    def measure(key: str) -> dict:
        kind, *words = key.split()
        return kinds[kind](settings, *words)

    answer(arguments[1:], measure, device)


def device() -> dict[str, Any]:
    """What Keras' backend computes on."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        first = jax.devices()[0]
        stats = first.memory_stats() or {}
        found = {"device": first.device_kind, "kind": first.platform, "compiler": _platform_of(first)}
        return {**found, "memory_gib": _gib(stats.get("bytes_limit")), "backend": f"jax {jax.__version__}"}
    import tensorflow as tf

    gpus, build = tf.config.list_physical_devices("GPU"), tf.sysconfig.get_build_info()
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    compiler = " ".join(f"{key} {build[key]}" for key in ("cuda_version", "cudnn_version") if key in build)
    found = {"device": details.get("device_name", "cpu"), "kind": "gpu" if gpus else "cpu"}
    return {**found, "compiler": compiler, "memory_gib": None, "backend": f"tensorflow {tf.__version__}"}


def _platform_of(first) -> str:
    """What XLA was built with, in one line."""
    return " ".join(str(first.client.platform_version).split())


# ------------------------------------------------------------------------------------------- ceiling
def ceiling_row(settings: Settings, precision: str) -> dict:
    """How many operations a second this device does in a matrix product, which does nothing else."""
    return {"operations_per_second": ceiling(settings, precision), "side": settings.matrix_side}


@cache
def ceiling(settings: Settings, precision: str) -> float:
    """Operations per second of a matrix product of random numbers, once in this process.

    In float32 as the backend computes it by default: on NVIDIA's GPUs since Ampere its factors are rounded to
    TF32, as those of convolutions are.
    """
    side = settings.matrix_side
    numbers = np.random.default_rng(0).standard_normal((side, side), np.float32)
    matrix = ops.cast(ops.convert_to_tensor(numbers), precision)
    timed = median_seconds(lambda: ops.matmul(matrix, matrix)[0, 0], _wait, settings)
    return 2 * side**3 / timed["seconds"]


def convolution_operations(model: keras.Model) -> float:
    """Floating-point operations that the convolutions take for one picture: nearly all there are."""
    total = 0.0
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, NormalisedConvolution)
    convolutions: Any = [layer for layer in model.layers if isinstance(layer, kinds)]
    for layer in convolutions:
        _, rows, columns, _ = layer.output.shape
        total += 2.0 * rows * columns * math.prod(layer.kernel.shape)
    return total


# ---------------------------------------------------------------------------------------------- steps
def step_row(settings: Settings, name: str, precision: str, batch_size: str) -> dict:
    """A training step on pictures that are on the device already."""
    network, count = get_network(name), int(batch_size)
    highest = ceiling(settings, precision)
    trainer, start = _trainer(name, precision), time.perf_counter()
    step, memory = compiled_step(trainer, synthetic_batch(network, count))
    compiling = time.perf_counter() - start
    timed = median_seconds(step, _wait, settings)
    operations = (1 + BACKWARD) * convolution_operations(trainer.model)
    rate = count / timed["seconds"]
    share = {"operations_a_picture": operations, "ceiling": highest, "share": rate * operations / highest}
    rates = {"pictures_per_second": rate, "compiling": compiling}
    return {**timed, **rates, **share, "memory_gib": _gib(memory())}


@lru_cache(maxsize=1)
def _trainer(name: str, precision: str) -> TrainingModel:
    """One for all batch sizes that follow one another: its layers are made operation by operation."""
    return new_trainer(get_network(name), CLASSES, precision)


def new_trainer(network: Network, classes: int, precision: str) -> TrainingModel:
    """A network ready to train as engine.training sets it up, its statistics frozen where they are there."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision if precision == "float32" else f"mixed_{precision}")
    try:
        trainer = TrainingModel(network, network.build(classes))
    finally:
        keras.config.set_dtype_policy(before)
    set_trainable(trainer.model, norms=not network.freeze_batch_norm)
    rates = OptimizerOptions(learning_rate=1e-4, end_learning_rate=1e-6)
    trainer.compile(optimizer=make_optimizer(rates, total_steps=1000), jit_compile=True)
    trainer(keras.Input((network.image_size, network.image_size, 3)))  # builds it, computes nothing
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def synthetic_batch(network: Network, count: int):
    """Pictures of noise, each with a few boxes, on the device: as `TrainingPictures.batches` gives them."""
    rng, size = np.random.default_rng(0), network.image_size
    corners = rng.uniform(0.0, 0.6, (count, BOXES, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.1, 0.4, (count, BOXES, 2))], axis=2)
    classes = rng.integers(1, CLASSES, (count, BOXES)) * (np.arange(BOXES) < BOXES // 2)
    images = rng.integers(0, 256, (count, size, size, 3), np.uint8)
    targets = {
        "boxes": ops.convert_to_tensor(boxes, "float32"),
        "classes": ops.convert_to_tensor(classes, "int32"),
    }
    return ops.cast(ops.convert_to_tensor(images), "float32"), targets


def compiled_step(trainer: TrainingModel, batch) -> tuple[Callable[..., Any], Callable[[], int | None]]:
    """The step of Keras' `fit` on that batch, or one of the same shapes, and the memory that it takes.

    The step gives the loss, on the device. Bytes are those that XLA plans for the step, weights, optimiser
    and batch included, or TensorFlow's peak; None: not known.
    """
    if keras.backend.backend() != "jax":
        return _tensorflow_step(trainer, batch)
    import jax

    batch = jax.device_put(batch)
    groups = (trainer.trainable_variables, trainer.non_trainable_variables)
    groups = (*groups, trainer.optimizer.variables, trainer.metrics_variables)
    # Copies: the step gives away the memory of its state, and the trainer is used again.
    state: Any = tuple([jax.numpy.array(variable.value) for variable in group] for group in groups)
    lowered: Any = jax.jit(trainer.train_step, donate_argnums=0).lower(state, batch)
    compiled = lowered.compile()

    def step(given=batch):
        nonlocal state
        logs, state = compiled(state, given)
        return logs["loss"]

    def memory() -> int | None:
        plan = compiled.memory_analysis()
        if plan is None:
            return None
        used = plan.temp_size_in_bytes + plan.argument_size_in_bytes + plan.output_size_in_bytes
        return used - plan.alias_size_in_bytes  # outputs that lie where the donated state lay

    return step, memory


def _tensorflow_step(trainer: TrainingModel, batch) -> tuple[Callable[..., Any], Callable[[], int | None]]:
    import tensorflow as tf

    function: Any = tf.function(trainer.train_step, jit_compile=True, reduce_retracing=True)
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        tf.config.experimental.reset_memory_stats(gpus[0].name)

    def memory() -> int | None:
        return tf.config.experimental.get_memory_info(gpus[0].name)["peak"] if gpus else None

    return lambda given=batch: function(given)["loss"], memory


# ---------------------------------------------------------------------------------------------- input
def input_row(settings: Settings, name: str, precision: str, batch_size: str) -> dict:
    """Training steps with decoding and augmentation beside them, and the share that waits for pictures."""
    import tensorflow as tf

    from datasets.records import open_dataset
    from engine.input_pipeline import TrainingPictures
    from preprocessing.presets import get_preset

    if keras.backend.backend() == "jax":
        tf.config.set_visible_devices([], "GPU")  # tf.data runs on the CPU; the memory is JAX's
    network, count = get_network(name), int(batch_size)
    dataset = open_dataset(_records(settings))
    pictures = TrainingPictures(
        dataset=dataset,
        split="train",
        image_size=network.image_size,
        batch_size=count,
        augmentation=get_preset("anime"),
        seed=0,
    )
    stream = iter(pictures.batches())
    first = _arrays(next(stream))
    step, _ = compiled_step(new_trainer(network, len(dataset.labels) + 1, precision), first)
    for _ in range(settings.warm_up):
        _wait(step(_arrays(next(stream))))
    steps = INPUT_STEPS if settings.least_seconds else settings.repetitions
    start, waited = time.perf_counter(), 0.0
    for _ in range(steps):
        asked = time.perf_counter()
        batch = _arrays(next(stream))
        waited += time.perf_counter() - asked
        _wait(step(batch))
    total = time.perf_counter() - start
    rate = {"pictures_per_second": steps * count / total, "waiting": waited / total}
    return {**rate, "steps": steps, "cores": os.cpu_count(), "records": settings.dataset_dir or "drawn"}


def _arrays(batch):
    """A batch of tf.data for the backend, as Keras takes it."""
    if keras.backend.backend() != "jax":
        return batch
    return keras.tree.map_structure(lambda tensor: np.asarray(tensor), batch)


def _records(settings: Settings) -> Path:
    """The folder of records that was given, or one that is drawn once."""
    if settings.dataset_dir:
        return Path(settings.dataset_dir)
    folder = Path(settings.output_dir) / "drawn"
    if not (folder / "records" / "labels.txt").is_file():
        from rich.console import Console

        from benchmarks.networks import draw_records

        draw_records(folder, Console(stderr=True))
    return folder / "records"


# ------------------------------------------------------------------------------------------ detection
def detect_row(settings: Settings, name: str, batch_size: str) -> dict:
    """From JPEG files in memory to named boxes, in float32 as every finished detector computes.

    With random weights every name is heard of: post-processing has all the work that it can have.
    """
    network, count = get_network(name), int(batch_size)
    files = sorted((ROOT / "demo").glob("*.jpg"))
    jpegs = [files[index % len(files)].read_bytes() for index in range(count)]
    read, decoder = reader(network.image_size)
    model = DetectionModel(network.build(CLASSES), network)
    names = [f"name {number}" for number in range(1, CLASSES)]

    def detect():
        return model.look([read(jpeg) for jpeg in jpegs], names)

    timed = median_seconds(detect, lambda found: found, settings)
    decoding = median_seconds(lambda: [read(jpeg) for jpeg in jpegs], lambda read: read, settings)
    rates = {"pictures_per_second": count / timed["seconds"]}
    return {**timed, **rates, "decoding": decoding["seconds"] / timed["seconds"], "decoder": decoder}


def reader(size: int) -> tuple[Callable[[bytes], np.ndarray], str]:
    """A JPEG file's bytes -> float32 [size, size, 3], and what does that.

    TensorFlow as in the Detector; without it Pillow, then OpenCV.

    Raises:
        ModuleNotFoundError: there is none of them.
    """
    if find_spec("tensorflow"):
        import tensorflow as tf

        from preprocessing.resize import resize_picture

        def with_tensorflow(jpeg: bytes) -> np.ndarray:
            image = tf.io.decode_image(jpeg, channels=3, expand_animations=False)
            return np.asarray(resize_picture(image, size))

        return with_tensorflow, "TensorFlow"
    if find_spec("PIL"):
        from PIL import Image

        def with_pillow(jpeg: bytes) -> np.ndarray:
            image = Image.open(io.BytesIO(jpeg)).convert("RGB")
            return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), np.float32)

        return with_pillow, "Pillow"
    if find_spec("cv2"):
        import cv2

        def with_opencv(jpeg: bytes) -> np.ndarray:
            image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
            return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)

        return with_opencv, "OpenCV"
    raise ModuleNotFoundError(name="TensorFlow, Pillow or OpenCV to decode JPEG")


def _wait(value) -> None:
    """Until the device has computed it; for TensorFlow a number, which is fetched."""
    if keras.backend.backend() == "jax":
        import jax

        jax.block_until_ready(value)
    else:
        np.asarray(value)


def _gib(size: int | None) -> float | None:
    return None if size is None else round(size / GIB, 3)


if __name__ == "__main__":
    main(sys.argv[1:])
