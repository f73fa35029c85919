import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import boxes.coding
from boxes.coding import decode, encode
from boxes.pixels import from_pixels, to_pixels

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
    original = boxes.coding.SCALES
    boxes.coding.SCALES = scales
    try:
        back = np.asarray(decode(encode(boxes_, anchors), anchors))
    finally:
        boxes.coding.SCALES = original
    np.testing.assert_allclose(back, boxes_, atol=1e-5)


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
