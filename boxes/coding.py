"""Codes: what a network predicts for a box, relative to an anchor, and the way back."""

from keras import ops

from boxes.geometry import centers_to_corners, corners_to_centers

# Offsets are divided by these, in the order (cx, cy, w, h) of the codes: the "variances" of the Caffe SSD
# (`prior_variance: 0.1 0.1 0.2 0.2`), which bring all four to about unit size.
SCALES = (0.1, 0.1, 0.2, 0.2)


def decode(codes, anchors):
    """Codes as boxes, not clipped; undoes `matching.encode`: [..., A, 4], [A, 4] -> [..., A, 4] corners."""
    code_cx, code_cy, code_w, code_h = ops.unstack(codes, 4, axis=-1)
    anchor_cy, anchor_cx, anchor_height, anchor_width = ops.unstack(corners_to_centers(anchors), 4, axis=-1)
    return centers_to_corners(
        ops.stack(
            [
                anchor_cy + code_cy * SCALES[1] * anchor_height,
                anchor_cx + code_cx * SCALES[0] * anchor_width,
                anchor_height * ops.exp(code_h * SCALES[3]),
                anchor_width * ops.exp(code_w * SCALES[2]),
            ],
            axis=-1,
        )
    )
