"""Zoom-out, crop and flip as windows: which part of the plane around a picture is shown.

A window is written like a box, as fractions of the picture, and may reach over its border: zoom-out is a
window larger than the picture, a crop a smaller one, and one inside the other is again a window. So a picture
is resampled once, whatever was drawn for it, and boxes follow by the same few lines of arithmetic.
"""

import tensorflow as tf

from preprocessing.presets import Augmentation

ZOOM_OUT_DRAWS = 4  # whether, how far, where (rows), where (columns)


def whole_picture() -> tf.Tensor:
    """The window that shows the picture as it is: float32 [4]."""
    return tf.constant([0.0, 0.0, 1.0, 1.0])


def draw_zoom_out(draws, augmentation: Augmentation) -> tf.Tensor:
    """The canvas on which the picture lies (paper section 3.6; Caffe DataTransformer::ExpandImage).

    Draws, float32 [ZOOM_OUT_DRAWS] uniform in 0...1 -> a window [4] that contains the picture.
    """
    side = 1.0 + draws[1] * (augmentation.zoom_out_limit - 1.0)
    corner = -draws[2:4] * (side - 1.0)
    canvas = tf.concat([corner, corner + side], axis=0)
    return tf.where(draws[0] < augmentation.zoom_out_probability, canvas, whole_picture())


def crop_draws(augmentation: Augmentation) -> int:
    """How many numbers `draw_crop` needs: one per sampler and the whole picture, four per trial."""
    samplers = len(augmentation.crop_overlaps)
    return samplers + 1 + samplers * augmentation.crop_trials * 4


def draw_crop(draws, boxes, picture, augmentation: Augmentation) -> tf.Tensor:
    """Chooses a crop of the canvas (paper section 2.2; Caffe's GenerateBatchSamples).

    Every sampler keeps the first of its trials that overlaps some object enough; then one of the samplers
    that found something, or the whole canvas, is drawn. A crop must also hold the centre of an object, so
    that a picture with objects stays one (as in torchvision's RandomIoUCrop; Caffe leaves it to chance). In a
    picture without objects any crop will do whose own centre lies on the picture (Caffe never crops these).

    Args:
        draws: float32 [crop_draws], uniform in 0...1.
        boxes: float32 [G, 4] as fractions of the canvas; G may be 0.
        picture: float32 [4], where the picture lies on the canvas.
        augmentation: with at least one overlap.

    Returns:
        A window [4] within the canvas, as fractions of the canvas.
    """
    samplers, trials = len(augmentation.crop_overlaps), augmentation.crop_trials
    keys = draws[: samplers + 1]
    crops = candidate_crops(tf.reshape(draws[samplers + 1 :], [samplers, trials, 4]), augmentation)
    least = tf.constant(augmentation.crop_overlaps)[:, tf.newaxis]  # [samplers, 1]
    centred = tf.reduce_any(_inside(_centres(boxes), tf.expand_dims(crops, -2)), axis=-1)
    with_objects = (_best_overlap(crops, boxes) >= least) & centred
    on_picture = _inside(_centres(crops), picture)
    accepted = tf.where(tf.shape(boxes)[0] > 0, with_objects, on_picture)  # [samplers, trials]

    first = tf.argmax(tf.cast(accepted, tf.int32), axis=1)  # the first maximum: [samplers]
    found = tf.concat([tf.reduce_any(accepted, axis=1), [True]], axis=0)  # the whole canvas always will do
    chosen = tf.argmax(tf.where(found, keys, -1.0))
    options = tf.concat([tf.gather(crops, first, batch_dims=1), whole_picture()[tf.newaxis]], axis=0)
    return options[chosen]


