import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxes.geometry import decode, encode, from_pixels, iou, to_pixels
from boxes.matching import assign_targets, match_anchors

ANCHOR = np.array([[0.2, 0.3, 0.6, 0.5]], np.float32)  # centre (0.4, 0.4), height 0.4, width 0.2


def random_corners(rng, shape):
    low = rng.uniform(0.0, 0.7, (*shape, 2))
    return np.concatenate([low, low + rng.uniform(0.02, 0.3, (*shape, 2))], axis=-1).astype(np.float32)


def test_code_by_hand_has_the_order_of_caffe():
    box = np.array([[0.3, 0.4, 0.7, 0.8]], np.float32)  # centre (0.5, 0.6), height 0.4, width 0.4
    expected = [(0.6 - 0.4) / 0.2 / 0.1, (0.5 - 0.4) / 0.4 / 0.1, np.log(2.0) / 0.2, 0.0]
    np.testing.assert_allclose(np.asarray(encode(box, ANCHOR))[0], expected, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.lists(st.floats(0.05, 2.0), min_size=4, max_size=4, unique=True).map(tuple))
def test_decode_inverts_encode_with_four_different_scales(seed, scales):
    rng = np.random.default_rng(seed)
    boxes_, anchors = random_corners(rng, (2, 7)), random_corners(rng, (7,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("boxes.geometry.SCALES", scales)
        back = np.asarray(decode(encode(boxes_, anchors), anchors))
    np.testing.assert_allclose(back, boxes_, atol=1e-5)


def test_pixels_by_hand_and_back(rng):
    pixels = to_pixels(np.array([[0.25, 0.5, 0.75, 1.0]], np.float32), 200, 400)
    assert (pixels.dtype, pixels.tolist()) == (np.float64, [[200, 50, 400, 150]])
    boxes = rng.uniform(-0.5, 1.5, (3, 5, 4))
    for some in (boxes, boxes[:0]):
        np.testing.assert_allclose(from_pixels(to_pixels(some, 173, 311), 173, 311), some, rtol=1e-12)


# The quarters of a picture, and all of it.
ANCHORS = np.array([[0, 0, 1, 1], [0, 1, 1, 2], [1, 0, 2, 1], [1, 1, 2, 2], [0, 0, 2, 2]], np.float32) / 2


def test_overlap_above_the_threshold_and_best_anchor_of_a_small_object():
    boxes = np.array([[[0.0, 0.0, 0.5, 0.45], [0.8, 0.8, 0.9, 0.9]]], np.float32)
    codes, classes = (np.asarray(value) for value in assign_targets(ANCHORS, boxes, np.array([[3, 7]])))
    # The tiny object overlaps nothing by half, yet gets its best anchor: the lower right quarter.
    np.testing.assert_array_equal(classes, [[3, 0, 0, 7, 0]])
    decoded = np.asarray(decode(codes, ANCHORS))[0]
    np.testing.assert_allclose(decoded[[0, 3]], boxes[0], atol=1e-6)
    np.testing.assert_array_equal(codes[0, [1, 2, 4]], 0.0)


def test_padding_and_empty_pictures_match_nothing():
    boxes = np.zeros((2, 3, 4), np.float32)
    codes, classes = assign_targets(ANCHORS, boxes, np.zeros((2, 3), np.int32))
    np.testing.assert_array_equal(np.asarray(classes), 0)
    assert np.isfinite(np.asarray(codes)).all()


def test_two_objects_on_one_spot_get_two_anchors():
    boxes = np.array([[[0.0, 0.0, 0.5, 0.5], [0.0, 0.02, 0.5, 0.5]]], np.float32)
    _, classes = assign_targets(ANCHORS, boxes, np.array([[1, 2]]))
    assert set(np.asarray(classes)[0]) == {0, 1, 2}


def test_forced_match_beats_the_threshold_match():
    # Anchor 0 overlaps object 0 by 0.6, but it is the best that object 1 can get.
    overlaps = np.zeros((1, 3, 2), np.float32)
    overlaps[0, 0] = [0.6, 0.3]
    overlaps[0, 1] = [0.9, 0.0]
    matched = np.asarray(match_anchors(overlaps, np.array([[True, True]])))
    np.testing.assert_array_equal(matched, [[1, 0, -1]])


@pytest.mark.parametrize("seed", range(5))
def test_every_object_is_matched_and_order_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    boxes = random_corners(rng, (1, 6))
    grid = np.stack(np.meshgrid(np.arange(10), np.arange(10), indexing="ij"), -1).reshape(-1, 2) / 10
    anchors = np.concatenate([grid, grid + 0.12], -1).astype(np.float32)
    classes = np.arange(1, 7)[None]
    _, assigned = assign_targets(anchors, boxes, classes)
    assert set(range(1, 7)) <= set(np.asarray(assigned)[0])
    shuffled = rng.permutation(6)
    _, again = assign_targets(anchors, boxes[:, shuffled], classes[:, shuffled])
    np.testing.assert_array_equal(np.asarray(assigned), np.asarray(again))
    overlaps = np.asarray(iou(anchors, boxes[0]))
    unmatched = np.asarray(assigned)[0] == 0
    assert overlaps[unmatched].max(initial=0.0) <= 0.5
