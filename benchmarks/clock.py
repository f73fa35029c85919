"""What the programs that measure a device share: the clock, and how each tells what it found.

Without Keras and PyTorch. Such a program of `benchmarks.gpu` is a process of its own, since a device's memory
belongs to whoever took it; it gets `Settings` and the keys of rows, and prints a line of JSON for each.
"""

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

MARK = "measured: "  # begins a line that is a row; whatever else libraries print is none
DEVICE = "device"  # key of the row that says what there is to compute with
OUT_OF_MEMORY = "out of memory"
MOST_CALLS = 100  # of a repetition
CLASSES = 21  # of every network: the paper's, with background


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a measuring program is told."""

    output_dir: str  # where it may draw records
    dataset_dir: str  # TFRecords to train on; empty: it draws some
    warm_up: int  # calls before the clock runs: the first compiles, the second still allocates
    repetitions: int  # of what is timed; the median counts
    least_seconds: float  # of a repetition: as many calls as that takes follow one another
    matrix_side: int  # of the matrix product that is the ceiling

    def as_argument(self) -> str:
        """For a command line; `Settings(**json.loads(...))` reads it."""
        return json.dumps(asdict(self))


def median_seconds(call: Callable[[], Any], wait: Callable[[Any], object], settings: Settings) -> dict:
    """Seconds of one call when calls follow one another and only the last of a repetition is waited for.

    Returns:
        {"seconds": the median of the repetitions, "spread": slowest less fastest as a share of it,
        "first_call": seconds of the first, compiling and allocating included}.
    """
    warm = []
    for _ in range(settings.warm_up):
        start = time.perf_counter()
        wait(call())
        warm.append(time.perf_counter() - start)
    calls = max(1, min(MOST_CALLS, round(settings.least_seconds / max(warm[-1], 1e-6))))
    measured = []
    for _ in range(settings.repetitions):
        start = time.perf_counter()
        last = None
        for _ in range(calls):
            last = call()
        wait(last)
        measured.append((time.perf_counter() - start) / calls)
    median = statistics.median(measured)
    return {"seconds": median, "spread": (max(measured) - min(measured)) / median, "first_call": warm[0]}


def answer(
    keys: Iterable[str], measure: Callable[[str], dict], describe: Callable[[], Mapping[str, Any]]
) -> None:
    """Measure row after row and print each at once; one that cannot be measured says why.

    Args:
        keys: words with spaces between, the batch size last. Where one is out of memory, larger batches of
            the same are not tried.
        measure: a row for a key.
        describe: the device and versions, which are printed before the first row.
    """
    _print(DEVICE, describe())
    full: dict[str, int] = {}  # key without its batch -> the smallest batch that did not fit
    for key in keys:
        kind, _, batch = key.rpartition(" ")
        if kind in full and int(batch) > full[kind]:
            row = {"said": OUT_OF_MEMORY, "not_tried_after": full[kind]}
        else:
            row = _row(key, measure)
        if row.get("said") == OUT_OF_MEMORY and batch.isdigit():
            full[kind] = min(int(batch), full.get(kind, int(batch)))
        _print(key, row)
        gc.collect()  # the next gets the memory of this one


def _row(key: str, measure: Callable[[str], dict]) -> dict:
    try:
        return measure(key)
    except Exception as error:  # of any library: a row's failure is not the end
        if not isinstance(error, ModuleNotFoundError) and not is_out_of_memory(error):
            print(f"{key}: {error!r}", file=sys.stderr)
        return {"said": reason(error)}


def reason(error: Exception) -> str:
    """Why something could not be measured, in one line."""
    if isinstance(error, ModuleNotFoundError):
        return f"needs {error.name}"
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    line = next((one.strip() for one in str(error).splitlines() if one.strip()), "")
    return f"{type(error).__name__}: {line[:160]}"


def is_out_of_memory(error: Exception) -> bool:
    """Whether there was too little memory, as Python, JAX, TensorFlow and PyTorch say it."""
    kind = type(error).__name__
    if isinstance(error, MemoryError) or kind in ("ResourceExhaustedError", "OutOfMemoryError"):
        return True
    return "RESOURCE_EXHAUSTED" in str(error) or "out of memory" in str(error).lower()


def _print(key: str, row: Mapping[str, Any]) -> None:
    print(MARK + json.dumps({"key": key, **row}), flush=True)
