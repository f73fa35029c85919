"""Adds to likeness.npz what tells drawn heads from what the finder beside it takes for some.

    python -m benchmarks.anybody --output_dir=runs/others --pictures=3000 --people=2000 --seed=80 --lookalikes
    python -m benchmarks.anybody.second_look --dataset_dir=runs/others --heads_dir=runs/heads

The finder looks once at every picture; a box that overlaps a head by half is one, by less than 0.35 none,
and what lies between is left out. Two small layers learn that from what `Likeness.rows` says of each.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tyro
from keras import layers
from rich.console import Console

from boxes.geometry import iou
from datasets.pictures import read_picture
from datasets.voc import read_xml, repair_objects
from files.reading import read_arrays
from files.writing import write_arrays
from nets.detector import Detector
from nets.likeness import LIKENESS, Likeness, head_of
from terminal.bars import counting_bars

PICTURES = 16  # looked at together
LEAST = 0.03  # score of a box that is learnt from
RIGHT, WRONG = 0.5, 0.35  # overlap with a head from which on a box is one, below which it is none
UNITS, BATCH, STEPS, WARM_UP, RATE, DECAY, DROPPED = 16, 128, 3000, 50, 1e-3, 1e-2, 0.3
SCALE = 16.0  # rows have length 1 and thousands of numbers
HELD_OUT = 0.1  # of the boxes, to see what was learnt
NAMES = "head/hidden", "head/out"


@dataclass(frozen=True)
class Options:
    """Adds the second look to likeness.npz."""

    dataset_dir: Path
    """What benchmarks.anybody drew; other people than the finder learnt from."""
    heads_dir: Path
    """Folder of the finder and its likeness.npz, which is changed."""
    seed: int = 0
    """Of the order of boxes, and of how layers begin."""


def looked_at(options: Options, likeness: Likeness) -> Iterator[tuple[np.ndarray, list[bool]]]:
    """Of some pictures `Likeness.rows` of the finder's boxes, float16 [N, D], and which of them are heads."""
    finder, rng = Detector.trained(options.heads_dir), np.random.default_rng(options.seed)
    paths = sorted((options.dataset_dir / "Annotations").glob("*.xml"))
    with counting_bars(Console(stderr=True)) as progress:
        for first in range(0, len(paths), PICTURES):
            heads, right = [], []
            for path in paths[first : first + PICTURES]:
                image = read_picture(options.dataset_dir / "JPEGImages" / f"{path.stem}.jpg")
                raw = read_xml(path)
                there, _ = repair_objects(raw.objects, raw.size or (1, 1), "")
                boxes = finder.detect(image, score_threshold=LEAST).boxes
                best = np.asarray(iou(boxes, there.boxes)).max(1, initial=0)
                for box, overlap in zip(boxes, best, strict=True):
                    if overlap >= RIGHT or overlap < WRONG:
                        head = head_of(image, box)
                        heads.append(np.ascontiguousarray(head[:, ::-1]) if rng.random() < 0.5 else head)
                        right.append(bool(overlap >= RIGHT))
            yield likeness.rows(heads, BATCH).astype(np.float16), right
            progress("looking", min(first + PICTURES, len(paths)), len(paths))


class Shuffled(keras.utils.PyDataset):
    """Batches of rows."""

    def __init__(self, rows: np.ndarray, right: np.ndarray, seed: int):
        super().__init__()
        self._rows, self._right = rows, right
        self._order = np.random.default_rng(seed).integers(0, len(rows), (STEPS, BATCH))

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, index: int):
        some = self._order[index]
        return self._rows[some].astype(np.float32), self._right[some]


def learn(rows: np.ndarray, right: np.ndarray, mean: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """The arrays of likeness.npz that say whether rows [N, D] are heads, bool [N]; they lie around `mean`."""
    given = keras.Input((rows.shape[1],))
    hidden, out = layers.Dense(UNITS, "relu", use_bias=False), layers.Dense(1, use_bias=False)
    dropped = layers.Dropout(DROPPED, seed=seed)(layers.Rescaling(SCALE)(given - mean))
    model = keras.Model(given, out(hidden(dropped)))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, STEPS - WARM_UP, warmup_target=RATE, warmup_steps=WARM_UP
    )
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=DECAY), loss, metrics=[keras.metrics.AUC(from_logits=True)]
    )
    kept = np.random.default_rng(seed).permutation(len(rows))
    last = int(HELD_OUT * len(rows))
    train, test = np.sort(kept[last:]), np.sort(kept[:last])
    unseen = rows[test].astype(np.float32), right[test].astype(np.float32)
    model.fit(
        Shuffled(rows[train], right[train].astype(np.float32), seed),
        shuffle=False, verbose=2, validation_data=unseen,
    )  # fmt: skip
    arrays = SCALE * hidden.get_weights()[0], out.get_weights()[0][:, 0]
    return {name: array.astype(np.float16) for name, array in zip(NAMES, arrays, strict=True)}


def main() -> int:
    options = tyro.cli(Options, prog="python -m benchmarks.anybody.second_look", description=__doc__)
    keras.utils.set_random_seed(options.seed)
    arrays = read_arrays(options.heads_dir / LIKENESS)
    rows, right = map(np.concatenate, zip(*looked_at(options, Likeness(arrays)), strict=True))
    Console(stderr=True).print(f"{len(rows)} boxes, {right.sum()} of them heads")
    write_arrays(
        options.heads_dir / LIKENESS,
        arrays | learn(rows, right, arrays["mean"].astype(np.float32), options.seed),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
