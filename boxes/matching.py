"""Which anchor answers for which object, and how: the two matching rules of the SSD paper, section 2.2."""

from keras import ops

from boxes.geometry import encode, iou


def match_anchors(overlaps, real, *, threshold=0.5):
    """The object that each anchor answers for.

    Rule 2 of the paper first: an anchor takes the object it overlaps best, if by more than `threshold`.
    Rule 1 then overrules it: every object gets its best anchor, however small the overlap. Objects are
    served in the order of that best overlap and an anchor serves one object only, so that two objects on
    the same spot get two anchors (the bipartite step of the Caffe code).

    Args:
        overlaps: [B, A, G] IoU of anchors and objects.
        real: [B, G] bool; False marks padding, which matches nothing.
        threshold: IoU above which an anchor matches without being anyone's best.

    Returns:
        int32 [B, A]: column of the object, or -1 for background.
    """
    objects = overlaps.shape[-1]
    overlaps = ops.where(ops.expand_dims(real, 1), overlaps, -1.0)
    best_overlap = ops.max(overlaps, axis=2)  # [B, A]
    matched = ops.where(best_overlap > threshold, ops.cast(ops.argmax(overlaps, axis=2), "int32"), -1)

    anchor_index = ops.arange(overlaps.shape[1], dtype="int32")[None, :]  # [1, A]
    order = ops.argsort(-ops.max(overlaps, axis=1), axis=1)  # [B, G], best overlap first
    forced = ops.zeros_like(matched, dtype="bool")
    for rank in range(objects):
        column = order[:, rank]  # [B]
        overlap = ops.take_along_axis(overlaps, column[:, None, None], axis=2)[..., 0]  # [B, A]
        overlap = ops.where(forced, -1.0, overlap)
        # An object that no anchor touches (it would need to lie outside of the picture) gets none.
        wanted = (ops.max(overlap, axis=1) > 0.0)[:, None]
        best = ops.cast(ops.argmax(overlap, axis=1), "int32")[:, None]
        taken = ops.logical_and(anchor_index == best, wanted)  # [B, A]
        matched = ops.where(taken, ops.cast(column, "int32")[:, None], matched)
        forced = ops.logical_or(forced, taken)
    return matched


def assign_targets(anchors, boxes, classes, *, threshold=0.5):
    """What the network should have said: a code and a class for every anchor.

    Args:
        anchors: [A, 4] corners.
        boxes: [B, G, 4] corners, padded.
        classes: int [B, G], 0 for padding.
        threshold: IoU above which an anchor matches without being an object's best.

    Returns:
        codes: float32 [B, A, 4], zero for background.
        classes: int32 [B, A], 0 for background.
    """
    anchors = ops.convert_to_tensor(anchors, dtype="float32")
    boxes = ops.convert_to_tensor(boxes, dtype="float32")
    classes = ops.cast(classes, "int32")
    matched = match_anchors(iou(anchors, boxes), classes > 0, threshold=threshold)  # [B, A]
    positive = matched >= 0
    index = ops.maximum(matched, 0)
    target_classes = ops.where(positive, ops.take_along_axis(classes, index, axis=1), 0)
    target_boxes = ops.take_along_axis(boxes, index[..., None], axis=1)  # [B, A, 4]
    target_boxes = ops.where(positive[..., None], target_boxes, anchors)  # an anchor's code to itself is 0
    return encode(target_boxes, anchors), target_classes
