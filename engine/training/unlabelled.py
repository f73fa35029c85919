"""Pictures that nobody has labelled teach, too.

The detector that a training starts from, whose weights are averaged ones, looks at them closely, where
names.npz lies beside it with likeness to examples. What it is sure of counts as labelled, what it is not sure
of is blurred, so that it teaches neither "somebody" nor "nobody". A fixed teacher: self-training with
strongly varied pictures (STAC, Sohn et al. 2020).
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from rich.console import Console

from boxes.detections import Detections
from boxes.geometry import to_pixels
from datasets.examples import examples, make_example, write_shards
from datasets.new_labels import write_labels
from datasets.pictures import ACCEPTED_SUFFIXES, encode_picture, in_batches, read_picture
from datasets.problems import some_of
from datasets.records import open_dataset
from engine.training.options import UNLABELLED, TrainingOptions
from engine.training.run_folder import never_learnt
from engine.training.start import checkpoint_at
from files.below import files_below
from files.telling import printable
from nets.checkpoint import CONFIG
from nets.detector import Detector
from nets.looks import close_finder
from terminal.bars import counting_bars

_SET = "unlabelled_train"  # of its records; "train" finds it
# Scores of a close look. Of what checkpoints/anime_heads finds in 200 real frames 85 % from SURE on are
# heads, 31 % of what lies between, and 18 % of what has 0.1 to UNSURE.
SURE, UNSURE = 0.45, 0.3
_BATCH, _PER_SHARD = 16, 200


def label_surely(options: TrainingOptions, console: Console) -> None:
    """Make the folder of records of --unlabelled_dir, where a training begins; whole, or it is not there.

    What the data set has already, by the file's name, is passed over.

    Raises:
        ValueError: nothing to label with, no picture to label, or none of the names is known.
    """
    folder, pictures_dir = options.train_dir / UNLABELLED, options.unlabelled_dir
    begun = (options.train_dir / CONFIG).is_file() and not never_learnt(options.train_dir)
    if pictures_dir is None or (begun and folder.is_dir()):
        return
    if begun:
        raise ValueError(f"--train_dir={options.train_dir} holds another training; give another folder")
    if (checkpoint := checkpoint_at(options.checkpoint_path)) is None:
        cure = f"give its checkpoint folder as --checkpoint_path, not {options.checkpoint_path or 'nothing'}"
        who = "the detector that the training starts from labels the pictures"
        raise ValueError(f"--unlabelled_dir: {who}; {cure}")
    alone = options.dataset_dir == folder
    dataset = None if alone else open_dataset(options.dataset_dir, options.dataset_name)
    sets = dataset.splits.values() if dataset else ()
    there = {_file_name(one) for split in sets for _, one in examples(split.files)}
    paths = [path for path in files_below(pictures_dir, ACCEPTED_SUFFIXES) if path.name not in there]
    if not paths:
        raise ValueError(f"--unlabelled_dir={pictures_dir}: no picture in it that is not in the records")
    # Alone, a finder of heads learns heads, whatever names lie beside it.
    teacher = Detector.load(checkpoint) if dataset else Detector.trained(checkpoint)
    labels = dataset.labels if dataset else teacher.labels
    if not {*labels} & {*teacher.labels}:
        names = f"the names to learn are {some_of(labels)}, and {checkpoint} finds {some_of(teacher.labels)}"
        raise ValueError(f"--unlabelled_dir: {names}: train on what is labelled first, and start from that")
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write_labels(part / "labels.txt", labels)
    with counting_bars(console) as progress:

        def records() -> Iterator[bytes]:
            looked = in_batches(
                paths,
                read_picture,
                close_finder(teacher),
                batch_size=_BATCH,
                unreadable=lambda path, error: console.print(f"{error}; left out", markup=False),
            )
            for done, (path, image, found) in enumerate(looked, start=1):
                yield _record(path, image, found, labels)
                progress("looking", done, len(paths))

        if not write_shards(part, _SET, records(), _PER_SHARD):
            raise ValueError(f"--unlabelled_dir={pictures_dir}: no picture in it can be read")
    shutil.rmtree(folder, ignore_errors=True)  # of a training that never learnt, maybe of other pictures
    part.rename(folder)


def _file_name(example: tf.train.Example) -> str:
    """Of the picture of a record, without its folders."""
    name = b"".join(example.features.feature["image/filename"].bytes_list.value)
    return name.decode("utf-8", errors="replace").rpartition("/")[2]


def _record(path: Path, image: np.ndarray, found: Detections, labels: Sequence[str]) -> bytes:
    """The record of a picture: what is sure is labelled, what is not is hidden."""
    height, width = image.shape[:2]
    known = np.isin(np.array(found.names, object), [*labels])
    sure = found.where(known & (found.scores >= SURE))
    unsure = found.where((found.scores >= UNSURE) & ~(known & (found.scores >= SURE)))
    boxes = np.clip(sure.boxes, 0, 1)
    return make_example(
        encode_picture(hide(image, np.clip(unsure.boxes, 0, 1), boxes)),
        filename=printable(path.name),
        source=printable(path.name),
        width=width,
        height=height,
        boxes=boxes,
        classes=[labels.index(name) + 1 for name in sure.names],
        names=sure.names,
        difficult=[False] * len(sure),
        truncated=[False] * len(sure),
    )


def hide(image: np.ndarray, boxes: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The picture, uint8 [H, W, 3], blurred in some boxes, [N, 4] corners, but where others, `kept`, lie."""
    if not len(boxes):
        return image
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    for value, some in ((1.0, boxes), (0.0, kept)):
        for left, top, right, bottom in np.rint(to_pixels(some, height, width)).astype(int):
            mask[top:bottom, left:right] = value
    mask = cv2.GaussianBlur(mask, (0, 0), 2)[..., None]
    sides = [max(1, round(side * 16 / max(height, width))) for side in (width, height)]
    small = cv2.GaussianBlur(cv2.resize(image, sides, interpolation=cv2.INTER_AREA), (0, 0), 1)
    blurred = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.rint(image * (1 - mask) + blurred * mask).astype(np.uint8)
