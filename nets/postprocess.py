"""From a network's codes and logits to the boxes that are kept, batched, in the graph."""

from collections.abc import Sequence

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
_NAMES_AT_ONCE = 32  # that are suppressed side by side; measured: benchmarks/many_names.py
# One head has one name: of boxes that overlap more, whatever their names, the best stays. Measured on drafts
# of 285 real frames by a detector trained on 100 others, from score 0.3: 76 boxes to delete instead of 163.
ONE_HEAD = 0.6


def suppress(boxes, scores, *, iou_threshold=IOU_THRESHOLD):
    """Greedy non-maximum suppression: a box goes when a better one that stays overlaps it too much.

    Of boxes [..., N, 4] and scores [..., N], best first, those that stay: bool [..., N]; never with score 0.

    The greedy answer is the one fixed point of "kept = no kept better box overlaps me". Iterating that
    rule from "all kept" settles box n after at most n rounds, in practice after three or four, and
    each round is one batched product instead of N dependent steps.
    """
    count = boxes.shape[-2]
    better = ops.cast(ops.arange(count)[:, None] > ops.arange(count)[None, :], "float32")  # [N, N]
    rivals = ops.cast(iou(boxes, boxes) > iou_threshold, "float32") * better  # [..., N, N]
    alive = ops.cast(scores > 0.0, "float32")

    def changed(kept, previous):
        return ops.any(ops.not_equal(kept, previous))

    def refine(kept, _):
        beaten = ops.matmul(rivals, kept[..., None])[..., 0]  # [..., N]: kept better boxes that overlap me
        return alive * ops.cast(beaten < 0.5, "float32"), kept

    kept, _ = ops.while_loop(changed, refine, (alive, ops.zeros_like(alive)), maximum_iterations=count + 1)
    return kept > 0.5


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


def choose_detections(boxes, shares):
    """Choose the best candidates of each name, suppress per name, keep the best of all.

    Names that no anchor of the batch gives a score cost nothing: the others come first, some at a time.

    Of each anchor the boxes [B, A, 4] and shares [B, A, C], its probabilities.

    Returns:
        {"boxes": [B, N, 4], "scores": [B, N] descending, "classes": int32 [B, N], 0 where there are fewer
        than N detections, "anchors": int32 [B, N], which of the A each came from}; N is `MAX_DETECTIONS`.
    """
    names, candidates = shares.shape[2] - 1, min(_CANDIDATES, shares.shape[1])
    at_once, most = min(_NAMES_AT_ONCE, names), min(MAX_DETECTIONS, names * candidates)
    heard = ops.cast(ops.max(ops.max(shares, axis=0), axis=0)[1:] >= SCORE_THRESHOLD, "int32")  # [C-1]
    order = ops.argsort(ops.arange(names, dtype="int32") - names * heard)  # names with scores, in their order
    order, count = ops.pad(order, [[0, at_once - 1]]), ops.sum(heard)

    def add(first, scores, classes, anchors):
        numbers = first + ops.arange(at_once, dtype="int32")
        some = ops.take(order, numbers) + 1  # [n] class ids
        found = ops.transpose(ops.take(shares, some, axis=2), (0, 2, 1))  # [B, n, A]
        found, index = ops.top_k(found, candidates)  # [B, n, K]
        there = (found >= SCORE_THRESHOLD) & (numbers < count)[:, None]
        found = ops.where(there, found, 0.0)
        corners = ops.take_along_axis(boxes[:, None], index[..., None], axis=2)  # [B, n, K, 4]
        found = ops.where(suppress(corners, found), found, 0.0)
        new = found, ops.broadcast_to(some[:, None], ops.shape(found)), ops.cast(index, "int32")
        flat = (ops.reshape(one, (-1, at_once * candidates)) for one in new)
        scores, classes, anchors = (
            ops.concatenate(pair, axis=1) for pair in zip((scores, classes, anchors), flat, strict=True)
        )
        scores, best = ops.top_k(scores, most)  # of equal ones the first, as if all had come at once
        classes, anchors = (ops.take_along_axis(one, best, axis=1) for one in (classes, anchors))
        return first + at_once, scores, classes, anchors

    none = ops.zeros_like(boxes[:, :1, 0], dtype="int32") + ops.zeros((1, most), dtype="int32")  # [B, N]
    start = ops.zeros((), dtype="int32"), ops.cast(none, "float32"), none, none
    _, scores, classes, anchors = ops.while_loop(lambda first, *_: first < count, add, start)
    return {
        "boxes": _of_anchors(boxes, anchors),
        "scores": scores,
        "classes": ops.where(scores > 0.0, classes, 0),
        "anchors": anchors,
    }


