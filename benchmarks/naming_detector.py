"""How good a detector is whose names come from a few boxes each, by mAP, without any training.

    python -m benchmarks.naming_detector --dataset_dir=ONEPIECE [--checkpoint_path=runs/my_heads]

So many boxes of each name are drawn by chance from the pictures that are not for validation, as
`tools.name_from_examples` takes them; the validation pictures are detected in. How good that can be at all
is said first: the share of the true boxes that have a head of benchmarks/onepiece_heads.csv at IoU 0.5.

    python -m benchmarks.naming_detector --dataset_dir=ONEPIECE --checkpoint_path=runs/second

Where names.npz lies beside the weights of a network trained on these names, it is measured without and with
them: with every name of a box, as eval_ssd_network.py measures, and with the best alone, as detect.py says.
"""

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from boxes.detections import Detections
from boxes.geometry import from_pixels, iou
from datasets.annotations import Annotation, ReadOptions, read_folder
from datasets.pictures import read_picture
from datasets.splits import SplitOptions
from engine.average_precision import GroundTruth, evaluate_detections
from labelling.example_heads import looked_at, names_with
from nets.detector import HEADS, Detector, NamingDetector
from nets.likeness import NAMES, Likeness
from terminal.command import command

HEADS_CSV = Path(__file__).with_name("onepiece_heads.csv")


@dataclass(frozen=True)
class Options:
    """Measures names from examples on whole pictures."""

    dataset_dir: Path
    """A labelled data set with a validation split."""
    checkpoint_path: Path = HEADS
    """The network that finds the heads."""
    examples: int = 5
    """Boxes of each name."""
    draws: int = 3
    """How often they are drawn."""


@command("python -m benchmarks.naming_detector")
def main(options: Options) -> None:
    console, reading = Console(), read_folder(options.dataset_dir, ReadOptions())
    splits = reading.assign(SplitOptions()).splits
    asked = [one for one in reading.annotations if splits.get(one.stem) == "validation"]
    others = [one for one in reading.annotations if splits.get(one.stem) != "validation"]
    truth = [GroundTruth(one.boxes, one.names, np.array(one.difficult, bool)) for one in asked]
    _say_ceiling(console, asked)

    images = [read_picture(one.path, turn=one.turned) for one in asked]
    if (options.checkpoint_path / NAMES).is_file():
        for what, detector in (
            ("its network", Detector.trained(options.checkpoint_path)),
            ("with likeness", Detector.load(options.checkpoint_path)),
        ):
            every, best = (
                _measured(detector, images, truth, all_names=all_names) for all_names in (True, False)
            )
            console.print(f"{what}: VOC07 {every:.3f}, one name a head {best:.3f}", highlight=False)
        return
    likeness, finder = Likeness.load(HEADS), Detector.trained(options.checkpoint_path)
    boxes = [
        (one, box, name, hard)
        for one in others
        for box, name, hard in zip(one.boxes, one.names, one.difficult, strict=True)
    ]
    usable = [(name, (one, box)) for one, box, name, hard in boxes if not hard]
    all_names, means = sorted({name for name, _ in usable}), []
    for seed in range(options.draws):
        rng, known = np.random.default_rng(seed), {}
        for name in all_names:
            own = [example for other, example in usable if other == name]
            chosen = [own[i] for i in rng.permutation(len(own))[: options.examples]]
            known[name] = looked_at(chosen, finder, likeness)
        detector = NamingDetector(finder, likeness, names_with(None, known, likeness))
        detector.unknown = -1.0  # a name counts however unlike: mAP asks for the order only
        result = evaluate_detections(_found(detector, images), truth, names=tuple(all_names)).names
        means.append(np.mean([one.ap_voc07 or 0.0 for one in result.values()]))
        each = ", ".join(f"{name} {one.ap_voc07 or 0:.3f}" for name, one in result.items())
        console.print(f"draw {seed}: VOC07 {means[-1]:.3f} ({each})", highlight=False)
    console.print(f"mean of {options.draws} draws: VOC07 {np.mean(means):.3f}", highlight=False)


def _found(detector: Detector, images: list[np.ndarray], *, all_names: bool = True) -> list[Detections]:
    found = []
    for first in range(0, len(images), 8):
        some = images[first : first + 8]
        found += detector.detect_batch(some, score_threshold=0.01, all_names=all_names)
    return found


def _measured(
    detector: Detector, images: list[np.ndarray], truth: list[GroundTruth], *, all_names: bool
) -> float:
    found = _found(detector, images, all_names=all_names)
    return evaluate_detections(found, truth, names=detector.labels).map_voc07 or 0.0


def _say_ceiling(console: Console, asked: list[Annotation]) -> None:
    heads = defaultdict(list)
    with HEADS_CSV.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            heads[row["picture"]].append([float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax")])
    if not {one.path.name for one in asked} & {*heads}:
        return  # of another series
    best = []
    for one in asked:
        there = from_pixels(np.array(heads[one.path.name]).reshape(-1, 4), one.height, one.width)
        best.append(np.asarray(iou(one.boxes.astype(np.float32), there.astype(np.float32))).max(1, initial=0))
    share = np.mean(np.concatenate(best) >= 0.5)
    console.print(f"{share:.3f} of the true boxes have a labelled head at IoU 0.5", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
