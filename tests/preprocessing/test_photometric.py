import colorsys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.photometric import (
    CHROMA,
    COLOUR_DRAWS,
    LUMA,
    TURNED,
    change_colour,
    colour_change,
    draw_colour_change,
)
from preprocessing.presets import get_preset
from tests.conftest import tables


def fractions(count):
    return st.lists(st.floats(0.0, 1.0, width=32), min_size=count, max_size=count)


def changed(colour, **change):
    neutral = {"brightness": 0.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0, "pivot": 0.0}
    image = np.array([[colour]], np.float32)
    return change_colour(image, colour_change(**{**neutral, **change})).numpy()[0, 0]


def hue_degrees(colour):
    return 360.0 * colorsys.rgb_to_hsv(*(np.asarray(colour, float) / 255.0))[0]


@pytest.mark.parametrize(("colour", "change", "expected"), tables(__file__)["changes"])
def test_each_change_by_hand(colour, change, expected):
    np.testing.assert_allclose(changed(colour, **change), expected, atol=1e-3)


def test_a_turned_hue_by_hand():
    # A third of the circle makes red green, the lighter by the luma that a red of 100 has: less than green's.
    turned = changed([100, 0, 0], hue=1.0 / 3.0, brightness=100.0)
    assert turned[1] - turned[0] == pytest.approx(100.0, abs=1e-3)
    assert turned[0] == pytest.approx(turned[2], abs=1e-3)


@pytest.mark.parametrize("contrast_first", [True, False])
def test_both_orders_of_the_paper_are_this_map(rng, contrast_first):
    colours = rng.uniform(60.0, 190.0, (50, 3))
    brightness, contrast, saturation, hue, pivot = 9.0, 1.2, 0.8, 0.05, 128.0

    def apply_contrast(x):
        return contrast * (x - pivot) + pivot

    def apply_saturation(x):
        return x @ (LUMA + saturation * CHROMA).T

    def apply_hue(x):
        return x @ (LUMA + np.cos(2 * np.pi * hue) * CHROMA + np.sin(2 * np.pi * hue) * TURNED).T

    expected = colours + brightness
    steps = [apply_contrast, apply_saturation, apply_hue]
    for step in steps if contrast_first else [*steps[1:], steps[0]]:
        expected = step(expected)
    change = colour_change(brightness, contrast, saturation, hue, pivot=pivot)
    actual = change_colour(colours[np.newaxis].astype(np.float32), change)[0]
    np.testing.assert_allclose(actual, np.clip(expected, 0.0, 255.0), atol=1e-2)


@given(draws=fractions(COLOUR_DRAWS), grey=st.floats(40.0, 200.0))
def test_greys_stay_grey(draws, grey):
    change = draw_colour_change(tf.constant(draws), get_preset("ssd"))
    result = change_colour(np.full((1, 1, 3), grey, np.float32), change).numpy()
    assert np.ptp(result) < 1e-2


COLOURS = [(255, 0, 0), (200, 30, 30), (240, 150, 170), (60, 60, 200), (230, 200, 60), (40, 160, 90)]


@given(draws=fractions(COLOUR_DRAWS), colour=st.sampled_from(COLOURS))
def test_anime_turns_no_colour_into_another(draws, colour):
    change = draw_colour_change(tf.constant(draws), get_preset("anime"))
    result = change_colour(np.array([[colour]], np.float32), change).numpy()[0, 0]
    turned = (hue_degrees(result) - hue_degrees(colour) + 180.0) % 360.0 - 180.0
    assert abs(turned) < 12.0  # 7.2 of the preset, HSV's corners, clipping


def test_probability_zero_leaves_colours_alone():
    change = draw_colour_change(tf.constant([0.0] * 4 + [1.0] * 4), get_preset("none"))
    np.testing.assert_allclose(change.matrix, np.eye(3), atol=1e-6)
    assert float(change.offset) == 0.0
