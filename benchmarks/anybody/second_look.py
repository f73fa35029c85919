"""Adds to likeness.npz what tells drawn heads from what the finder beside it takes for some.

    python -m benchmarks.anybody --output_dir=runs/others --pictures=3000 --people=2000 --seed=80 --lookalikes
    python -m benchmarks.anybody.second_look --dataset_dir=runs/others --heads_dir=runs/heads

The finder looks once at every picture, and once at a part of it, whose border cuts heads off. A box that
overlaps a head by half is one, by less than 0.35 none; what lies between is left out, and so are heads of
which less than half is to be seen. Two small layers learn that from what `Likeness.rows` says of each in
whole pictures, and two more, for heads that a border cuts off, of each in both.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers
from rich.console import Console

from boxes.geometry import area, crop_around, iou
from datasets.pictures import read_picture
from datasets.voc import read_xml, repair_objects
from files.reading import read_arrays
from files.writing import whole_file
from nets.detector import Detector
from nets.likeness import LIKENESS, Likeness, head_of
from terminal.bars import counting_bars
from terminal.command import command

PICTURES = 16  # looked at together
LEAST = 0.03  # score of a box that is learnt from
PART = 0.45, 0.9  # side of the part, of the picture's, from and to; not varied
SHOWN = 0.5  # of a head, to be one: what docs/labelling.md says is labelled
RIGHT, WRONG = 0.5, 0.35  # overlap with a head from which on a box is one, below which it is none
UNITS, BATCH, STEPS, WARM_UP, RATE, DECAY, DROPPED = 16, 128, 3000, 50, 1e-3, 1e-2, 0.3
SCALE = 16.0  # rows have length 1 and thousands of numbers
HELD_OUT = 0.1  # of the boxes, to see what was learnt
PARTS = "hidden", "out"


@dataclass(frozen=True)
class Options:
    """Adds the second look to likeness.npz."""

    dataset_dir: Path
    """What benchmarks.anybody drew; other people than the finder learnt from."""
    heads_dir: Path
    """Folder of the finder and its likeness.npz, which is changed."""
    seed: int = 0
    """Of the order of boxes, and of how layers begin."""


def cut_off(
    image: np.ndarray, boxes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A part of a picture, uint8 [h, w, 3], heads' boxes [N, 4] in it, and the share of each to be seen."""
    side = rng.uniform(*PART)
    top, left = corner = rng.uniform(0, 1 - side, 2)
    part, _ = crop_around(image, np.array([top, left, top + side, left + side]), 0)
    inside = np.clip((boxes - np.tile(corner, 2)) / side, 0, 1).astype(np.float32)
    return part, inside, area(inside) * side**2 / np.maximum(area(boxes), 1e-9)


def looked_at(options: Options, likeness: Likeness) -> Iterator[tuple[np.ndarray, list[bool], list[bool]]]:
    """`Likeness.rows` of the finder's boxes, float16 [N, D]; which are heads; which are in whole pictures."""
    finder, rng = Detector.trained(options.heads_dir), np.random.default_rng(options.seed)
    paths = sorted((options.dataset_dir / "Annotations").glob("*.xml"))
    with counting_bars(Console(stderr=True)) as progress:
        for first in range(0, len(paths), PICTURES):
            heads, right, in_whole = [], [], []
            for path in paths[first : first + PICTURES]:
                image = read_picture(options.dataset_dir / "JPEGImages" / f"{path.stem}.jpg")
                raw = read_xml(path)
                there, _ = repair_objects(raw.objects, raw.size or (1, 1), "")
                whole = image, there.boxes, np.ones(len(there.boxes))
                for seen, truth, shown in (whole, cut_off(image, there.boxes, rng)):
                    boxes = finder.detect(seen, score_threshold=LEAST).boxes
                    overlaps = np.asarray(iou(boxes, truth))
                    best = overlaps.max(1, initial=0)
                    is_head = overlaps[:, shown >= SHOWN].max(1, initial=0) >= RIGHT
                    for box, overlap, said in zip(boxes, best, is_head.tolist(), strict=True):
                        if said or overlap < WRONG:
                            head = head_of(seen, box)
                            heads.append(np.ascontiguousarray(head[:, ::-1]) if rng.random() < 0.5 else head)
                            right.append(said)
                            in_whole.append(seen is image)
            yield likeness.rows(heads, BATCH).astype(np.float16), right, in_whole
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
    """The layers that say whether rows [N, D] are heads, bool [N], by part; rows lie around `mean`."""
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
    return {part: array.astype(np.float16) for part, array in zip(PARTS, arrays, strict=True)}


@command("python -m benchmarks.anybody.second_look")
def main(options: Options) -> None:
    keras.utils.set_random_seed(options.seed)
    arrays = read_arrays(options.heads_dir / LIKENESS)
    rows, right, in_whole = map(np.concatenate, zip(*looked_at(options, Likeness(arrays)), strict=True))
    Console(stderr=True).print(f"{len(rows)} boxes, {right.sum()} of them heads")
    for kind, some in (("head", in_whole), ("cut", np.ones(len(rows), bool))):
        learnt = learn(rows[some], right[some], arrays["mean"].astype(np.float32), options.seed)
        arrays |= {f"{kind}/{part}": array for part, array in learnt.items()}
    with whole_file(options.heads_dir / LIKENESS, durable=True) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


if __name__ == "__main__":
    sys.exit(main())
