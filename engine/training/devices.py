"""What there is to compute with."""

from pathlib import Path

import keras
import numpy as np

_CPU_INFO = Path("/proc/cpuinfo")


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
    return None if found is None else float(".".join(str(part) for part in found))


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