def _of_anchors(values, anchors):
    """What [B, A, n] says of anchors [B, N]: [B, N, n]. `take_along_axis` would write down N x n places."""
    rows = ops.arange(ops.shape(values)[0], dtype="int32")[:, None] * values.shape[1] + anchors
    return ops.take(ops.reshape(values, (-1, values.shape[2])), rows, axis=0)


def select_detections(codes, logits, anchors, *, score_activation: Scores = "softmax"):
    """From what a network answers to detections, and what every anchor says.

    Of codes [B, A, 4], logits [B, A, C] (see `probabilities`) and anchors [A, 4].

    Returns:
        What `choose_detections` does; "evidence": [B, N], see `nets.thresholds.evidence`; "best_of_head":
        bool [B, N], `ONE_HEAD`; "anchor_boxes": [B, A, 4]; "probabilities": [B, A, C].
    """
    return detections_of(*answers_of_anchors(codes, logits, anchors, score_activation), logits)


def detections_of(boxes, shares, logits):
    """`select_detections` of what every anchor says: boxes [B, A, 4], probabilities and logits [B, A, C]."""
    selected = choose_detections(boxes, shares)
    selected["evidence"] = evidence(_of_anchors(logits, selected["anchors"]))
    # An anchor has one name too: the others that it thought of are no names of the head.
    likeliest = ops.max(_of_anchors(shares, selected["anchors"])[..., 1:], axis=-1)
    named = ops.where(selected["scores"] >= likeliest, selected["scores"], 0.0)
    best = suppress(selected["boxes"], named, iou_threshold=ONE_HEAD)
    return {**selected, "best_of_head": best, "anchor_boxes": boxes, "probabilities": shares}


class DetectionModel(keras.Model):
    """[B, S, S, 3] -> what `select_detections` returns, in one graph; what every anchor says if asked for."""

    def __init__(self, model: keras.Model, network: Network, *, every_anchor: bool = False):
        super().__init__(name=f"{network.name}_detections")
        self.model, self.network, self.every_anchor = model, network, every_anchor
        # Eager without it under JAX. Under TensorFlow a graph is as fast (benchmarks/networks.py) and
        # XLA's compiling need not be waited for before the first picture.
        self.compile(jit_compile=keras.backend.backend() == "jax")

    def call(self, images):
        outputs = self.model(images, training=False)
        selected = select_detections(
            outputs["codes"], outputs["logits"], self.network.anchors, score_activation=self.network.scores
        )
        if not self.every_anchor:  # megabytes that nobody asked for
            del selected["anchor_boxes"], selected["probabilities"]
        return selected

    def arrays(self, images: np.ndarray, *, batch_size: int = 0) -> dict[str, np.ndarray]:
        """`call` with arrays, float32 [B, S, S, 3].

        Fewer pictures than `batch_size` are filled up to it, so that the graph is not made again for them.
        """
        count = len(images)
        if count < batch_size:
            images = np.pad(images, ((0, batch_size - count), *[(0, 0)] * 3))
        selected = self.predict_on_batch(images)
        return {key: np.asarray(ops.convert_to_numpy(value))[:count] for key, value in selected.items()}


def named_detections(selected: dict[str, np.ndarray], labels: Sequence[str]) -> list[Detections]:
    """What `DetectionModel.arrays` returned, with names for class ids: one `Detections` a picture."""
    batch = []
    for row, count in enumerate((selected["classes"] > 0).sum(axis=1)):
        boxes, scores, classes, clear = (
            selected[key][row, :count] for key in ("boxes", "scores", "classes", "evidence")
        )
        names = tuple(labels[int(c) - 1] for c in classes)
        batch.append(Detections(boxes, scores, names, clear))
    return batch
