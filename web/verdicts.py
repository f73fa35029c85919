"""How certain a name is, in a word, by what was chosen on the validation set when the training ended.

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

from nets.thresholds import Thresholds
from web.api import BoxAnswer, NameAnswer, Verdict

_LIKELIEST = 5  # names that are told of a box
# Boxes from this score on are worth a look, though nobody is named with certainty.
_SHOW_FROM = 0.35


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