def candidate_crops(draws, augmentation: Augmentation) -> tf.Tensor:
    """Crops of the canvas at random (Caffe's SampleBBox): float32 [..., 4], windows within 0...1.

    Of draws, float32 [..., 4], uniform in 0...1: size, shape, where (rows), where (columns).
    """
    smallest, largest = augmentation.crop_scale
    scale = smallest + draws[..., 0] * (largest - smallest)
    lowest = tf.maximum(augmentation.crop_aspect[0], scale**2)  # no side longer than the canvas
    highest = tf.minimum(augmentation.crop_aspect[1], 1.0 / scale**2)
    root = tf.sqrt(lowest + draws[..., 1] * (highest - lowest))
    sides = tf.minimum(tf.stack([scale / root, scale * root], axis=-1), 1.0)  # height, width
    corner = draws[..., 2:] * (1.0 - sides)
    return tf.concat([corner, corner + sides], axis=-1)


def window_inside(outer, inner) -> tf.Tensor:
    """Fractions of the window `outer` [4] as fractions of what `outer` is one of: [..., 4] -> [..., 4]."""
    corner, sides = outer[:2], outer[2:] - outer[:2]
    return tf.tile(corner, [2]) + inner * tf.tile(sides, [2])


def seen_through(window, boxes) -> tf.Tensor:
    """Fractions of the picture as fractions of a window of it, not clipped: [4], [..., 4] -> [..., 4]."""
    corner, sides = window[:2], window[2:] - window[:2]
    return (boxes - tf.tile(corner, [2])) / tf.tile(sides, [2])


def keep_visible(boxes, *, smallest_side) -> tuple[tf.Tensor, tf.Tensor]:
    """Clips boxes, [G, 4] as fractions of the window, to it and says which objects still count.

    An object counts while its centre is in the window (Caffe's emit_constraint CENTER) and no side of what is
    left of its box is below `smallest_side`, a fraction too.

    Returns:
        boxes float32 [G, 4] within 0...1; keep bool [G].
    """
    clipped = tf.clip_by_value(boxes, 0.0, 1.0)
    sides = clipped[:, 2:] - clipped[:, :2]
    big_enough = tf.reduce_all((sides > 0.0) & (sides >= smallest_side), axis=1)
    return clipped, _inside(_centres(boxes), whole_picture()) & big_enough


def flip_boxes(boxes) -> tf.Tensor:
    """Swaps left and right: [..., 4] -> [..., 4]; its own inverse."""
    ymin, xmin, ymax, xmax = tf.unstack(boxes, 4, axis=-1)
    return tf.stack([ymin, 1.0 - xmax, ymax, 1.0 - xmin], axis=-1)


def flip_picture(image) -> tf.Tensor:
    """Swaps left and right: [H, W, 3] -> [H, W, 3]; its own inverse."""
    return tf.reverse(image, axis=[1])


def _centres(boxes):
    return (boxes[..., :2] + boxes[..., 2:]) / 2.0


def _inside(points, window):
    """Whether points [..., 2] lie in windows [..., 4] that broadcast against them."""
    return tf.reduce_all((points >= window[..., :2]) & (points <= window[..., 2:]), axis=-1)


def _best_overlap(crops, boxes):
    """The largest IoU of each crop with any of the boxes: [..., 4], [G, 4] -> [...]."""
    shared = shared_area(crops, boxes)  # [..., G]
    union = tf.expand_dims(area(crops), -1) + area(boxes) - shared
    return tf.reduce_max(shared / union, axis=-1)


def shared_area(boxes, others):
    """Area that each box shares with each of the others: [..., 4], [G, 4] -> [..., G].

    boxes.geometry.intersection is the same on the chosen Keras backend; this runs inside tf.data under every
    backend.
    """
    boxes = boxes[..., tf.newaxis, :]
    sides = tf.minimum(boxes[..., 2:], others[:, 2:]) - tf.maximum(boxes[..., :2], others[:, :2])
    return tf.reduce_prod(tf.maximum(sides, 0.0), axis=-1)


def area(boxes):
    """[..., 4] -> [...]."""
    return tf.reduce_prod(boxes[..., 2:] - boxes[..., :2], axis=-1)
