import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.geometric import (
    ZOOM_OUT_DRAWS,
    candidate_crops,
    crop_draws,
    draw_crop,
    draw_zoom_out,
    flip_boxes,
    keep_visible,
    seen_through,
    whole_picture,
    window_inside,
)
from preprocessing.presets import get_preset

SSD = get_preset("ssd")
WHOLE = [0.0, 0.0, 1.0, 1.0]


@st.composite
def boxes_strategy(draw, max_boxes=4):
    """float32 [G, 4] of valid boxes with sides of at least 0.02; G from 0."""
    rows = []
    for _ in range(draw(st.integers(0, max_boxes))):
        height, width = draw(st.floats(0.02, 1.0)), draw(st.floats(0.02, 1.0))
        top, left = draw(st.floats(0.0, 1.0)) * (1.0 - height), draw(st.floats(0.0, 1.0)) * (1.0 - width)
        rows.append([top, left, min(top + height, 1.0), min(left + width, 1.0)])
    return np.array(rows, np.float32).reshape(-1, 4)


def iou(box, other):
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0.0))
    return shared / (np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - shared)


@given(draws=st.lists(st.floats(0.0, 1.0, width=32), min_size=ZOOM_OUT_DRAWS, max_size=ZOOM_OUT_DRAWS))
def test_a_canvas_contains_the_picture_and_is_at_most_the_limit(draws):
    ymin, xmin, ymax, xmax = draw_zoom_out(tf.constant(draws), SSD).numpy()
    assert max(ymin, xmin) <= 0.0
    assert min(ymax, xmax) >= 1.0 - 1e-6
    assert ymax - ymin == pytest.approx(xmax - xmin, abs=1e-5)
    assert ymax - ymin <= SSD.zoom_out_limit + 1e-5
    if draws[0] >= SSD.zoom_out_probability:
        assert (ymin, xmin, ymax, xmax) == (0.0, 0.0, 1.0, 1.0)


@given(draws=st.lists(st.floats(0.0, 1.0, width=32), min_size=4, max_size=4))
def test_candidate_crops_have_the_sizes_and_shapes_of_caffe(draws):
    crop = candidate_crops(tf.constant(draws), SSD).numpy()
    height, width = crop[2:] - crop[:2]
    assert crop.min() >= 0.0
    assert crop.max() <= 1.0 + 1e-6
    assert 0.3 - 1e-4 <= np.sqrt(height * width) <= 1.0 + 1e-4
    assert 0.5 - 1e-3 <= width / height <= 2.0 + 1e-2


@given(boxes=boxes_strategy(), seed=st.integers(0, 2**31), overlap=st.sampled_from([0.0, 0.1, 0.5, 0.9]))
def test_a_crop_keeps_its_promise(overlap, boxes, seed):
    """One sampler: its crop has the overlap and holds an object's centre, or the whole canvas is shown."""
    augmentation = dataclasses.replace(SSD, crop_overlaps=(overlap,))
    draws = tf.random.stateless_uniform([crop_draws(augmentation)], (seed, 0), alg="philox")
    crop = draw_crop(draws, boxes, whole_picture(), augmentation).numpy()
    assert (crop >= 0.0).all()
    assert (crop <= 1.0 + 1e-6).all()
    assert (crop[2:] > crop[:2]).all()
    if crop.tolist() != WHOLE and len(boxes):
        assert max(iou(crop, box) for box in boxes) >= overlap - 1e-5
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2.0
        assert ((centres >= crop[:2]) & (centres <= crop[2:])).all(axis=1).any()


def many_crops(augmentation, boxes, picture, count):
    @tf.function
    def draw(seed):
        draws = tf.random.stateless_uniform([crop_draws(augmentation)], tf.stack([seed, 0]), alg="philox")
        return draw_crop(draws, boxes, picture, augmentation)

    return np.array([draw(seed) for seed in tf.range(count)])


def test_every_sampler_and_the_whole_picture_get_their_turn():
    box = tf.constant([[0.2, 0.2, 0.8, 0.8]])
    crops = many_crops(SSD, box, whole_picture(), 400)
    whole = (crops == WHOLE).all(axis=1).mean()
    overlaps = np.array([iou(crop, box[0].numpy()) for crop in crops])
    assert 0.05 < whole < 0.30  # 1/7, or 1/5 when two of the samplers found nothing; 5 standard deviations
    assert 0.25 < (overlaps >= 0.5).mean() < 0.75  # the samplers of 0.5 and 0.7, and some of the others
    assert 0.02 < (overlaps < 0.3).mean() < 0.40  # the samplers of 0.1 and of anything


def test_a_picture_without_objects_is_cropped_too_and_never_to_nothing():
    picture = tf.constant([0.3, 0.3, 0.6, 0.6])  # on a canvas
    crops = many_crops(SSD, tf.zeros([0, 4]), picture, 100)
    assert len(np.unique(crops, axis=0)) > 50
    cropped = crops[(crops != WHOLE).any(axis=1)]
    centres = (cropped[:, :2] + cropped[:, 2:]) / 2.0
    assert ((centres >= 0.3) & (centres <= 0.6)).all()


@given(boxes=boxes_strategy(), outer=boxes_strategy(1), inner=boxes_strategy(1))
def test_seen_through_undoes_window_inside(boxes, outer, inner):
    for window in [*outer, *inner, np.array([-1.5, -0.5, 2.0, 3.0], np.float32)]:
        there_and_back = window_inside(window, seen_through(window, boxes)).numpy()
        np.testing.assert_allclose(there_and_back, boxes, atol=1e-4)


def test_boxes_seen_through_a_quarter_by_hand():
    window = tf.constant([0.5, 0.0, 1.0, 0.5])
    boxes = tf.constant([[0.5, 0.0, 1.0, 0.5], [0.25, 0.25, 0.75, 0.5], [0.0, 0.6, 0.2, 0.9]])
    seen = seen_through(window, boxes)
    np.testing.assert_allclose(
        seen, [[0.0, 0.0, 1.0, 1.0], [-0.5, 0.5, 0.5, 1.0], [-1.0, 1.2, -0.6, 1.8]], atol=1e-6
    )
    clipped, keep = keep_visible(seen, smallest_side=0.0)
    np.testing.assert_allclose(clipped[:2], [[0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0]], atol=1e-6)
    assert keep.numpy().tolist() == [True, True, False]


def test_what_is_left_too_small_is_dropped():
    boxes = tf.constant([[0.5, 0.5, 0.52, 0.9], [0.5, 0.5, 0.6, 0.6], [0.5, 0.5, 0.5, 0.9]])
    assert keep_visible(boxes, smallest_side=0.05)[1].numpy().tolist() == [False, True, False]
    assert keep_visible(boxes, smallest_side=0.0)[1].numpy().tolist() == [True, True, False]


@given(boxes=boxes_strategy())
def test_flipping_boxes_twice_is_nothing(boxes):
    flipped = flip_boxes(boxes).numpy()
    assert (flipped[:, 2:] > flipped[:, :2]).all()
    np.testing.assert_allclose(flip_boxes(flipped), boxes, atol=1e-6)
    np.testing.assert_array_equal(flipped[:, [0, 2]], boxes[:, [0, 2]])
