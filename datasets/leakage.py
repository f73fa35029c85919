"""Whether a detector is measured on pictures that it was trained on, or on pictures like them.

Such pictures flatter: the figures then say how well it remembers, not how well it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from datasets.near_duplicates import near_duplicates, perceptual_hash_of_jpeg
from datasets.problems import some_of
from datasets.records import examples
from files.threads import map_in_threads


@dataclass(frozen=True, eq=False)
class Traces:
    """By what the N pictures of a set can be recognised.

    Attributes:
        names: file names.
        sources: episode or video of each; empty where it is not known.
        hashes: uint64 [N], perceptual.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    hashes: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Leak:
    """What a set has in common with the set of the training.

    Attributes:
        pictures: of the measured set.
        sources: that both have, in text order.
        from_sources: pictures of the measured set that come from these.
        pairs: (measured picture, training picture) that look alike, one for each such measured picture.
    """

    pictures: int
    sources: tuple[str, ...]
    from_sources: int
    pairs: tuple[tuple[str, str], ...]


def traces_of_records(
    files: Sequence[Path], *, progress: Callable[[int], None] = lambda count: None
) -> Traces:
    """Traces of the pictures in TFRecords; about 1 ms for each.

    Args:
        files: of one set.
        progress: called with 1 after each picture.

    Raises:
        ValueError: a file is damaged or cut short; names it.
    """

    def trace(example: tf.train.Example) -> tuple[str, str, np.uint64]:
        feature = example.features.feature
        encoded, name, source = (
            next(iter(feature[f"image/{key}"].bytes_list.value), b"")
            for key in ("encoded", "filename", "source")
        )
        return _text(name), _text(source), perceptual_hash_of_jpeg(encoded)

    rows = []
    for row in map_in_threads(trace, (example for _, example in examples(files))):
        rows.append(row)
        progress(1)
    return traces_of(rows)


def traces_of(rows: Iterable[tuple[str, str, np.uint64]]) -> Traces:
    """From one (file name, source, hash) per picture."""
    rows = list(rows)
    names, sources, hashes = zip(*rows, strict=True) if rows else ((), (), ())
    return Traces(tuple(names), tuple(sources), np.array(hashes, np.uint64))


def find_leak(measured: Traces, trained: Traces) -> Leak:
    """What the measured set has in common with the set of the training."""
    shared = set(measured.sources) & set(trained.sources) - {""}
    alike: dict[int, int] = {}
    for mine, theirs in near_duplicates(measured.hashes, trained.hashes).tolist():
        alike.setdefault(mine, theirs)
    return Leak(
        pictures=len(measured),
        sources=tuple(sorted(shared)),
        from_sources=sum(source in shared for source in measured.sources),
        pairs=tuple((measured.names[mine], trained.names[theirs]) for mine, theirs in alike.items()),
    )


def leak_notes(leak: Leak, measured: str, trained: str = "train") -> list[str]:
    """What a person must know about it, in sentences; none when there is nothing.

    Args:
        leak: of the two sets.
        measured: name of the measured set.
        trained: name of the set of the training.
    """
    notes = []
    if leak.sources:
        notes.append(
            f"{measured} and {trained} share sources ({some_of(leak.sources, 3)}): {leak.from_sources} of "
            f"the {leak.pictures} pictures of {measured} come from them. Frames of one source resemble each "
            "other, so figures on this set flatter, unless the pictures are unrelated and only their names "
            "alike; --split_by source keeps sources apart."
        )
    if leak.pairs:
        pairs = [f"{mine} like {theirs}" for mine, theirs in leak.pairs]
        notes.append(
            f"{len(leak.pairs)} of the {leak.pictures} pictures of {measured} look nearly the same as "
            f"pictures of {trained} ({some_of(pairs, 3)}): figures on this set flatter. Remove them, or put "
            "each pair into one set with ImageSets/Main."
        )
    return notes


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")
