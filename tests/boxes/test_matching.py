import numpy as np
import pytest

from boxes.coding import decode
from boxes.geometry import iou
from boxes.matching import assign_targets, match_anchors

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
    low = rng.uniform(0, 0.8, (1, 6, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.05, 0.2, (1, 6, 2))], -1).astype(np.float32)
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
