"""Encoded pictures become pixels, only as many as are needed."""

import tensorflow as tf

from preprocessing.resize import source_pixels


def decode_picture(encoded) -> tf.Tensor:
    """Decodes a whole JPEG, PNG, GIF or BMP: scalar string -> uint8 [H, W, 3] RGB."""
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.ensure_shape(image, [None, None, 3])


def decode_window(encoded, window, size) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Decodes the part of a picture that `resize.sample_window` needs to show a window.

    Rows below a JPEG's window are not read at all, and those beside it are not turned into pixels. Where the
    window has more than twice the pixels of the output in both directions, the JPEG is decoded at 1/2, 1/4 or
    1/8 of its size, which its coding gives almost for free and free of aliasing: a 1080p frame costs two
    thirds, and differs by less than one grey level of 255 on average after `sample_window`.

    Args:
        encoded: scalar string; other formats than JPEG are decoded whole.
        window: float32 [4], fractions of the picture.
        size: the output's height and width in pixels: S for both, or int32 [2].

    Returns:
        pixels uint8 [h, w, 3]; their origin int32 [2] and the picture's size float32 [2], both at the decoded
        scale.
    """
    return tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: _decode_jpeg_window(encoded, window, size),
        lambda: _decode_whole(encoded),
    )


JPEG_RATIOS = (1, 2, 4, 8)  # what libjpeg's inverse cosine transform can leave out


def _decode_jpeg_window(encoded, window, size):
    picture_size = tf.io.extract_jpeg_shape(encoded)[:2]
    sides = (window[2:] - window[:2]) * tf.cast(picture_size, tf.float32)
    step = shrinking(sides, size)
    return tf.switch_case(
        step, [_jpeg_decoder(encoded, picture_size, window, size, ratio) for ratio in JPEG_RATIOS]
    )


def shrinking(sides, size):
    """Which of `JPEG_RATIOS` a window of these sides, in pixels, may be decoded at: int32 scalar."""
    times = tf.reduce_min(sides / tf.cast(size, tf.float32))
    steps = tf.math.floor(tf.math.log(times) / tf.math.log(2.0) + 1e-6)
    return tf.cast(tf.clip_by_value(steps, 0.0, len(JPEG_RATIOS) - 1.0), tf.int32)


def _jpeg_decoder(encoded, picture_size, window, size, ratio):
    def decode():
        scaled_size = tf.cast(picture_size, tf.float32) / ratio  # libjpeg's last pixel stands over the border
        first, count = source_pixels(scaled_size, window, size)
        pixels = tf.io.decode_and_crop_jpeg(
            encoded, tf.concat([first, count], axis=0), channels=3, ratio=ratio
        )
        return pixels, first, scaled_size

    return decode


def _decode_whole(encoded):
    pixels = decode_picture(encoded)
    return pixels, tf.zeros([2], tf.int32), tf.cast(tf.shape(pixels)[:2], tf.float32)
