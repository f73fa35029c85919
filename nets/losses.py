"""The multibox loss of the SSD paper, section 2.2."""

from keras import ops

from boxes.geometry import area, decode

_EPSILON = 1e-9  # of an area, as a fraction of the picture: keeps divisions finite


def smooth_l1(errors):
    """Huber loss with its corner at 1, as in Fast R-CNN: 0.5 x² below, |x| − 0.5 above. Any shape."""
    size = ops.abs(errors)
    return ops.where(size < 1.0, 0.5 * size * size, size - 0.5)


def cross_entropy(logits, classes):
    """Negative log-probability of the right class: logits [..., C], int classes [...] -> [...]."""
    log_probability = ops.log_softmax(logits, axis=-1)
    return -ops.take_along_axis(log_probability, classes[..., None], axis=-1)[..., 0]


def hardest_background(losses, classes, *, ratio=3.0, at_least=3):
    """The background anchors that the network is most wrong about: float32 [B, A], 1 for these, else 0.

    Args:
        losses: [B, A] cross-entropy of each anchor as background.
        classes: int [B, A], 0 for background.
        ratio: kept background anchors per matched anchor (3 in the paper).
        at_least: kept in a picture with fewer matches than would give that many, so that pictures
            without anyone teach too.
    """
    background = classes == 0
    matched = ops.sum(ops.cast(ops.logical_not(background), "float32"), axis=1, keepdims=True)  # [B, 1]
    keep = ops.maximum(ratio * matched, float(at_least))
    order = ops.argsort(-ops.where(background, losses, -1.0), axis=1)
    rank = ops.cast(ops.argsort(order, axis=1), "float32")  # [B, A], 0 for the worst; ties are told apart
    return ops.cast(ops.logical_and(background, rank < keep), "float32")


def generalized_iou(boxes, others):
    """Generalised IoU of pairs (Rezatofighi et al. 2019): tells apart boxes that do not touch.

    [..., 4] and what can be broadcast against it -> [...] in -1...1: IoU, less the share of the smallest
    enclosing box that neither covers.
    """
    boxes, others = ops.convert_to_tensor(boxes), ops.convert_to_tensor(others)
    inside = ops.minimum(boxes[..., 2:], others[..., 2:]) - ops.maximum(boxes[..., :2], others[..., :2])
    inside = ops.maximum(inside, 0.0)
    shared = inside[..., 0] * inside[..., 1]
    union = area(boxes) + area(others) - shared
    around = ops.maximum(boxes[..., 2:], others[..., 2:]) - ops.minimum(boxes[..., :2], others[..., :2])
    enclosing = around[..., 0] * around[..., 1]
    return shared / (union + _EPSILON) - (enclosing - union) / (enclosing + _EPSILON)


def box_errors(codes, target_codes, anchors, kind):
    """How wrong each box is: [B, A, 4] twice, [A, 4] -> [B, A].

    Args:
        codes: as predicted.
        target_codes: as they should be.
        anchors: corners; only for giou.
        kind: smooth_l1 of the codes, or giou: 1 − the generalised IoU of the boxes.
    """
    if kind == "smooth_l1":
        return ops.sum(smooth_l1(codes - target_codes), axis=-1)
    # A code of 100 makes a box e^20 times as large as its anchor: more would leave float32.
    boxes = decode(ops.clip(codes, -100.0, 100.0), anchors)
    return 1.0 - generalized_iou(boxes, decode(target_codes, anchors))


def multibox_loss(
    codes, logits, targets, *, anchors=None, box_weight=1.0, box_loss="smooth_l1", negative_ratio=3.0
):
    """How wrong a network is about a batch.

    L = (box_weight · Σ box errors of matched anchors + Σ cross-entropy over matched and kept background
    anchors) / max(1, matched anchors of the batch).

    Args:
        codes: [B, A, 4] as predicted.
        logits: [B, A, C] as predicted.
        targets: (codes [B, A, 4], classes int [B, A]) from `boxes.matching.assign_targets`.
        anchors: [A, 4]; for giou.
        box_weight: α in the paper.
        box_loss: smooth_l1 (the paper) or giou.
        negative_ratio: kept background anchors per matched anchor.

    Returns:
        The scalar loss, and its parts {"boxes", "names", "background"} which add up to it.
    """
    target_codes, target_classes = targets
    codes = ops.cast(codes, "float32")
    positive = ops.cast(target_classes > 0, "float32")  # [B, A]
    entropy = cross_entropy(ops.cast(logits, "float32"), target_classes)  # [B, A]
    kept = hardest_background(ops.stop_gradient(entropy), target_classes, ratio=negative_ratio)
    matches = ops.maximum(ops.sum(positive), 1.0)
    errors = box_errors(codes, target_codes, anchors, box_loss)  # [B, A]
    parts = {
        "boxes": box_weight * ops.sum(errors * positive) / matches,
        "names": ops.sum(entropy * positive) / matches,
        "background": ops.sum(entropy * kept) / matches,
    }
    return parts["boxes"] + parts["names"] + parts["background"], parts
