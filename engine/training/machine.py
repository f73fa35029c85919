"""What there is to compute with, what a training makes of it, and what it says where that is too little."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from engine.input.pictures import free_bytes
from files.parallel import cores
from nets.network import Network

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
    found = _first_gpu()[1] if has_gpu() else None
    return None if found is None else float(found)


def _first_gpu() -> tuple[str, str | None, int | None]:
    """Its name, its compute capability, and how many bytes of its memory the backend takes, where known."""
    if keras.backend.backend() == "jax":
        import jax

        one = jax.local_devices(backend="gpu")[0]
        memory = (one.memory_stats() or {}).get("bytes_limit")
        return one.device_kind, getattr(one, "compute_capability", None), memory
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    found = details.get("compute_capability")
    return details.get("device_name", "GPU"), found and ".".join(map(str, found)), None


def described(machine: Machine, devices: int, processes: int) -> str:
    """In one line what a training computes with."""
    simd = "AVX-512" if cpu_has_avx512() else "AVX2" if {"AVX2", "X86_V3"} & {*_simd()} else "no AVX2"
    what, memory = f"CPU, {cores()} cores, {simd}", free_bytes()
    if has_gpu():
        what, _, memory = _first_gpu()
    parts = [f"{devices} x {what}" if devices > 1 else what]
    parts += [f"{memory / 2**30:.1f} GiB"] if memory else []
    parts += [machine.precision, "XLA" if machine.jit_compile else "no compiler"]
    return f"On {', '.join(parts)}" + (f", in {processes} processes" if processes > 1 else "")


def cpu_has_avx512() -> bool:
    """Whether this CPU has AVX-512, which TensorFlow's convolutions use and XLA's do not."""
    return any(name.startswith("AVX512") or name == "X86_V4" for name in _simd())


def _simd() -> list[str]:
    config = np.show_config(mode="dicts")
    return config["SIMD Extensions"]["found"] if config else []


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
    # JAX without it runs one operation after the other: ssd_300_lite at 3.2 pictures a second, not at 7.5.
    return has_gpu() or keras.backend.backend() == "jax" or (network.jit_on_cpu and not cpu_has_avx512())


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
@contextmanager
def explaining_memory(batch_size: int) -> Iterator[None]:
    """Says what helps where the steps of a training take too much memory.

    Raises:
        ValueError: out of memory, or a full disk, which TensorFlow calls by the same name.
    """
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
        advice = f"try half of it: --batch_size={batch_size // 2}"
        advice = advice if batch_size > 1 else "choose a smaller --model_name"
        raise ValueError(f"Out of memory with {batch_size} pictures a step; {advice}. ({line})") from error
