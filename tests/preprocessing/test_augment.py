import dataclasses
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from datasets.examples import decode_picture
from engine.input.pictures import decode_window
from preprocessing.augment import Picture, augment_picture, draw_plan
from preprocessing.presets import get_preset, presets

SIZE = 300
SHAPES = [(512, 512), (350, 560), (97, 151), (1400, 900)]

# Compiled once, as tf.data does; eager calls of the same functions are compared with these below.
COMPILED = {
    name: tf.function(
        lambda encoded, boxes, classes, seed, preset=preset: augment_picture(
            Picture(partial(decode_window, encoded), boxes, classes), seed, preset, size=SIZE
        ),
        input_signature=[
            tf.TensorSpec([], tf.string),
            tf.TensorSpec([None, 4], tf.float32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([2], tf.int64),
        ],
    )
    for name, preset in presets().items()
}


def augment(image, boxes, classes, seed, augmentation, *, size=SIZE):
    """`augment_picture` of a picture that is decoded already."""
    whole = tf.convert_to_tensor(image), tf.zeros([2], tf.int32), tf.shape(image)[:2]
    picture = Picture(lambda window, size: whole, tf.convert_to_tensor(boxes), tf.convert_to_tensor(classes))
    return augment_picture(picture, seed, augmentation, size=size)


def rectangle_picture(rng, shape):
    """A magenta rectangle on grey: uint8 [H, W, 3], its box float32 [1, 4]."""
    height, width = shape
    rows = np.sort(rng.choice(np.arange(height // 8, height, 3), 2, replace=False))
    columns = np.sort(rng.choice(np.arange(width // 8, width, 3), 2, replace=False))
    rows[1] = max(rows[1], min(rows[0] + height // 6, height))
    columns[1] = max(columns[1], min(columns[0] + width // 6, width))
    image = np.full((height, width, 3), 100, np.uint8)
    image[rows[0] : rows[1], columns[0] : columns[1]] = (255, 0, 255)
    box = np.array([[rows[0] / height, columns[0] / width, rows[1] / height, columns[1] / width]], np.float32)
    return image, box


def encode(image):
    return tf.io.encode_jpeg(image, quality=100, chroma_downsampling=False)


def find_rectangle(image):
    """Where a picture is colourful: (ymin, xmin, ymax, xmax) in pixels."""
    colourfulness = image.max(axis=-1) - image.min(axis=-1)
    rows, columns = np.nonzero(colourfulness > 0.5 * colourfulness.max())
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("preset", presets())
def test_the_box_follows_its_object(preset, shape, rng):
    """A coloured rectangle is found, after augmentation, where its augmented box says."""
    found = 0
    for number in range(10):
        image, box = rectangle_picture(rng, shape)
        seed = tf.constant([7, number], tf.int64)
        augmented, boxes, classes = COMPILED[preset](encode(image), box, [3], seed)
        if len(boxes) == 0:  # smaller than smallest_side after zooming out
            assert preset != "none"
            continue
        found += 1
        assert classes.numpy().tolist() == [3]
        np.testing.assert_allclose(find_rectangle(augmented.numpy()), boxes[0] * SIZE, atol=1.6)
    assert found >= 8


@pytest.mark.parametrize("preset", presets())
def test_encoded_and_decoded_pictures_are_augmented_alike(preset, rng):
    """Eager and of pixels against compiled and of a JPEG of which only a part is decoded."""
    small = rng.uniform(0.0, 255.0, (6, 6, 3)).astype(np.float32)
    encoded = encode(tf.cast(tf.clip_by_value(tf.image.resize(small, (320, 410)), 0.0, 255.0), tf.uint8))
    boxes = np.array([[0.1, 0.2, 0.5, 0.6], [0.4, 0.5, 0.9, 0.95]], np.float32)
    for number in range(3):
        seed = tf.constant([11, number], tf.int64)
        compiled = COMPILED[preset](encoded, boxes, [1, 2], seed)
        eager = augment(decode_picture(encoded), boxes, [1, 2], seed, get_preset(preset))
        np.testing.assert_allclose(compiled[0], eager[0], atol=1.0)
        np.testing.assert_allclose(compiled[1], eager[1], atol=1e-6)
        np.testing.assert_array_equal(compiled[2], eager[2])


@given(
    boxes=st.lists(st.tuples(*[st.floats(0.0, 0.9), st.floats(0.0, 0.9), st.floats(0.005, 1.0)]), max_size=5),
    seed=st.integers(0, 2**62),
    preset=st.sampled_from(sorted(presets())),
)
def test_augmented_boxes_are_valid(boxes, seed, preset):
    boxes = np.array([[y, x, min(y + s, 1.0), min(x + s, 1.0)] for y, x, s in boxes], np.float32).reshape(
        -1, 4
    )
    classes = np.arange(1, len(boxes) + 1, dtype=np.int32)
    image, moved, kept = COMPILED[preset](GREY, boxes, classes, tf.constant([seed, 3], tf.int64))
    assert image.shape == (SIZE, SIZE, 3)
    assert image.dtype == tf.float32
    assert image.numpy().min() >= 0.0
    assert image.numpy().max() <= 255.0
    moved = moved.numpy()
    assert moved.shape == (len(kept), 4)
    assert set(kept.numpy()) <= set(classes)
    assert (moved >= 0.0).all()
    assert (moved <= 1.0).all()
    assert (moved[:, :2] < moved[:, 2:]).all()
    if preset == "none":
        np.testing.assert_allclose(moved, boxes, atol=1e-7)
    elif len(boxes):
        assert ((moved[:, 2:] - moved[:, :2]) * SIZE > 3.99).all()


GREY = encode(np.full((60, 80, 3), 100, np.uint8)).numpy()


def test_the_canvas_has_its_colour_whatever_happens_to_the_picture():
    """Caffe changes colours before the canvas is laid under the picture."""
    far = dataclasses.replace(get_preset("ssd"), zoom_out_probability=1.0, crop_overlaps=(), brightness=100.0)
    image = np.full((30, 30, 3), 255, np.uint8)
    seen = 0
    for number in range(20):
        result = augment(image, np.zeros((0, 4), np.float32), [], [2, number], far, size=60)[0].numpy()
        canvas = (np.abs(result - far.canvas_colour) < 1e-3).all(axis=-1)
        picture = ~canvas
        assert np.abs(result[picture] - result[picture][0]).max() < 1e-2  # one colour, up to its border
        seen += canvas.any()
    assert seen >= 18


def plans(preset, seeds):
    @tf.function
    def draw(seed):
        return draw_plan(tf.constant([[0.2, 0.3, 0.7, 0.8]]), seed, get_preset(preset))

    return [draw(tf.constant(seed, tf.int64)) for seed in seeds]


def test_the_seed_decides_and_no_two_seeds_are_alike():
    seeds = [(seed, position) for seed in (0, 1, 2, -5) for position in (*range(40), 2**40)]
    windows = np.array([plan.window for plan in plans("ssd", seeds)])
    np.testing.assert_array_equal(windows, [plan.window for plan in plans("ssd", seeds)])
    drawn = windows[(windows != [0.0, 0.0, 1.0, 1.0]).any(axis=1)]
    assert len(drawn) > 100
    assert len(np.unique(drawn, axis=0)) == len(drawn)


def test_flips_happen_half_the_time():
    flips = [bool(plan.flip) for plan in plans("anime", [(9, position) for position in range(200)])]
    assert 70 < sum(flips) < 130  # 4 standard deviations


def test_unknown_preset_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"augmentation 'strong'.*none, ssd, anime"):
        get_preset("strong")


def test_anime_keeps_colours_within_the_design():
    anime = get_preset("anime")
    assert 0.0 < anime.hue <= 0.02
    assert anime.saturation == (0.9, 1.1)
    assert anime.brightness < get_preset("ssd").brightness
    assert anime.zoom_out_limit <= 2.5


def test_what_options_change_and_nothing_else():
    anime = presets()["anime"]
    assert get_preset("anime") == anime
    assert get_preset("anime", paste_probability=0.3) == dataclasses.replace(anime, paste_probability=0.3)
    wider = get_preset("anime", zoom_out_max=3.0)
    assert (wider.zoom_out_limit, wider.zoom_out_probability) == (3.0, anime.zoom_out_probability)
    assert get_preset("anime", zoom_out_max=1.0).zoom_out_probability == 0.0
