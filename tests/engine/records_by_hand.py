"""Records and sets of them, written by hand, and the stream of training pictures of a set."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from datasets.examples import make_example, write_shards
from datasets.new_labels import write_labels
from datasets.records import RecordDataset, open_dataset
from engine.input_pipeline import TrainingPictures
from preprocessing.presets import get_preset


def record(encoded: bytes, boxes=(), classes: Sequence[int] = (), **more) -> bytes:
    """Of a picture; where nothing else is said, its objects are called a and b, and none is difficult."""
    usual = {
        "filename": "a.jpg",
        "source": "episode",
        "width": 1,
        "height": 1,
        "names": ["ab"[number % 2 - 1] for number in classes],
        "difficult": [False] * len(classes),
        "truncated": [False] * len(classes),
    }
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return make_example(encoded, boxes=boxes, classes=classes, **{**usual, **more})


def dataset_of(folder: Path, records: Iterable[bytes]) -> RecordDataset:
    """A set named train in files of four records, with the names a and b."""
    write_labels(folder / "labels.txt", ["a", "b"])
    write_shards(folder, "train", records, per_shard=4)
    return open_dataset(folder)


def training_pictures(dataset: RecordDataset, **changes) -> TrainingPictures:
    usual = {"split": "train", "image_size": 48, "batch_size": 4, "seed": 5}
    usual |= {"augmentation": get_preset("none")}
    return TrainingPictures(dataset=dataset, **{**usual, **changes})
