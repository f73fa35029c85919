"""What `benchmarks.gpu` knows, as tables: a row for each kind of measurement, a column for each batch."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

COMPARED = "ssd_300_vgg"  # the network that torchvision has, too
TARGETS = "1000 pictures/s, 1.5 times torchvision"  # for it in bfloat16 on one H100
TRAINING = "Training steps: pictures/s, share of the ceiling, memory"
DETECTION = "From JPEG to names, float32: pictures/s, time of a batch"


def cell(row: Mapping[str, Any] | None) -> str:
    """A row's figures in short, or why there are none."""
    if row is None:
        return "–"
    if "said" in row:
        return row["said"]
    if "operations_per_second" in row:
        return f"{row['operations_per_second'] / 1e12:.3g} TFLOP/s"
    if "map_voc07" in row:
        return f"mAP {row['map_voc07']:.3f}, {row['step']} steps in {row['minutes']:.1f} min"
    parts = [f"{row['pictures_per_second']:.4g}/s"]
    parts += [f"{row['share']:.0%}"] if "share" in row else []
    parts += [f"{row['waiting']:.1%} waits for input"] if "waiting" in row else []
    parts += [f"{1000 * row['seconds']:.3g} ms ({row['decoding']:.0%} decoding)"] if "decoding" in row else []
    parts += [f"{row['memory_gib']:.3g} GiB"] if row.get("memory_gib") else []
    return ", ".join(parts)


def tables(found: Mapping[str, Any], keys: Sequence[str]) -> list[Table]:
    """All rows, measured or not.

    Args:
        found: rows by key.
        keys: of all rows that there are to measure.
    """
    other = Table("", "", title="Device")
    for key in keys:
        if key.split()[0] in ("ceiling", "input", "train"):
            other.add_row(key, cell(found.get(key)))
    for line in against_torchvision(found, keys):
        other.add_row(*line)
    steps = [key for key in keys if key.split()[0] in ("step", "torch")]
    return [
        other,
        _by_batch(TRAINING, steps, found),
        _by_batch(DETECTION, [key for key in keys if key.split()[0] == "detect"], found),
    ]


def _by_batch(title: str, keys: Sequence[str], found: Mapping[str, Any]) -> Table:
    sizes = sorted({int(key.split()[-1]) for key in keys})
    table = Table("", *(f"batch {size}" for size in sizes), title=title)
    for kind in sorted({key.rpartition(" ")[0] for key in keys}):
        table.add_row(kind, *(cell(found.get(f"{kind} {size}")) for size in sizes))
    return table


def against_torchvision(found: Mapping[str, Any], keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Ours to theirs at each batch, in bfloat16, theirs in its faster way."""
    for key in sorted(keys, key=lambda key: (len(key), key)):
        if not key.startswith(f"step {COMPARED} bfloat16 "):
            continue
        size = key.split()[-1]
        theirs = [found.get(f"torch bfloat16 {way} {size}", {}) for way in ("compile", "eager")]
        ours, best = found.get(key, {}), max(theirs, key=lambda row: row.get("pictures_per_second", 0.0))
        if "pictures_per_second" in ours and "pictures_per_second" in best:
            ratio = ours["pictures_per_second"] / best["pictures_per_second"]
            apart = "" if ours["run"] == best["run"] else ", measured in different runs"
            yield f"{COMPARED} : torchvision, batch {size}", f"{ratio:.2f}{apart} (targets: {TARGETS})"
