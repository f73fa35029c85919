import numpy as np

from boxes.anchors import AnchorLayer, make_anchors, ssd_shapes


def test_shapes_in_the_order_of_caffe():
    wide = (0.2 / 2**0.5, 0.2 * 2**0.5)
    expected = (0.2, 0.2), (0.3, 0.3), wide, wide[::-1]
    np.testing.assert_allclose(ssd_shapes(0.2, 0.45, (2.0, 0.5)), expected)


def test_order_is_layer_row_column_anchor():
    layers = AnchorLayer(2, 3, 0.25, ((0.1, 0.2), (0.3, 0.3))), AnchorLayer(1, 1, 1.0, ((1.2, 1.0),))
    anchors = make_anchors(layers)
    assert anchors.shape == (sum(layer.count for layer in layers), 4) == (13, 4)
    assert anchors.dtype == np.float32
    expected = [
        [0.075, 0.025, 0.175, 0.225],  # row 0, column 0
        [0.075, 0.275, 0.175, 0.475],  # column 1
        [0.325, 0.025, 0.425, 0.225],  # row 1
        [-0.1, 0.0, 1.1, 1.0],  # not clipped
    ]
    np.testing.assert_allclose(anchors[[0, 2, 6, -1]], expected, atol=1e-6)
