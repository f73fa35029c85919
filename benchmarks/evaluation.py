"""How fast an evaluation is, what waits for what, and what the measures themselves cost.

    python -m benchmarks.evaluation --dataset_dir=RECORDS [--model_name=ssd_300_lite]

The network has random weights: it is as fast as with trained ones, and post-processing has its most to do.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported

import numpy as np
from rich.console import Console
from rich.table import Table

from boxes.detections import Detections
from datasets.records import open_dataset
from engine.average_precision import GroundTruth, evaluate_detections
from engine.evaluation import evaluate_model
from engine.input_pipeline import evaluation_batches
from engine.measures.intervals import bootstrap_intervals
from engine.measures.measure import coco_average_precision
from engine.measures.mistakes import confusion_matrix, count_errors
from nets import get_network
from terminal.command import command

NAMES = tuple(f"name {i}" for i in range(8))
PICTURES, DETECTIONS, OBJECTS = 1000, 200, 3  # 200: the most that post-processing keeps


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measures the parts of an evaluation on this machine.

    Attributes:
        dataset_dir: TFRecords with more pictures than a batch has.
        model_name: the network.
        dataset_split_name: set to evaluate on.
        batch_size: pictures that the network sees at once.
    """

    dataset_dir: Path
    model_name: str = "ssd_300_lite"
    dataset_split_name: str = "train"
    batch_size: int = 16


def random_pictures(seed: int = 0) -> tuple[list[Detections], list[GroundTruth]]:
    """Full pictures: as many detections as there can be, at random."""
    rng = np.random.default_rng(seed)

    def boxes(count: int) -> np.ndarray:
        corner = rng.uniform(0, 0.7, (count, 2))
        return np.concatenate([corner, corner + 0.3], axis=1).astype(np.float32)

    def names(count: int) -> tuple[str, ...]:
        return tuple(rng.choice(NAMES, count).tolist())

    truths = [GroundTruth(boxes(OBJECTS), names(OBJECTS)) for _ in range(PICTURES)]
    scores = np.sort(rng.random((PICTURES, DETECTIONS)).astype(np.float32))[:, ::-1]
    return [Detections(boxes(DETECTIONS), row, names(DETECTIONS)) for row in scores], truths


@command("python -m benchmarks.evaluation")
def main(options: Options) -> None:
    """Measure and print."""
    dataset, network = open_dataset(options.dataset_dir), get_network(options.model_name)
    table = Table("part", "figure", title=f"Evaluation, {network.name}, batches of {options.batch_size}")

    size = {"image_size": network.image_size, "batch_size": options.batch_size}
    stream = evaluation_batches(dataset, options.dataset_split_name, **size).as_numpy_iterator()
    next(stream)
    start = time.perf_counter()
    pictures = sum(len(images) for images, _ in stream)
    seconds = time.perf_counter() - start
    table.add_row("input pipeline alone", f"{pictures / seconds:.0f} pictures/s")

    model = network.build(len(dataset.labels) + 1)
    batch_size = options.batch_size
    timing = evaluate_model(model, network, dataset, options.dataset_split_name, batch_size=batch_size).timing
    if timing.pictures:
        table.add_row("all together", f"{timing.pictures / timing.seconds:.0f} pictures/s")
        table.add_row("of it waiting for input", f"{100 * timing.waiting / timing.seconds:.1f} %")

    found, truths = random_pictures()
    result = evaluate_detections(found, truths)  # the first use of the box maths starts the backend
    reported = result.matches.score >= 0.5
    for part, measure in (
        ("VOC average precision", lambda: evaluate_detections(found, truths)),
        ("COCO average precision", lambda: coco_average_precision(found, truths, [(480, 640)] * PICTURES)),
        ("bootstrap intervals", lambda: bootstrap_intervals(result)),
        ("kinds of mistakes", lambda: count_errors(result.matches, reported)),
        ("confusion matrix", lambda: confusion_matrix(result.matches, reported)),
    ):
        start = time.perf_counter()
        measure()
        seconds = time.perf_counter() - start
        table.add_row(part, f"{seconds:.2f} s for {PICTURES} pictures with {DETECTIONS} detections each")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
