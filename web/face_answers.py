"""Names for the boxes that visitors draw, from a face classifier; found boxes keep the detector's."""

from __future__ import annotations

import numpy as np

from boxes.pixels import to_pixels
from faces.classifier import FaceAnswer, FaceClassifier
from web.batching import Batcher
from web.options import WebOptions
from web.shapes import BoxAnswer, NameAnswer, PictureAnswer, Verdict

# Probabilities are calibrated: of the answers at 0.8 four of five are right.
_SURE, _MAYBE = 0.8, 0.5
_LIKELIEST = 5


class DrawnBoxes:
    """Answers for drawn boxes; crops of concurrent requests go through the network together."""

    def __init__(self, classifier: FaceClassifier, options: WebOptions):
        """Takes as many crops as pictures may wait, and those of one more full request."""
        self._classifier = classifier
        self.batcher: Batcher[np.ndarray, FaceAnswer] = Batcher(
            classifier.answers,
            batch_size=options.batch_size,
            max_waiting=options.limits.max_waiting + options.limits.max_boxes,
        )

    async def __call__(self, image: np.ndarray, boxes: np.ndarray) -> PictureAnswer:
        """Names for [N, 4] boxes, corners as fractions, of a picture uint8 [H, W, 3]."""
        answers = await self.batcher([self._classifier.crop(image, box) for box in boxes])
        height, width = image.shape[:2]
        pixels = to_pixels(boxes, height, width)
        said = [
            BoxAnswer(
                box=[round(value, 1) for value in box],
                verdict=_verdict(answer),
                answers=[
                    NameAnswer(name=name, probability=round(float(share), 4))
                    for name, share in zip(answer.names[:_LIKELIEST], answer.probabilities, strict=False)
                ],
                nobody=0.0,  # who drew a box says that somebody is there
            )
            for box, answer in zip(pixels.tolist(), answers, strict=True)
        ]
        return PictureAnswer(width=width, height=height, boxes=said)

    async def warm_up(self) -> None:
        """Lets the network be built, so that no visitor waits for it."""
        await self.batcher([np.zeros((8, 8, 3), np.uint8)])


def _verdict(answer: FaceAnswer) -> Verdict:
    best = answer.probabilities[0]
    if not answer.known or best < _MAYBE:
        return "unknown"
    return "sure" if best >= _SURE else "maybe"
