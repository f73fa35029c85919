import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from boxes.detections import Detections
from boxes.geometry import area, centers_to_corners, clip, corners_to_centers, intersection, iou
from nets.losses import generalized_iou

ONE = np.array([[0.0, 0.0, 0.5, 0.5]], np.float32)


@st.composite
def boxes(draw, count=4):
    corners = draw(arrays(np.float32, (count, 2, 2), elements=st.floats(0, 1, width=32)))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def test_area_of_a_quarter_and_of_an_inverted_box_and_clip():
    inverted = np.array([[0.5, 0.5, 0.25, 0.75]], np.float32)
    np.testing.assert_allclose(area(np.concatenate([ONE, inverted])), [0.25, 0.0])
    np.testing.assert_allclose(clip(np.array([[-0.1, 0.2, 1.3, 0.9]], np.float32)), [[0.0, 0.2, 1.0, 0.9]])


def test_intersection_is_batched():
    others = np.array([[0.25, 0.25, 0.75, 0.75], [0.5, 0.5, 1.0, 1.0]], np.float32)
    shared = np.asarray(intersection(np.stack([ONE, ONE]), np.stack([others, others])))
    assert shared.shape == (2, 1, 2)
    np.testing.assert_allclose(shared[0], [[0.0625, 0.0]])


def test_iou_by_hand():
    others = np.array([[0.0, 0.0, 0.5, 0.5], [0.25, 0.0, 0.75, 0.5], [0.6, 0.6, 0.9, 0.9]], np.float32)
    np.testing.assert_allclose(np.asarray(iou(ONE, others)), [[1.0, 1 / 3, 0.0]], rtol=1e-6)
    assert np.asarray(iou(0 * ONE, 0 * ONE)).tolist() == [[0.0]]  # empty boxes


@settings(deadline=None, max_examples=30)
@given(boxes(), boxes())
def test_iou_is_symmetric_and_bounded(a, b):
    overlaps = np.asarray(iou(a, b))
    np.testing.assert_allclose(overlaps, np.asarray(iou(b, a)).T, atol=1e-6)
    assert overlaps.min() >= 0.0
    assert overlaps.max() <= 1.0 + 1e-6


@settings(deadline=None, max_examples=30)
@given(boxes())
def test_centers_and_corners_are_inverse(a):
    np.testing.assert_allclose(np.asarray(centers_to_corners(corners_to_centers(a))), a, atol=1e-6)


def test_generalized_iou_by_hand():
    """A quarter of the picture with: itself, the quarter beside it, the one across, one half over it."""
    others = [[0.0, 0.0, 0.5, 0.5], [0.0, 0.5, 0.5, 1.0], [0.5, 0.5, 1.0, 1.0], [0.0, 0.25, 0.5, 0.75]]
    np.testing.assert_allclose(
        np.asarray(generalized_iou(ONE, np.array(others, np.float32))), [1.0, 0.0, -0.5, 1 / 3], atol=1e-5
    )


@settings(deadline=None, max_examples=30)
@given(boxes(), boxes())
def test_generalized_iou_is_bounded_and_not_above_iou(a, b):
    generalized = np.asarray(generalized_iou(a, b))
    assert np.isfinite(generalized).all()
    assert (generalized <= np.diagonal(np.asarray(iou(a, b))) + 1e-4).all()
    assert (generalized >= -1.0 - 1e-4).all()


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="2 names"):
        Detections(np.zeros((3, 4), np.float32), np.zeros(3, np.float32), ("a", "b"))


def test_one_threshold_or_one_for_each_and_what_goes_along():
    found = Detections(
        np.arange(12, dtype="f").reshape(3, 4), np.array([0.9, 0.6, 0.5], "f"), ("a", "b", "a"),
        np.array([1, 2, 3], "f"),
    )  # fmt: skip
    assert found.above(0.55).names == ("a", "b")
    kept = found.above(np.array([0.95, 0.5, 0.5], "f"))
    assert kept.names == ("b", "a")
    assert kept.boxes.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert np.asarray(kept.evidence).tolist() == [2, 3]
    assert kept.renamed(["x", "y"]).names == ("x", "y")
