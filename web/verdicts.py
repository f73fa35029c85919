"""Who is in a box, and how certain that is, in a word, by what was chosen when the training ended.

maybe    from the score on from which `detect.py` reports the name (thresholds.json; 0.5 where nothing was
         chosen)
sure     from half-way between there and 1
unknown  below; and where the name is not so many times as likely as the second one as with nearly all right
         answers (the limit of `detect.py --unknown`, where the checkpoint has one)

web/static/answers.js does the same in the browser.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boxes.geometry import iou
from nets.postprocess import Look
from nets.thresholds import Thresholds
from web.api import BoxAnswer, NameAnswer, Verdict

_LIKELIEST = 5  # names that are told of a box
# Boxes from this score on are worth a look, though nobody is named with certainty.
_SHOW_FROM = 0.35
_SAME = 0.4  # overlap below which an anchor's box is of somebody else, unless there is no better one
# Measured with boxes of the drawn test episodes and of 99 real frames, each corner off by up to 10 %: right
# first names 100 % and 59 %, against 99 % and 56 % of the one anchor that overlaps best.
_SHARPNESS = 4


@dataclass(frozen=True, eq=False)
class Answers:
    """Boxes with everything that is known about their names."""

    boxes: np.ndarray  # float32 [N, 4] corners
    probabilities: np.ndarray  # float32 [N, C]; background ("nobody I know") first


def answers_found(look: Look, score_threshold: float) -> Answers:
    """The boxes of at least that score, one for each head."""
    kept = look.anchors[look.best_of_head & (look.detections.scores >= score_threshold)]
    return Answers(look.anchor_boxes[kept], look.probabilities[kept])


def answers_for(look: Look, boxes: np.ndarray) -> Answers:
    """Who is in boxes drawn by hand, [M, 4] corners.

    The mean of what the anchors say whose boxes overlap the given box, weighted by overlap and certainty.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    if look.who is not None:
        return Answers(boxes, look.who(boxes))
    overlaps = iou(boxes, look.anchor_boxes)  # [M, A]
    somebody = 1.0 - look.probabilities[:, 0]
    weights = np.where(overlaps >= _SAME, overlaps**_SHARPNESS * somebody, 0.0)
    # A box where there is nothing: what its neighbours say, wherever they are.
    none = weights.sum(axis=1, keepdims=True) <= 0.0
    weights = np.where(none, np.maximum(overlaps, 1e-6) ** _SHARPNESS, weights).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    return Answers(boxes, (weights @ look.probabilities).astype(np.float32))


@dataclass(frozen=True)
class Verdicts:
    """The words for probabilities, by the thresholds of the checkpoint."""

    thresholds: Thresholds

    def maybe_from(self, name: str) -> float:
        """Lowest probability of "maybe"."""
        return self.thresholds.names.get(name, self.thresholds.common)

    def sure_from(self, name: str) -> float:
        """Lowest probability of "sure"."""
        return (1 + self.maybe_from(name)) / 2

    @property
    def least_ratio(self) -> float:
        """How many times as likely as the second name the first must be; 1 where nothing was calibrated.

        The limit is a difference of logits. Softmax keeps it: it is the logarithm of this ratio.
        """
        return math.exp(max(0.0, self.thresholds.unknown.get("gap", 0.0)))

    def show_from(self, wanted: float | None) -> float:
        """Lowest score of a box that is shown: as wanted, else low enough for every name to be "maybe"."""
        if wanted is not None:
            return wanted
        return min(_SHOW_FROM, self.thresholds.common, *self.thresholds.names.values())

    def of(self, labels: Sequence[str], probabilities: Sequence[float]) -> Verdict:
        """The word for a box with K names and the probability of each."""
        best = max(range(len(labels)), key=lambda number: probabilities[number])
        first = probabilities[best]
        second = max((p for number, p in enumerate(probabilities) if number != best), default=0.0)
        if first < self.maybe_from(labels[best]) or first < self.least_ratio * second:
            return "unknown"
        return "sure" if first >= self.sure_from(labels[best]) else "maybe"


def told(
    box: Sequence[float], verdict: Verdict, names: Sequence[str], shares: Sequence[float], *, nobody: float
) -> BoxAnswer:
    """A box in pixels to a tenth, with its likeliest names, best first."""
    best = sorted(zip(names, shares, strict=True), key=lambda one: -one[1])[:_LIKELIEST]
    return BoxAnswer(
        box=[round(value, 1) for value in box],
        verdict=verdict,
        answers=[NameAnswer(name=name, probability=round(share, 4)) for name, share in best],
        nobody=round(nobody, 4),
    )
