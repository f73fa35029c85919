"""Zoom-out, crop and flip as windows: which part of the plane around a picture is shown.

A window is written like a box, as fractions of the picture, and may reach over its border: zoom-out is a
window larger than the picture, a crop a smaller one, and one inside the other is again a window. So a picture
is resampled once, as by `preprocessing.resize`, whatever was drawn for it, and boxes follow by the same few
lines of arithmetic.
"""

from typing import NamedTuple

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
    shared = shared_area(crops, boxes)  # [samplers, trials, G]
    union = tf.expand_dims(area(crops), -1) + area(boxes) - shared
    with_objects = (tf.reduce_max(shared / union, axis=-1) >= least) & centred
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


class Sampling(NamedTuple):
    """What a window shows: the picture's share of the output, and where it lies there."""

    picture: tf.Tensor  # float32 [h, w, 3], 0...255, only the output pixels whose centres lie on the picture
    # int32 [3, 2], output pixels that lie outside before and after, of rows, columns, channels
    paddings: tf.Tensor


def sample_window(pixels, origin, picture_size, window, size) -> Sampling:
    """Resizes what a window shows, in one step, from a part of the picture.

    The window may reach over the picture's border; the window (0, 0, 1, 1) is exactly `resize_picture`.

    Args:
        pixels: uint8 or float32 [h, w, 3], a part of the picture that holds `source_pixels` of the window.
        origin: int32 [2], row and column of the picture at which `pixels` begins.
        picture_size: [2], H and W of the whole picture; may be fractions where it was decoded smaller.
        window: float32 [4], (ymin, xmin, ymax, xmax) as fractions of the picture.
        size: the height and width in pixels that the whole window gets: S for both, or int32 [2].
    """
    size = tf.cast(size, tf.float32)
    picture_size = tf.cast(picture_size, tf.float32)
    low = window[:2] * picture_size
    scale = size / ((window[2:] - window[:2]) * picture_size)  # output pixels per pixel of the picture
    # An output pixel is the picture's where its centre, not just its edge, lies on the picture.
    first = tf.maximum(tf.math.ceil(-low * scale - 0.5), 0.0)
    end = tf.minimum(tf.math.floor((picture_size - low) * scale - 0.5) + 1.0, size)
    count = tf.maximum(end - first, 1.0)
    first = tf.minimum(first, size - count)
    picture = tf.raw_ops.ScaleAndTranslate(
        images=pixels[tf.newaxis],
        size=tf.cast(count, tf.int32),
        scale=scale,
        translation=(tf.cast(origin, tf.float32) - low) * scale - first,
        kernel_type="triangle",
        antialias=True,
    )[0]
    before_after = tf.stack([first, size - first - count], axis=1)  # [2, 2]
    return Sampling(picture, tf.pad(tf.cast(before_after, tf.int32), [[0, 1], [0, 0]]))


def source_pixels(picture_size, window, size) -> tuple[tf.Tensor, tf.Tensor]:
    """The part of the picture that `sample_window` looks at: the window, and around it the filter's reach.

    Args:
        picture_size: [2], H and W; may be fractions, of which the pixels are the next higher number.
        window: float32 [4], fractions of the picture.
        size: as for `sample_window`.

    Returns:
        Two int32 [2]: the first row and column; how many rows and columns, at least 1.
    """
    size = tf.cast(size, tf.float32)
    picture_size = tf.cast(picture_size, tf.float32)
    low, high = window[:2] * picture_size, window[2:] * picture_size
    pixels = tf.math.ceil(picture_size)
    reach = tf.maximum((high - low) / size, 1.0) + 1.0  # the triangle's half width, and one to round
    first = tf.clip_by_value(tf.math.floor(low - reach), 0.0, pixels - 1.0)
    end = tf.clip_by_value(tf.math.ceil(high + reach), first + 1.0, pixels)
    return tf.cast(first, tf.int32), tf.cast(end - first, tf.int32)
