import numpy as np
import pytest

from boxes.anchor_fitting import fit_anchors, shape_overlaps, shapes_of, with_shapes
from boxes.anchors import AnchorLayer
from boxes.geometry import iou

LAYERS = (
    AnchorLayer(4, 4, 0.25, ((0.1, 0.1), (0.2, 0.1))),
    AnchorLayer(1, 1, 1.0, ((0.8, 0.8),)),
)


def test_overlaps_of_shapes_are_those_of_boxes_that_share_a_centre():
    shapes = np.random.default_rng(1).uniform(0.05, 0.9, (6, 2))
    boxes = np.concatenate([0.5 - shapes / 2, 0.5 + shapes / 2], axis=1)
    np.testing.assert_allclose(shape_overlaps(shapes, shapes), np.asarray(iou(boxes, boxes)), atol=1e-6)


def test_anchors_move_to_the_boxes_and_keep_their_places():
    random = np.random.default_rng(2)
    small, tall = np.array((0.14, 0.12)), np.array((0.3, 0.12))
    shapes = np.concatenate([middle * random.uniform(0.95, 1.05, (50, 2)) for middle in (tall, small)])
    fitted = fit_anchors(LAYERS, shapes)
    assert [(layer.rows, layer.step, len(layer.shapes)) for layer in fitted] == [(4, 0.25, 2), (1, 1.0, 1)]
    np.testing.assert_allclose(fitted[0].shapes, (small, tall), rtol=0.03)
    assert fitted[1].shapes == ((0.8, 0.8),)  # nothing of its size: as it was
    before, after = (
        shape_overlaps(shapes, np.array(shapes_of(layers))).max(axis=1).mean() for layers in (LAYERS, fitted)
    )
    assert after > before + 0.1


@pytest.mark.parametrize("shapes", [np.zeros((0, 2)), np.array([(0.0, 0.3)] * 20), np.full((9, 2), 0.5)])
def test_few_or_empty_boxes_move_nothing(shapes):
    assert fit_anchors(LAYERS, shapes) == LAYERS


def test_shapes_for_json_and_back():
    assert with_shapes(LAYERS, shapes_of(LAYERS)) == LAYERS


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([[0.1, 0.1]], "not a pair for each anchor"),
        ([[0.1, 0.1], [0.2, 0.0], [0.8, 0.8]], "fractions of the picture"),
        ([[0.1, 0.1], [0.2, float("nan")], [0.8, 0.8]], "fractions of the picture"),
    ],
)
def test_shapes_from_outside_are_looked_at(shapes, message):
    with pytest.raises(ValueError, match=message):
        with_shapes(LAYERS, shapes)
