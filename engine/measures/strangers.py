"""What a detector says about pictures with nobody it knows: every detection there is false."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from boxes.detections import Detections
from datasets.pictures import SUFFIXES, in_batches, read_picture
from engine.evaluation import Evaluation, detection_model
from engine.measures.calibration import auroc, conformal_share
from engine.measures.mistakes import kinds_of
from engine.measures.thresholds import evidence_of, right_evidence
from files.below import files_below
from nets.network import Network
from nets.thresholds import EVIDENCE, Thresholds
from preprocessing.resize import resize_picture
from terminal.bars import Progress

FEWEST_COMPARED = 10


@dataclass(frozen=True)
class UnknownAnswer:
    """What remains when a detector may answer "unknown"."""

    limit: float  # evidence from which on a detection keeps its name, from the validation set
    false_detections: int  # on strangers that still get a name
    pictures_with_any: int  # pictures of strangers with such a detection
    right_kept: float  # share of the right detections on the measured set that keep their name


@dataclass(frozen=True)
class Promise:
    """What "unknown" will do to the next detections, as far as a measured set tells."""

    strangers: int  # detections of this set where nobody is marked
    named: float  # share of the next such that keeps a name
    right: int  # right ones of this set
    lost: float  # share of the next such that loses its name


@dataclass(frozen=True, eq=False)
class StrangerResult:
    """How often strangers are taken for somebody, at the thresholds."""

    pictures: int  # without anybody that the detector knows
    false_detections: int
    pictures_with_any: int
    by_name: Mapping[str, int]  # false detections of each name, most frequent first
    # How well "score" and EVIDENCE tell right detections on the measured set from false ones here; None where
    # either is missing.
    auroc: Mapping[str, float | None]
    right_detections: int  # that the AUROC looks at
    unknown: UnknownAnswer | None  # None where it was not calibrated
    worst: tuple[tuple[str, Detections], ...]  # pictures with false detections, the surest first, with these

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


def detect_strangers(
    model: keras.Model,
    network: Network,
    labels: Sequence[str],
    folder: Path,
    *,
    batch_size: int,
    progress: Progress,
) -> list[tuple[str, Detections]]:
    """Looks for characters on the pictures of a folder and its subfolders, hidden ones left out.

    Returns:
        (file name, detections with every score from 0.01 up and with evidence) of those that can be read.

    Raises:
        ValueError: no picture that can be used.
    """
    if not folder.is_dir():
        raise ValueError(f"--strangers_dir={folder}: there is no such folder.")
    paths = list(files_below(folder, SUFFIXES))
    if not paths:
        cure = "pictures that show none of the characters: other series, photographs, empty scenes"
        raise ValueError(f"--strangers_dir={folder}: no picture in it. Give a folder of {cure}.")
    detector = detection_model(model, network)
    found: list[tuple[str, Detections]] = []
    unreadable: list[str] = []

    def name_of(path: Path) -> str:
        return path.relative_to(folder).as_posix()

    def read(path: Path) -> np.ndarray:
        return np.asarray(ops.convert_to_numpy(resize_picture(read_picture(path), network.image_size)))

    for path, _, one in in_batches(
        paths,
        read,
        lambda images: [look.detections for look in detector.look(images, labels, batch_size=batch_size)],
        batch_size=batch_size,
        unreadable=lambda path, reason: unreadable.append(f"{name_of(path)}: {reason}"),
    ):
        found.append((name_of(path), one))
        progress("Strangers", len(found) + len(unreadable), len(paths))
    if not found:
        raise ValueError(f"--strangers_dir={folder}: {unreadable[0]}; no other can be read.")
    return found


def promise_of(evaluation: Evaluation, thresholds: Thresholds) -> Promise | None:
    """None where no limit was chosen, or too few of either kind are there to tell."""
    matches, limit = evaluation.result.matches, thresholds.unknown.get(EVIDENCE)
    _, right = right_evidence(evaluation.detections, evaluation.result, thresholds)
    if limit is None or len(right) < FEWEST_COMPARED:
        return None
    shown = matches.score >= thresholds.of(matches.names)[matches.name]
    nobody = evidence_of(evaluation.detections)[shown & (kinds_of(matches)[0] == "background")]
    if len(nobody) < FEWEST_COMPARED:
        return None
    named, lost = conformal_share(nobody >= limit), conformal_share(right < limit)
    return Promise(len(nobody), named, len(right), lost)


def measure_strangers(
    strangers: Sequence[tuple[str, Detections]], evaluation: Evaluation, thresholds: Thresholds
) -> StrangerResult | None:
    """How often strangers are taken for somebody, and how well a rule can tell; None without strangers.

    Args:
        strangers: (file name, what was found) of each picture.
        evaluation: of the same model on pictures of those that it knows.
    """
    if not strangers:
        return None
    shown = [found.above(thresholds.of(found.names)) for _, found in strangers]
    right_scores, right = right_evidence(evaluation.detections, evaluation.result, thresholds)
    picture = np.repeat(np.arange(len(shown)), [len(found) for found in shown])
    scores = np.concatenate([found.scores for found in shown])
    false = evidence_of(shown)
    unknown, limit = None, thresholds.unknown.get(EVIDENCE)
    if limit is not None and len(right):
        left = picture[false >= limit]
        unknown = UnknownAnswer(limit, len(left), len(set(left.tolist())), float(np.mean(right >= limit)))
    surest = picture[np.argsort(-scores, kind="stable")].tolist()
    return StrangerResult(
        pictures=len(shown),
        false_detections=len(scores),
        pictures_with_any=len(set(surest)),
        by_name=dict(Counter(name for found in shown for name in found.names).most_common()),
        auroc={"score": auroc(right_scores, scores), EVIDENCE: auroc(right, false)},
        right_detections=len(right_scores),
        unknown=unknown,
        worst=tuple((strangers[i][0], shown[i]) for i in dict.fromkeys(surest)),
    )
