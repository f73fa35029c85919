"""How certain a name is, in a word, by what was chosen on the validation set when the training ended.

Of found boxes, and of drawn ones unless a face classifier names them (`DrawnBoxes`):

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

from boxes.pixels import to_pixels
from faces.classifier import FaceAnswer, FaceClassifier
from nets.thresholds import Thresholds
from web.api import BoxAnswer, NameAnswer, PictureAnswer, Verdict
from web.batching import Batcher
from web.options import MAX_BOXES, WebOptions

_LIKELIEST = 5  # names that are told of a box
# Boxes from this score on are worth a look, though nobody is named with certainty.
_SHOW_FROM = 0.35
# A face classifier's probabilities are calibrated: of the answers at 0.8 four of five are right.
_SURE_FACE, _MAYBE_FACE = 0.8, 0.5


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


class DrawnBoxes:
    """Names for the boxes that visitors draw, from a face classifier; found boxes keep the detector's.

    Crops of concurrent requests go through the network together.
    """

    def __init__(self, classifier: FaceClassifier, options: WebOptions):
        """Takes as many crops as pictures may wait, and those of one more full request."""
        self._classifier = classifier
        self.batcher: Batcher[np.ndarray, FaceAnswer] = Batcher(
            classifier.answers, batch_size=options.batch_size, max_waiting=options.max_waiting + MAX_BOXES
        )

    async def __call__(self, image: np.ndarray, boxes: np.ndarray) -> PictureAnswer:
        """Names for [N, 4] boxes, corners as fractions, of a picture uint8 [H, W, 3]."""
        answers = await self.batcher([self._classifier.crop(image, box) for box in boxes])
        height, width = image.shape[:2]
        pixels = to_pixels(boxes, height, width).tolist()
        said = [
            told(box, _of_face(answer), answer.names, answer.probabilities.tolist(), nobody=0.0)
            for box, answer in zip(pixels, answers, strict=True)
        ]
        return PictureAnswer(width=width, height=height, boxes=said)


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


def _of_face(answer: FaceAnswer) -> Verdict:
    best = answer.probabilities[0]
    if not answer.known or best < _MAYBE_FACE:
        return "unknown"
    return "sure" if best >= _SURE_FACE else "maybe"
