"""Chooses on the validation set from which score on each name is reported, and when it is "unknown"."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boxes.detections import Detections
from engine.average_precision import DetectionResult, NameResult, name_result
from nets.thresholds import DEFAULT_THRESHOLD, EVIDENCE, Thresholds

# With fewer objects of a name in the validation set, the best of its own thresholds is chance: it gets the
# one that is best for all names together.
FEWEST_OBJECTS = 10
# What a few hundred pictures say about the ends of the range is chance too.
LOWEST, HIGHEST = 0.1, 0.9
# Of the right detections, at the thresholds, this share keeps its name when "unknown" may be answered.
KEPT = 0.95
_FEWEST_DETECTIONS = 20  # one in twenty cannot be told from fewer


def choose_thresholds(
    detections: Sequence[Detections], result: DetectionResult, *, chosen_on: str
) -> Thresholds:
    """The threshold of each name at which F1 is highest.

    Of each picture's detections with every score from 0.01 up; with evidence "unknown" is calibrated, too.
    """
    matches, kept = result.matches, ~result.matches.ignored
    objects = int(np.sum(~matches.difficult))
    # All names as if they were one.
    common = _best_threshold(name_result("", objects, 0, matches.score[kept], matches.right[kept]))
    common = DEFAULT_THRESHOLD if common is None else common
    names, details = {}, {}
    for name, one in result.names.items():
        own = _best_threshold(one) if one.objects >= FEWEST_OBJECTS else None
        names[name] = round(common if own is None else own, 4)
        details[name] = {
            "objects": one.objects,
            "f1": one.at(names[name]).f1,
            "threshold_of": "all names together" if own is None else "this name",
        }
    chosen = {"split": chosen_on, "pictures": len(detections), "names": details}
    thresholds = Thresholds(round(common, 4), names, chosen_on=chosen)
    _, evidence = right_evidence(detections, result, thresholds)
    if len(evidence) < _FEWEST_DETECTIONS:
        return thresholds
    limit = round(float(np.quantile(evidence, 1 - KEPT)), 4)
    return replace(thresholds, unknown={EVIDENCE: limit})


def right_evidence(
    detections: Sequence[Detections], result: DetectionResult, thresholds: Thresholds
) -> tuple[np.ndarray, np.ndarray]:
    """(score, evidence) of the right detections at the thresholds; of evidence as much as was asked for."""
    matches = result.matches
    shown = matches.right & (matches.score >= thresholds.of(matches.names)[matches.name])
    evidence = evidence_of(detections)
    return matches.score[shown], evidence[shown] if len(evidence) else evidence


def evidence_of(detections: Sequence[Detections]) -> np.ndarray:
    """How clearly each detection of all pictures speaks for its name: [D]; [0] where nobody asked for it."""
    known = [one.evidence for one in detections if one.evidence is not None]
    return np.concatenate([np.zeros(0, np.float32), *known])


def _best_threshold(result: NameResult) -> float | None:
    """Halfway between the score at which F1 is highest and the next lower one; None if nothing is right."""
    best = result.best()
    if best is None or best.threshold is None:
        return None
    highest = best.threshold
    lower = result.scores[result.scores < highest]
    next_lower = float(lower[0]) if len(lower) else 0.0
    return float(np.clip((highest + next_lower) / 2, LOWEST, HIGHEST))
