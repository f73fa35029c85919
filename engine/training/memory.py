"""How much memory there is, how much a training step takes, and which batch size would have fitted."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

# Values kept for every weight: itself, its gradient, two moments and the moving average.
VALUES_PER_WEIGHT = 5
# What a step takes, in terms of the outputs of all layers, which it keeps for the way back. Measured as the
# growth of peak memory with the batch on a CPU: 0.9 for ssd_300_lite, 1.2 for ssd_300_vgg, 2.3 for
# ssd_300_mobilenet_v2 with its batch normalisation learning.
ACTIVATIONS = 2.0
_DISK = "No space left on device"


def free_bytes() -> int | None:
    """Memory that this process may still take, by the machine and by its container; None if unknown."""
    found = [_meminfo(), _container()]
    known = [value for value in found if value is not None]
    return min(known) if known else None


def step_bytes(model: keras.Model, batch_size: int) -> int:
    """About how much memory a training step takes, on top of the libraries.

    Args:
        model: as built by `network.build`.
        batch_size: pictures a step.
    """
    weights = 4 * VALUES_PER_WEIGHT * sum(math.prod(variable.shape) for variable in model.weights)
    return weights + batch_size * picture_bytes(model)


def picture_bytes(model: keras.Model) -> int:
    """About how much memory of a training step each picture takes: the outputs of all layers, and more."""
    total = 0
    for layer in model.layers:
        outputs = layer.output
        for output in outputs.values() if isinstance(outputs, dict) else [outputs]:
            size = 2 if keras.backend.standardize_dtype(output.dtype) in ("bfloat16", "float16") else 4
            total += size * math.prod(side for side in output.shape if side is not None)
    return round(ACTIVATIONS * total)


def largest_batch(model: keras.Model, failed: int, limit: int | None) -> int:
    """The largest batch size that fits, as a power of two, below one that did not; 0 if none does.

    Args:
        model: as built by `network.build`.
        failed: a batch size that did not fit, which proves an estimate that says so wrong.
        limit: bytes that there are; None if unknown.
    """
    batch_size = 2 ** math.floor(math.log2(failed - 1)) if failed > 1 else 0
    while limit is not None and batch_size and step_bytes(model, batch_size) > limit:
        batch_size //= 2
    return batch_size


def memory_warning(model: keras.Model, batch_size: int, free: int | None) -> str:
    """What to say before a training that may be killed for its memory; nothing where it should fit.

    A system without room kills the process, and no error can be explained then.

    Args:
        model: what is trained, on the processor.
        batch_size: pictures a step.
        free: bytes that there are; None if unknown.
    """
    needed = step_bytes(model, batch_size)
    if free is None or needed <= free:
        return ""
    fits = largest_batch(model, batch_size, free)
    return (
        f"Warning: {batch_size} pictures a step take about {_gib(needed)}, and {_gib(free)} are free: the "
        "system may kill this training. "
        + (f"--batch_size={fits} would fit." if fits else "A smaller --model_name would fit.")
    )


@contextmanager
def explaining_memory(model: keras.Model, batch_size: int, free: int | None) -> Iterator[None]:
    """Turns the error of a step that takes too much memory into one that says which batch size would fit.

    Args:
        model: what is trained.
        batch_size: pictures a step.
        free: bytes that there were before; None if unknown, as on a GPU.

    Raises:
        ValueError: out of memory, or a full disk, which TensorFlow calls by the same name.
    """
    try:
        yield
    except (ValueError, FloatingPointError):
        raise  # known by name already
    except Exception as error:
        text = str(error)
        if _DISK in text:
            raise ValueError(f"{_DISK}: make room, and the same command goes on. ({_line(text)})") from error
        ours = isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
        if not (ours or "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower()):
            raise
        needed = step_bytes(model, batch_size)
        fits = largest_batch(model, batch_size, free)
        if not fits:
            advice = f"{model.name} does not fit with one picture either: choose a smaller --model_name."
        elif free is None:
            advice = f"Try half of it: --batch_size={fits}."
        else:
            advice = f"About {fits} would fit: give --batch_size={fits}."
        raise ValueError(
            f"Out of memory with {batch_size} pictures a step, which take about {_gib(needed)}"
            + (f" where {_gib(free)} were free" if free else "")
            + f". {advice} ({_line(text)})"
        ) from error


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _line(text: str) -> str:
    return next((line.strip()[:160] for line in text.splitlines() if line.strip()), "no details")


def _meminfo() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)


def _container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = (folder / "memory.current").read_text(encoding="ascii").strip()
        return None if limit == "max" else max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return None
