"""labels.txt as it is written, and as it grows; `datasets.labels` reads it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from datasets.labels import clean_name
from files.writing import write_text


def write_labels(path: Path, names: Sequence[str]) -> None:
    """Writes labels.txt so that `read_labels` gives `names` back."""
    if not names:
        raise ValueError(f"{path}: no names to write; a set needs at least one name")
    if doubles := sorted(name for name, count in Counter(names).items() if count > 1):
        raise ValueError(f"{path}: names given twice: {', '.join(doubles)}; every name has one line")
    for name in names:
        if not name or name != clean_name(name):
            raise ValueError(f"{path}: {name!r} is not a clean name; pass it through clean_name first")
    write_text(path, "".join(f"{name}\n" for name in names))


def extend_labels(existing: Sequence[str], found: Iterable[str]) -> list[str]:
    """`existing`, then the new names in text order: class ids that a trained network knows never move."""
    return [*existing, *sorted(set(found) - set(existing))]
