"""What a detector says about pictures with nobody it knows: every detection there is false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from boxes.detections import Detections
from datasets.pictures import ACCEPTED_SUFFIXES, in_batches, read_picture
from engine.evaluation import Evaluation, detection_model
from engine.measures.calibration import auroc
from engine.measures.thresholds import evidence_of, right_evidence
from files.below import files_below
from nets.network import Network
from nets.postprocess import named_detections
from nets.thresholds import EVIDENCE, Thresholds
from preprocessing.resize import resize_picture
from terminal.bars import Progress, silent

FEWEST_COMPARED = 10


@dataclass(frozen=True, eq=False)
class StrangerDetections:
    """What was found on pictures without characters.

    Attributes:
        filenames: one per picture.
        detections: one per picture, with every score from 0.01 up and with evidence.
        unreadable: (file name, reason) of pictures that were left out.
    """

    filenames: tuple[str, ...]
    detections: tuple[Detections, ...]
    unreadable: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class UnknownAnswer:
    """What remains when a detector may answer "unknown".

    Attributes:
        limit: evidence from which on a detection keeps its name, from the validation set.
        false_detections: on strangers that still get a name.
        pictures_with_any: pictures of strangers with such a detection.
        right_kept: share of the right detections on the measured set that keep their name.
    """

    limit: float
    false_detections: int
    pictures_with_any: int
    right_kept: float


@dataclass(frozen=True, eq=False)
class StrangerResult:
    """How often strangers are taken for somebody.

    Attributes:
        pictures: without anybody that the detector knows.
        false_detections: at the thresholds.
        pictures_with_any: with at least one of them.
        by_name: name -> false detections, most frequent first.
        auroc: "score" and EVIDENCE -> how well its value tells right detections on the measured set from
            false ones on strangers, both at the thresholds; None where either is missing.
        right_detections: that the AUROC looks at.
        unknown: what remains with the answer "unknown"; None where it was not calibrated.
        worst: (file name, what was found at the thresholds) of the pictures with false detections, the surest
            first.
    """

    pictures: int
    false_detections: int
    pictures_with_any: int
    by_name: Mapping[str, int]
    auroc: Mapping[str, float | None]
    right_detections: int
    unknown: UnknownAnswer | None
    worst: tuple[tuple[str, Detections], ...]

    @property
    def comparable(self) -> bool:
        """Whether there are enough detections of both kinds for the AUROC to mean something."""
        return min(self.right_detections, self.false_detections) >= FEWEST_COMPARED

    @property
    def per_picture(self) -> float:
        """False detections per picture."""
        return self.false_detections / self.pictures

    @property
    def share_with_any(self) -> float:
        """Share of the pictures with at least one."""
        return self.pictures_with_any / self.pictures


def find_pictures(folder: Path) -> list[Path]:
    """The pictures of a folder and its subfolders, hidden ones left out, in order of name.

    Raises:
        ValueError: there is none.
    """
    if not folder.is_dir():
        raise ValueError(f"--strangers_dir={folder}: there is no such folder.")
    found = list(files_below(folder, ACCEPTED_SUFFIXES))
    if not found:
        raise ValueError(
            f"--strangers_dir={folder}: no picture in it ({' '.join(sorted(ACCEPTED_SUFFIXES))}). Give a "
            "folder of pictures that show none of the characters: other series, photographs, empty scenes."
        )
    return found


def detect_strangers(
    model: keras.Model,
    network: Network,
    labels: Sequence[str],
    folder: Path,
    *,
    batch_size: int,
    progress: Progress = silent,
) -> StrangerDetections:
    """Looks for characters on the pictures of a folder.

    Args:
        model: as `network.build` makes it.
        network: of the model.
        labels: names of the model's classes.
        folder: of pictures, searched with its subfolders.
        batch_size: pictures computed at once.
        progress: told of every picture.

    Raises:
        ValueError: no picture that can be used.
    """
    paths = find_pictures(folder)
    detector = detection_model(model, network)
    filenames: list[str] = []
    detections: list[Detections] = []
    unreadable: list[tuple[str, str]] = []

    def name_of(path: Path) -> str:
        return path.relative_to(folder).as_posix()

    def read(path: Path) -> np.ndarray:
        return np.asarray(ops.convert_to_numpy(resize_picture(read_picture(path), network.image_size)))

    def detect(images: list[np.ndarray]) -> list[Detections]:
        return named_detections(detector.arrays(np.stack(images), batch_size=batch_size), labels)

    for path, _, found in in_batches(
        paths,
        read,
        detect,
        batch_size=batch_size,
        unreadable=lambda path, reason: unreadable.append((name_of(path), reason)),
    ):
        filenames.append(name_of(path))
        detections.append(found)
        progress("Strangers", len(filenames) + len(unreadable), len(paths))
    if not filenames:
        raise ValueError(
            f"--strangers_dir={folder}: {unreadable[0][0]}: {unreadable[0][1]}; no other can be read."
        )
    return StrangerDetections(tuple(filenames), tuple(detections), tuple(unreadable))


def pictures_without_objects(evaluation: Evaluation) -> StrangerDetections | None:
    """The pictures of a measured set on which nobody is marked; None where there are none."""
    empty = [i for i, truth in enumerate(evaluation.ground_truths) if not len(truth)]
    if not empty:
        return None
    return StrangerDetections(
        tuple(evaluation.filenames[i] for i in empty), tuple(evaluation.detections[i] for i in empty)
    )


def measure_strangers(
    strangers: StrangerDetections, evaluation: Evaluation, thresholds: Thresholds
) -> StrangerResult:
    """How often strangers are taken for somebody, and how well a rule can tell.

    Args:
        strangers: what was found on them.
        evaluation: of the same model on pictures of those that it knows.
        thresholds: at which detections are reported.
    """
    shown = [found.above(thresholds.of(found.names)) for found in strangers.detections]
    right_scores, right = right_evidence(evaluation.detections, evaluation.result, thresholds)
    picture = np.repeat(np.arange(len(shown)), [len(found) for found in shown])
    scores = np.concatenate([found.scores for found in shown])
    false = evidence_of(shown)
    unknown, limit = None, thresholds.unknown.get(EVIDENCE)
    if limit is not None and len(right):
        left = picture[false >= limit]
        unknown = UnknownAnswer(limit, len(left), len(set(left.tolist())), float(np.mean(right >= limit)))
    by_name = Counter(name for found in shown for name in found.names)
    surest = picture[np.argsort(-scores, kind="stable")].tolist()
    return StrangerResult(
        pictures=len(shown),
        false_detections=len(scores),
        pictures_with_any=len(set(surest)),
        by_name=dict(by_name.most_common()),
        auroc={"score": auroc(right_scores, scores), EVIDENCE: auroc(right, false)},
        right_detections=len(right_scores),
        unknown=unknown,
        worst=tuple((strangers.filenames[i], shown[i]) for i in dict.fromkeys(surest)),
    )
