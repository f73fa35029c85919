"""What a checkpoint remembers of its training pictures, so that it cannot be measured on them unnoticed."""

from pathlib import Path

import numpy as np

from datasets.look_alikes import Traces, leak_notes, near_duplicates, traces_in, traces_of
from datasets.records import RecordDataset
from files.reading import read_arrays
from files.writing import write_arrays
from nets.checkpoint import Checkpoint

TRAINED_ON = "trained_on.npz"  # perceptual hashes and sources; some hundred bytes a picture


def write_trained_on(folder: Path, traces: Traces) -> None:
    """Writes the traces of the training pictures into a checkpoint folder."""
    write_arrays(folder / TRAINED_ON, traces.arrays())


def read_trained_on(folder: Path) -> Traces | None:
    """What `write_trained_on` wrote; None where it is missing or of another kind."""
    if not (folder / TRAINED_ON).is_file():
        return None
    try:
        return traces_in(read_arrays(folder / TRAINED_ON))
    except (ValueError, KeyError, TypeError):
        return None


def with_past(traces: Traces, start: Path | None) -> Traces:
    """The traces of a training, and of all that the checkpoint folder it starts from has learnt from."""
    past = None if start is None else read_trained_on(start)
    if past is None:
        return traces
    rows = [row for one in (traces, past) for row in zip(one.names, one.sources, one.hashes, strict=True)]
    return traces_of(dict.fromkeys(rows))


def leak_notes_of(checkpoint: Checkpoint, dataset: RecordDataset, split: str) -> list[str]:
    """Warnings when pictures of a split, or others like them, are among those that a checkpoint learnt from.

    Without traces in the checkpoint the training set of the dataset that is measured on stands for them.
    """
    trained_split = str(checkpoint.config.get("options", {}).get("dataset_split_name", "train"))
    trained, what = read_trained_on(checkpoint.folder), "the training pictures"
    if trained is None:
        if "dataset" not in checkpoint.config:
            return []  # trained elsewhere, on nobody knows what
        try:
            trained_split, split = dataset.split_name(trained_split), dataset.split_name(split)
        except ValueError:
            return []  # the set that it was trained on is not among these records
        if trained_split == split:
            return [f"{split} is the set that was trained on: these figures say how well it remembers."]
        trained, what = dataset.traces(trained_split), trained_split
    measured = dataset.traces(split)
    known = np.unique(near_duplicates(measured.hashes, trained.hashes)[:, 0])
    if len(known) > 0.9 * len(measured):
        return [f"{split} was trained on: these figures say how well it remembers, not how well it finds."]
    return leak_notes(measured, trained, split, what)
