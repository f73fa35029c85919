"""Whether an exported file says of pictures what its checkpoint says, and how good both are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from boxes.detections import Detections
from datasets.annotations import ReadOptions, read_folder
from datasets.pictures import read_picture
from engine.average_precision import GroundTruth, evaluate_detections
from nets.detector import Detector
from nets.exported import KEPT, Exported
from terminal.bars import Progress, silent

MOST = 100  # pictures; not varied
# What differs more is refused: a probability of floats (float16 and whole levels made 0.027), the mAP of
# floats and that of int8.
APART, LOSS, LOSS_INT8 = 0.05, 0.01, 0.03


@dataclass(frozen=True)
class Samples:
    """Pictures to compare on, and what people say is in them."""

    images: Sequence[np.ndarray]  # uint8 [H, W, 3] RGB
    truths: Sequence[GroundTruth] | None  # None where nobody has labelled any


@dataclass(frozen=True)
class Comparison:
    """mAP (VOC 2012) before and after, and the greatest difference of a probability."""

    before: float
    after: float
    apart: float

    def refusal(self, int8: bool) -> str:
        """What is wrong with the export, or nothing."""
        limit = LOSS_INT8 if int8 else LOSS
        if self.before - self.after > limit:
            return f"its mAP is {self.before - self.after:.3f} lower, more than {limit}"
        if self.apart > APART and not int8:
            return f"a probability differs by {self.apart:.3f}, more than {APART}"
        return ""


def read_samples(folder: Path, names: Sequence[str], progress: Progress = silent) -> Samples:
    """Up to `MOST` pictures of a folder, evenly spread: if there are any, those labelled with its names.

    ValueError where there is no picture, or no folder.
    """
    reading = read_folder(folder, ReadOptions(unlabelled_as_negative=True), progress=progress)
    every = reading.annotations
    if not every:
        raise ValueError(f"--calibration_dir {folder} has no picture that can be read; give another")
    labelled = [one for one in every if not set(names).isdisjoint(one.names)]
    some = (labelled or every)[:: -(-len(labelled or every) // MOST)]
    images = [read_picture(one.path, turn=one.turned) for one in some]
    truths = [GroundTruth(one.boxes, one.names, np.array(one.difficult, bool)) for one in some]
    return Samples(images, truths if labelled else None)


def compare(
    checkpoint: Detector, written: Detector, samples: Samples, progress: Progress = silent
) -> Comparison:
    """Look with both; the file's own boxes count where it gives some; ValueError where nobody is found."""
    first, second, apart = [], [], 0.0
    for done, image in enumerate(samples.images, start=1):
        look, other = (one.look([one.prepare(image)])[0] for one in (checkpoint, written))
        apart = max(apart, float(np.abs(look.probabilities - other.probabilities).max()))
        first.append(look.detections)
        second.append(_own(written, image, other.detections))
        progress("comparing", done, len(samples.images))
    reported = [one.above(checkpoint.thresholds.of(one.names)) for one in first]
    truths = samples.truths or [GroundTruth(one.boxes, one.names) for one in reported]
    if not any(map(len, truths)):
        raise ValueError("nobody is found in these pictures; give others as --calibration_dir")
    before, after = (evaluate_detections(found, truths).map_voc12 for found in (first, second))
    return Comparison(before, after, apart)


def _own(written: Detector, image: np.ndarray, otherwise: Detections) -> Detections:
    assert isinstance(written.model, Exported)
    said = written.model.outputs(image)
    if any(key not in said for key in KEPT):
        return otherwise
    boxes, scores, classes = (said[key] for key in KEPT)
    return Detections(boxes, scores, tuple(written.labels[number - 1] for number in classes))
