"""Labels that a trained detector strongly disagrees with: where a person should look again.

The detector may be the one who is wrong; and one that was trained on these very labels has learnt many of
their mistakes too, and finds only some. One trained on other pictures finds more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from keras import ops

from boxes.detections import Detections
from boxes.geometry import iou
from datasets.annotations import Annotation

Kind = Literal["wrong name?", "nobody there?", "not labelled?"]
LOWEST_SCORE = 0.05  # detections below say nothing
_SURE = 0.8  # score from which on the detector is sure of what it says
_DOUBTFUL = 0.2  # score below which it does not believe in a name at all
_SAME = 0.4  # overlap from which on a detection and a label mean the same face
_APART = 0.3  # overlap up to which a detection is of nobody who is labelled


@dataclass(frozen=True, eq=False)
class Suspicion:
    """One label, or missing label."""

    kind: Kind  # what is suspected
    box: np.ndarray  # float32 [4], of the label; where none is, of the detection
    name: str  # on the label; empty where none is
    suggestion: str  # what the detector says; empty where it sees nobody
    strength: float  # 0...1: how much the detector disagrees


def find_suspicions(annotation: Annotation, detections: Detections, labels: Sequence[str]) -> list[Suspicion]:
    """Compares one picture's labels with what a detector finds, the strongest disagreement first.

    Its detections go down to `LOWEST_SCORE`. `labels` are the names that it knows; of others it can only say
    that nobody is there.
    """
    overlap = np.asarray(ops.convert_to_numpy(iou(detections.boxes, annotation.boxes)))  # [N, G]
    found: list[Suspicion] = []
    names = np.array(detections.names, object)
    for g, name in enumerate(annotation.names):
        on_it = overlap[:, g] >= _SAME
        scores = np.where(on_it, detections.scores, 0.0)
        own = float(scores[names == name].max(initial=0.0))
        best = int(scores.argmax()) if len(scores) else -1
        highest = float(scores[best]) if best >= 0 else 0.0
        box = annotation.boxes[g]
        if highest < _DOUBTFUL:
            # A difficult object is one of which a person says that it can hardly be seen.
            if not annotation.difficult[g]:
                found.append(Suspicion("nobody there?", box, name, "", 1 - highest))
        elif name in labels and highest >= _SURE and own < _DOUBTFUL and detections.names[best] != name:
            found.append(Suspicion("wrong name?", box, name, detections.names[best], highest - own))
    for n, score in enumerate(detections.scores):
        if score < _SURE or (overlap[n] > _APART).any():
            continue
        # Several names on one face are one finding.
        if not any(one.kind == "not labelled?" and _same(one.box, detections.boxes[n]) for one in found):
            box, name = detections.boxes[n], detections.names[n]
            found.append(Suspicion("not labelled?", box, "", name, float(score)))
    return sorted(found, key=lambda one: -one.strength)


def _same(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes lie on one another: each has its middle in the other."""
    middle, others = (box[:2] + box[2:]) / 2, (other[:2] + other[2:]) / 2
    in_other = (other[:2] < middle) & (middle < other[2:])
    return bool((in_other & (box[:2] < others) & (others < box[2:])).all())
