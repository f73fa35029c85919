"""Recogniser: what a page needs to know about a picture, in one pass: boxes, and names for any box.

A `Detector` gives the one name of each box; here the whole distribution over names is kept, so that the
likeliest names of found and of drawn boxes can be told without a second pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

from boxes.geometry import iou
from nets.box_answers import answer_boxes
from nets.checkpoint import Checkpoint, build_model, read_checkpoint
from nets.network import Network, Scores
from nets.postprocess import answers_of_anchors, choose_detections
from preprocessing.resize import resize_picture

# One head has one name: of two found boxes that overlap more than this, the better one stays.
_ONE_HEAD = 0.6
_MOST_FOUND = 100


@dataclass(frozen=True, eq=False)
class Answers:
    """Boxes with everything that is known about their names.

    Attributes:
        boxes: float32 [N, 4] corners.
        probabilities: float32 [N, C]; background ("nobody I know") first.
    """

    boxes: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class Look:
    """What the network saw in one picture.

    Attributes:
        anchors: int32 [N], from which of the A each found box came, best first, all names together.
        scores: float32 [N].
        anchor_boxes: float32 [A, 4].
        probabilities: float32 [A, C].
    """

    anchors: np.ndarray
    scores: np.ndarray
    anchor_boxes: np.ndarray
    probabilities: np.ndarray

    def found(self, score_threshold: float) -> Answers:
        """The boxes of at least that score, one for each head."""
        kept: list[int] = []
        for anchor in self.anchors[self.scores >= score_threshold].tolist():
            overlaps = ops.convert_to_numpy(iou(self.anchor_boxes[[anchor]], self.anchor_boxes[kept]))
            if (np.asarray(overlaps) <= _ONE_HEAD).all():
                kept.append(anchor)
        return Answers(self.anchor_boxes[kept], self.probabilities[kept])

    def answers(self, boxes: np.ndarray) -> Answers:
        """Names for boxes drawn by hand: [M, 4] corners."""
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        return Answers(boxes, answer_boxes(boxes, self.anchor_boxes, self.probabilities))


class _LookModel(keras.Model):
    """[B, S, S, 3] -> found boxes, and every anchor's box and probabilities, in one graph."""

    def __init__(self, model: keras.Model, network: Network):
        super().__init__(name="look")
        self.model = model
        self.anchors = network.anchors
        self.scores: Scores = network.scores
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, images):
        outputs = self.model(images, training=False)
        boxes, shares = answers_of_anchors(outputs["codes"], outputs["logits"], self.anchors, self.scores)
        selected = choose_detections(boxes, shares, max_detections=_MOST_FOUND)
        return {
            "anchors": selected["anchors"],
            "scores": selected["scores"],
            "anchor_boxes": boxes,
            "probabilities": shares,
        }


class Recogniser:
    """Looks at pictures with a trained detector.

    Attributes:
        checkpoint: what it was loaded from.
        labels: the names it knows.
        thresholds: from which score on it reports each name.
        model: the network with its weights.
    """

    def __init__(self, checkpoint: Checkpoint):
        self.checkpoint = checkpoint
        self.labels = checkpoint.labels
        self.thresholds = checkpoint.thresholds
        self.model = build_model(checkpoint)
        self._model = _LookModel(self.model, checkpoint.network)

    @classmethod
    def load(cls, folder: Path) -> Recogniser:
        """From a checkpoint folder.

        Raises:
            ValueError: not a checkpoint folder, or damaged.
        """
        return cls(read_checkpoint(folder))

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] RGB of any size -> float32 [S, S, 3], what `look` takes."""
        size = self.checkpoint.network.image_size
        return np.asarray(ops.convert_to_numpy(resize_picture(image, size)))

    def look(self, images: Sequence[np.ndarray]) -> list[Look]:
        """One `Look` for each prepared picture, all in one batch."""
        if not images:
            return []
        found = {
            key: np.asarray(ops.convert_to_numpy(value))
            for key, value in self._model.predict_on_batch(np.stack(images)).items()
        }
        looks = []
        for row in range(len(images)):
            count = int((found["scores"][row] > 0).sum())
            looks.append(
                Look(
                    anchors=found["anchors"][row, :count],
                    scores=found["scores"][row, :count],
                    anchor_boxes=found["anchor_boxes"][row],
                    probabilities=found["probabilities"][row],
                )
            )
        return looks
