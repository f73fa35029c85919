"""From a network's codes and logits to the boxes that are kept.

What holds for every anchor is computed with the network, in its graph; what is chosen of it, a picture at a
time, in NumPy: of thousands of anchors a few dozen say something, and only theirs are touched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import keras
import numpy as np
from keras import ops

from boxes.detections import Detections
from boxes.geometry import clip, decode, iou
from nets.network import Network, Scores
from nets.thresholds import evidence

# All of the SSD paper, section 3.7; Caffe has 400 candidates.
SCORE_THRESHOLD = 0.01  # below it nothing is a detection
IOU_THRESHOLD = 0.45  # of the suppression within one name
MAX_DETECTIONS = 200  # kept per picture over all names
_CANDIDATES = 200  # best anchors of each name that enter the suppression
# One head has one name: of boxes that overlap more, whatever their names, the best stays. Measured on drafts
# of 285 real frames by a detector trained on 100 others, from score 0.3: 76 boxes to delete instead of 163.
ONE_HEAD = 0.6


def probabilities(logits, scores: Scores):
    """How likely each class is: [..., C] -> [..., C], background first.

    Sigmoids answer for each name by itself and need not add up to 1; background is what the best leaves.
    """
    logits = ops.cast(logits, "float32")
    if scores == "softmax":
        return ops.softmax(logits, axis=-1)
    names = ops.sigmoid(logits[..., 1:])
    return ops.concatenate([1.0 - ops.max(names, axis=-1, keepdims=True), names], axis=-1)


def answers_of_anchors(codes, logits, anchors, scores: Scores):
    """Where each anchor says somebody is, and who: boxes [B, A, 4], clipped, and probabilities [B, A, C]."""
    anchors = ops.convert_to_tensor(anchors, dtype="float32")
    return clip(decode(ops.cast(codes, "float32"), anchors)), probabilities(logits, scores)


@dataclass(frozen=True, eq=False)
class Look:
    """What a detector sees in one picture."""

    detections: Detections  # N of all names, down to a score of 0.01
    best_of_head: np.ndarray  # bool [N]: of several names on one head the best
    anchors: np.ndarray  # int32 [N], from which of the A each detection came
    anchor_boxes: np.ndarray  # float32 [A, 4]
    probabilities: np.ndarray  # float32 [A, C]
    logits: np.ndarray  # float32 [A, C], or what has their differences
    # boxes [M, 4] -> probabilities float32 [M, C], where names come from examples: anchors are found heads
    who: Callable[[np.ndarray], np.ndarray] | None = None


def suppress(boxes: np.ndarray, iou_threshold: float = IOU_THRESHOLD) -> np.ndarray:
    """Greedy non-maximum suppression: a box goes when a better one that stays overlaps it too much.

    Of boxes [N, 4], best first, those that stay: bool [N]. The greedy answer is the one fixed point of
    "kept = no kept better box overlaps me". Iterating that rule from "all kept" settles box n after at most n
    rounds, in practice after three or four.
    """
    rivals = np.tril(iou(boxes, boxes) > iou_threshold, -1)  # [N, N]: better boxes that overlap me
    kept = np.ones(len(boxes), bool)
    while not np.array_equal(now := ~(rivals & kept).any(axis=1), kept):
        kept = now
    return kept


def choose_detections(boxes: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose the best candidates of each name, suppress per name, keep the best of all.

    Of each anchor of a picture the box [A, 4] and shares [A, C], its probabilities.

    Returns:
        Of at most `MAX_DETECTIONS` detections, best first, the anchor and the class: int [N] each. Of equal
        scores the first name comes first, and of its anchors the first.
    """
    anchors, names = np.divmod(np.flatnonzero(shares[:, 1:] >= SCORE_THRESHOLD), shares.shape[1] - 1)
    scores = shares[anchors, names + 1]
    order = np.lexsort((anchors, -scores, names))  # name by name, the best first
    anchors, names, scores = anchors[order], names[order], scores[order]
    kept = [np.empty(0, int)]
    for first, end in pairwise([*np.flatnonzero(np.diff(names, prepend=-1)), len(names)]):
        candidates = anchors[first : min(end, first + _CANDIDATES)]
        kept.append(first + np.flatnonzero(suppress(boxes[candidates])))
    best = np.concatenate(kept)
    best = best[np.argsort(-scores[best], kind="stable")][:MAX_DETECTIONS]
    return anchors[best], names[best] + 1


def look_at(boxes: np.ndarray, shares: np.ndarray, logits: np.ndarray, labels: Sequence[str]) -> Look:
    """From what every anchor says of a picture: its box [A, 4], probabilities and logits [A, C]."""
    anchors, classes = choose_detections(boxes, shares)
    names = tuple(labels[int(number) - 1] for number in classes)
    scores = shares[anchors, classes]
    # An anchor has one name too: the others that it thought of are no names of the head.
    likeliest = np.flatnonzero(scores >= shares[anchors, 1:].max(axis=1, initial=0.0))
    best = np.zeros(len(anchors), bool)
    best[likeliest] = suppress(boxes[anchors[likeliest]], ONE_HEAD)
    found = Detections(boxes[anchors], scores, names, evidence(logits[anchors]))
    return Look(found, best, anchors, boxes, shares, logits)


class DetectionModel(keras.Model):
    """[B, S, S, 3] -> what every anchor says: boxes [B, A, 4], probabilities and logits [B, A, C]."""

    def __init__(self, model: keras.Model, network: Network):
        super().__init__(name=f"{network.name}_detections")
        self.model, self.network = model, network
        # Eager without it under JAX. Under TensorFlow a graph is as fast (benchmarks/networks.py) and
        # XLA's compiling need not be waited for before the first picture.
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, images):
        said, network = self.model(images, training=False), self.network
        boxes, shares = answers_of_anchors(said["codes"], said["logits"], network.anchors, network.scores)
        return boxes, shares, ops.cast(said["logits"], "float32")

    def look(
        self, images: Sequence[np.ndarray] | np.ndarray, labels: Sequence[str], *, batch_size: int = 0
    ) -> list[Look]:
        """At prepared pictures, float32 [B, S, S, 3].

        Fewer than `batch_size` are filled up to it, so that the graph is not made again for them.
        """
        count, images = len(images), np.asarray(images)
        if count < batch_size:
            images = np.pad(images, ((0, batch_size - count), *[(0, 0)] * 3))
        said = (np.asarray(ops.convert_to_numpy(one))[:count] for one in self.predict_on_batch(images))
        return [look_at(*one, labels=labels) for one in zip(*said, strict=True)]
