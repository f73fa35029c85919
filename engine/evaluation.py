"""Runs a network over a split and measures it: for `eval_ssd_network.py`, and during a training."""

import ctypes
import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from boxes.detections import Detections
from datasets.examples import decoded, examples
from datasets.records import RecordDataset
from engine.average_precision import DetectionResult, GroundTruth, evaluate_detections
from engine.input_pipeline import evaluation_batches
from nets.network import Network
from nets.postprocess import DetectionModel
from terminal.bars import Progress, silent
from visualization.drawing import scale_to


@dataclass(frozen=True)
class Timing:
    """How long the pictures took, without the first batch, in which the graph is made."""

    pictures: int  # that were timed; 0 when one batch was all there was
    seconds: float  # for all of them, wall clock
    waiting: float  # the part of `seconds` in which the network waited for the input pipeline


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network said about the pictures of a split, what people said, and how well the two agree."""

    filenames: tuple[str, ...]  # one per picture, in the order of the records
    sizes: tuple[tuple[int, int], ...]  # (height, width) of each picture in pixels
    ground_truths: tuple[GroundTruth, ...]
    detections: tuple[Detections, ...]  # with every score from 0.01 up, and with evidence
    result: DetectionResult  # average precision and what it is made of
    timing: Timing  # of this run; it says nothing about the network's quality


def evaluate_model(
    model: keras.Model,
    network: Network,
    dataset: RecordDataset,
    split: str,
    *,
    batch_size: int,
    max_pictures: int | None = None,
    labels: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Measure a model on a split.

    Args:
        model: as `network.build` makes it. Measured again, with other weights, its graph is not made again.
        split: name of the set, as `RecordDataset.split` finds it.
        max_pictures: measure the first so many only.
        labels: the names that the model's classes stand for, if they are not those of the dataset. Names
            meet by their text.

    Raises:
        ValueError: the split does not exist, or it has no object that counts.
    """
    split = dataset.split_name(split)
    pictures = dataset.split(split).pictures
    total = min(pictures, max_pictures or pictures)
    labels = tuple(dataset.labels if labels is None else labels)
    detector = detection_model(model, network)
    batches = evaluation_batches(dataset, split, image_size=network.image_size, batch_size=batch_size)
    filenames, sizes, ground_truths, detections = [], [], [], []
    first, waiting, start = 0, 0.0, time.perf_counter()
    stream = batches.as_numpy_iterator()
    while max_pictures is None or len(filenames) < max_pictures:
        asked = time.perf_counter()
        batch = next(stream, None)
        if batch is None:
            break
        waiting += time.perf_counter() - asked
        images, marks = batch
        detections += [look.detections for look in detector.look(images, labels, batch_size=batch_size)]
        for i in range(len(images)):
            filenames.append(marks["filename"][i].decode("utf-8", errors="replace"))
            sizes.append((int(marks["height"][i]), int(marks["width"][i])))
            real = marks["classes"][i] > 0  # not the padding
            names = tuple(dataset.labels[number - 1] for number in marks["classes"][i][real].tolist())
            difficult = marks["difficult"][i][real].astype(bool)
            ground_truths.append(GroundTruth(marks["boxes"][i][real], names, difficult))
        progress("Detecting", min(len(filenames), total), total)
        _malloc_trim(0)
        if not first:  # making the graph is not timed
            first, waiting, start = len(images), 0.0, time.perf_counter()
    timing = Timing(len(filenames) - first, time.perf_counter() - start, waiting)
    filenames, sizes, ground_truths, detections = (
        tuple(part[:max_pictures]) for part in (filenames, sizes, ground_truths, detections)
    )
    names = tuple(dict.fromkeys((*dataset.labels, *labels)))
    result = evaluate_detections(detections, ground_truths, names=names)
    return Evaluation(filenames, sizes, ground_truths, detections, result, timing)


def read_pictures(
    dataset: RecordDataset, split: str, numbers: Sequence[int], *, longest: int
) -> dict[int, np.ndarray]:
    """Some pictures of a split, to draw on: number, as in an `Evaluation`, -> uint8 [H, W, 3].

    The longer side has at most so many pixels; smaller pictures stay as they are.
    """
    wanted, pictures = set(numbers), {}
    for number, one in enumerate(examples(dataset.split(split).files) if wanted else ()):
        if number in wanted:
            picture = decoded(*one)
            pictures[number] = scale_to(picture, min(longest, max(picture.shape[:2])))
        if len(pictures) == len(wanted):
            break
    return pictures


# glibc's bug 14581: aligned memory that was freed, as that of tensors, is seldom used again between
# small pieces that stay. In some runs, by which threads shared a heap, each picture left its 1 MB behind.
_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: 0)

# A model with its post-processing, the same one for the same model. One is enough for a training, which
# measures the same model again and again.
detection_model = functools.lru_cache(maxsize=1)(DetectionModel)
