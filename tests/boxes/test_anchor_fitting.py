import numpy as np
import pytest

from boxes.anchor_fitting import best_anchors, fit_anchors
from boxes.anchors import AnchorLayer, make_anchors, shapes_of, ssd_shapes, with_shapes
from boxes.geometry import iou
from tests.conftest import tables

LAYERS = (AnchorLayer(8, 8, 0.125, ((0.2, 0.2), (0.3, 0.15))), AnchorLayer(1, 1, 1.0, ((0.8, 0.8),)))


def boxes_of(shapes, rng):
    """Boxes of these shapes anywhere in the picture: [N, 4]."""
    shapes = np.asarray(shapes)
    corners = rng.uniform(0.0, 1.0 - shapes)
    return np.concatenate([corners, corners + shapes], axis=1)


def test_the_best_anchor_of_every_box(rng):
    boxes = boxes_of(rng.uniform(0.1, 0.8, (600, 2)), rng)  # more than are looked at at once
    overlaps, shapes = best_anchors(LAYERS, boxes)
    expected = np.asarray(iou(boxes.astype(np.float32), make_anchors(LAYERS)))
    np.testing.assert_allclose(overlaps, expected.max(axis=1), atol=1e-6)
    large = expected[:, -1] == expected.max(axis=1)
    assert ((shapes == 2) == large).all()
    assert large.any()
    assert np.bincount(shapes).min() > 0


def test_anchors_move_to_the_boxes_and_keep_their_places(rng):
    small, tall = np.array((0.22, 0.26)), np.array((0.4, 0.2))
    shapes = np.concatenate([middle * rng.uniform(0.95, 1.05, (200, 2)) for middle in (tall, small)])
    boxes = boxes_of(shapes, rng)
    fitted = fit_anchors(LAYERS, boxes)
    assert [(layer.rows, layer.step, len(layer.shapes)) for layer in fitted] == [(8, 0.125, 2), (1, 1.0, 1)]
    np.testing.assert_allclose(fitted[0].shapes, (small, tall), rtol=0.03)
    assert fitted[1].shapes == ((0.8, 0.8),)  # nothing of its size: as it was
    assert best_anchors(fitted, boxes)[0].mean() > best_anchors(LAYERS, boxes)[0].mean() + 0.1


def test_a_coarse_map_does_not_shrink_to_boxes_that_it_cannot_meet(rng):
    """With all boxes moved to one centre it would: its anchor is the likest of the two."""
    layers = (AnchorLayer(8, 8, 0.125, ((0.5, 0.5),)), AnchorLayer(1, 1, 1.0, ((0.2, 0.2),)))
    boxes = boxes_of(np.full((300, 2), 0.2) * rng.uniform(0.9, 1.1, (300, 2)), rng)
    fitted = fit_anchors(layers, boxes)
    np.testing.assert_allclose(fitted[0].shapes[0], (0.2, 0.2), rtol=0.1)


@pytest.mark.parametrize(
    "boxes", [np.zeros((0, 4)), np.full((20, 4), 0.3), np.array([[0.1, 0.1, 0.4, 0.5]] * 9)]
)
def test_few_or_empty_boxes_move_nothing(boxes):
    assert fit_anchors(LAYERS, boxes) == LAYERS


@pytest.mark.parametrize(("shapes", "message"), tables(__file__)["no_shapes"])
def test_shapes_from_outside_are_looked_at(shapes, message):
    assert with_shapes(LAYERS, shapes_of(LAYERS)) == LAYERS
    with pytest.raises(ValueError, match=message):
        with_shapes(LAYERS, shapes)


def test_shapes_in_the_order_of_caffe():
    wide = (0.2 / 2**0.5, 0.2 * 2**0.5)
    expected = (0.2, 0.2), (0.3, 0.3), wide, wide[::-1]
    np.testing.assert_allclose(ssd_shapes(0.2, 0.45, (2.0, 0.5)), expected)


def test_order_is_layer_row_column_anchor():
    layers = AnchorLayer(2, 3, 0.25, ((0.1, 0.2), (0.3, 0.3))), AnchorLayer(1, 1, 1.0, ((1.2, 1.0),))
    anchors = make_anchors(layers)
    assert anchors.shape == (2 * 3 * 2 + 1, 4)
    assert anchors.dtype == np.float32
    expected = [
        [0.075, 0.025, 0.175, 0.225],  # row 0, column 0
        [0.075, 0.275, 0.175, 0.475],  # column 1
        [0.325, 0.025, 0.425, 0.225],  # row 1
        [-0.1, 0.0, 1.1, 1.0],  # not clipped
    ]
    np.testing.assert_allclose(anchors[[0, 2, 6, -1]], expected, atol=1e-6)
