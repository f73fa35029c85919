import numpy as np

from boxes.anchors import AnchorLayer, make_anchors, ssd_shapes


def test_shapes_in_the_order_of_caffe():
    square, extra, wide, tall = ssd_shapes(0.2, 0.45, (2.0, 0.5))
    np.testing.assert_allclose(square, (0.2, 0.2))
    np.testing.assert_allclose(extra, (0.3, 0.3))
    np.testing.assert_allclose(wide, (0.2 / 2**0.5, 0.2 * 2**0.5))
    np.testing.assert_allclose(tall, (0.2 * 2**0.5, 0.2 / 2**0.5))


def test_order_is_layer_row_column_anchor():
    layers = (
        AnchorLayer(2, 3, 0.25, ((0.1, 0.2), (0.3, 0.3))),
        AnchorLayer(1, 1, 1.0, ((1.0, 1.0),)),
    )
    anchors = make_anchors(layers)
    assert anchors.shape == (sum(layer.count for layer in layers), 4) == (13, 4)
    assert anchors.dtype == np.float32
    np.testing.assert_allclose(anchors[0], [0.075, 0.025, 0.175, 0.225], rtol=1e-6)  # row 0, column 0
    np.testing.assert_allclose(anchors[2], [0.075, 0.275, 0.175, 0.475], rtol=1e-6)  # column 1
    np.testing.assert_allclose(anchors[6], [0.325, 0.025, 0.425, 0.225], rtol=1e-6)  # row 1
    np.testing.assert_allclose(anchors[-1], [0.0, 0.0, 1.0, 1.0], atol=1e-6)


def test_anchors_are_not_clipped():
    assert make_anchors([AnchorLayer(2, 2, 0.5, ((0.9, 0.9),))]).min() < 0.0
