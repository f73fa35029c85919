"""What there is to compute with, what a training makes of it, and what it says where that is too little."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from engine.input.pictures import free_bytes
from nets.network import Network

# Values kept for every weight: itself, its gradient, two moments and the moving average.
VALUES_PER_WEIGHT = 5
# What a step takes, in terms of the outputs of all layers, which it keeps for the way back. Measured as the
# growth of peak memory with the batch on a CPU: 0.9 for ssd_300_lite, 1.2 for ssd_300_vgg, 2.3 for
# ssd_300_mobilenet_v2 with its batch normalisation learning.
ACTIVATIONS = 2.0
_CPU_INFO = Path("/proc/cpuinfo")
_DISK = "No space left on device"


@dataclass(frozen=True)
class Machine:
    """What the machine decides about a training at its start; it stays so wherever the training goes on."""

    precision: str  # float32, bfloat16 or float16: of what the network computes; its weights are float32
    jit_compile: bool  # whether XLA compiles it
    # whether decoded pictures are kept in memory; they differ a little from those decoded each time
    cache_pictures: bool

    def as_json(self) -> dict[str, str]:
        """For config.json."""
        switches = {"jit_compile": self.jit_compile, "cache_pictures": self.cache_pictures}
        return {"precision": self.precision, **{key: "on" if on else "off" for key, on in switches.items()}}

    @classmethod
    def from_json(cls, chosen: Mapping[str, str]) -> "Machine":
        """What `as_json` wrote."""
        return cls(chosen["precision"], chosen["jit_compile"] == "on", chosen["cache_pictures"] == "on")


# ------------------------------------------------------------------------------------------- devices
def has_gpu() -> bool:
    """Whether Keras's backend has a GPU."""
    try:
        return bool(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # JAX's answer where there is none
        return False


def compute_capability() -> float | None:
    """Of the first NVIDIA GPU, e.g. 8.6; None where there is none."""
    if not has_gpu():
        return None
    if keras.backend.backend() == "jax":
        import jax

        found = getattr(jax.devices("gpu")[0], "compute_capability", None)
        return None if found is None else float(found)
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    found = details.get("compute_capability")
    return None if found is None else float(".".join(map(str, found)))


def cpu_has_avx512() -> bool:
    """Whether this CPU has AVX-512, which TensorFlow's convolutions use and XLA's do not."""
    config = np.show_config(mode="dicts")
    found = config["SIMD Extensions"]["found"] if config else []
    return any(name.startswith("AVX512") or name == "X86_V4" for name in found)


def cpu_has_bfloat16() -> bool:
    """Whether TensorFlow's convolutions compute in bfloat16 on this CPU by instructions made for it.

    Known of x86 under Linux only; NumPy does not tell.
    """
    if keras.backend.backend() != "tensorflow" or not _CPU_INFO.is_file():
        return False
    lines = _CPU_INFO.read_text(encoding="utf-8").splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def use_xla(network: Network) -> bool:
    """Whether to compile with XLA, as measured (benchmarks/networks.py)."""
    # On two cores with AVX-512, ssd_300_vgg trains with XLA at 0.81 of the speed without. On two with AVX2
    # only it is said to take 1.95 s a picture without and 1.6 s with, which was not measured here.
    return has_gpu() or (network.jit_on_cpu and not cpu_has_avx512())


# ----------------------------------------------------------------------------------------- precision
def choose_precision(choice: str, network: Network) -> str:
    """`choice`, or for `auto` what the device computes fastest without losing accuracy.

    bfloat16, which has the range of float32, where a GPU has units for it (NVIDIA from Ampere on, compute
    capability 8); float16 where it has units for that only (Volta, Turing: 7). A CPU with units for bfloat16
    trains networks of plain convolutions faster with it, those of depthwise ones slower: the network says
    which it is, as measured with benchmarks/networks.py. float32 elsewhere.
    """
    if choice != "auto":
        return choice
    if not has_gpu():
        return "bfloat16" if network.bfloat16_on_cpu and cpu_has_bfloat16() else "float32"
    capability = compute_capability()
    if capability is None or capability < 7.0:
        return "float32"
    return "bfloat16" if capability >= 8.0 else "float16"


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers that are made in the block compute in this precision; those that say otherwise do not."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


# -------------------------------------------------------------------------------------------- memory
def step_bytes(model: keras.Model, batch_size: int) -> int:
    """About how much memory a training step takes, on top of the libraries."""
    weights = 4 * VALUES_PER_WEIGHT * sum(math.prod(variable.shape) for variable in model.weights)
    return weights + batch_size * picture_bytes(model)


def picture_bytes(model: keras.Model) -> int:
    """About how much memory of a training step each picture takes: the outputs of all layers, and more."""
    total = 0
    for output in (one for layer in model.layers for one in keras.tree.flatten(layer.output)):
        size = 2 if keras.backend.standardize_dtype(output.dtype) in ("bfloat16", "float16") else 4
        total += size * math.prod(side for side in output.shape if side is not None)
    return round(ACTIVATIONS * total)


def largest_batch(model: keras.Model, failed: int, limit: int | None) -> int:
    """The largest power of two below a batch size that failed, whatever was estimated for it, and that fits.

    0 if none does; `limit` is in bytes, None if unknown.
    """
    batch_size = 2 ** math.floor(math.log2(failed - 1)) if failed > 1 else 0
    while limit is not None and batch_size and step_bytes(model, batch_size) > limit:
        batch_size //= 2
    return batch_size


@contextmanager
def explaining_memory(model: keras.Model, batch_size: int, say: Callable[[str], object]) -> Iterator[None]:
    """Says which batch size would fit where the steps of a training may take too much memory, or did.

    That they may is said before: a system without room kills the process, and no error can be explained then.

    Raises:
        ValueError: out of memory, or a full disk, which TensorFlow calls by the same name.
    """
    free = None if has_gpu() else free_bytes()  # of a GPU it is not known
    needed, fits = step_bytes(model, batch_size), largest_batch(model, batch_size, free)
    if free is not None and needed > free:
        say(
            f"Warning: {batch_size} pictures a step take about {_gib(needed)}, and {_gib(free)} are free: "
            "the system may kill this training. "
            + (f"--batch_size={fits} would fit." if fits else "A smaller --model_name would fit.")
        )
    try:
        yield
    except (ValueError, FloatingPointError):
        raise  # known by name already
    except Exception as error:
        text = str(error)
        line = next((one.strip()[:160] for one in text.splitlines() if one.strip()), "no details")
        if _DISK in text:
            raise ValueError(f"{_DISK}: make room, and the same command goes on. ({line})") from error
        ours = isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
        if not (ours or "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower()):
            raise
        if not fits:
            advice = f"{model.name} does not fit with one picture either: choose a smaller --model_name."
        elif free is None:
            advice = f"Try half of it: --batch_size={fits}."
        else:
            advice = f"About {fits} would fit: give --batch_size={fits}."
        where = f" where {_gib(free)} were free" if free else ""
        raise ValueError(
            f"Out of memory with {batch_size} pictures a step, which take about {_gib(needed)}{where}. "
            f"{advice} ({line})"
        ) from error


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
