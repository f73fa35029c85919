import numpy as np

from boxes.pixels import from_pixels, to_pixels


def test_by_hand():
    boxes = np.array([[0.25, 0.5, 0.75, 1.0]], np.float32)
    pixels = to_pixels(boxes, 200, 400)
    assert pixels.dtype == np.float64
    assert pixels.tolist() == [[200, 50, 400, 150]]
    np.testing.assert_array_equal(from_pixels(pixels, 200, 400), boxes)


def test_round_trip(rng):
    boxes = rng.uniform(-0.5, 1.5, (3, 5, 4))
    np.testing.assert_allclose(from_pixels(to_pixels(boxes, 173, 311), 173, 311), boxes, rtol=1e-12)

    assert from_pixels(to_pixels(boxes[:0], 173, 311), 173, 311).shape == (0, 5, 4)
