"""Colours as (red, green, blue) in 0...1, and the few ways in which an anime painter bends them."""

import colorsys
from dataclasses import dataclass
from functools import lru_cache

import skia

Colour = tuple[float, float, float]

WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)
INK: Colour = (0.16, 0.11, 0.17)  # nearly black, a little warm: pure black looks printed on
_SHADOW: Colour = (0.74, 0.65, 0.80)


@dataclass(frozen=True)
class Palette:
    """What colour things have in the pictures of one episode."""

    sky: Colour
    horizon: Colour
    leaf: Colour
    wall: Colour
    wood: Colour
    accent: Colour
    other: Colour


def colour(hexadecimal: str) -> Colour:
    """Returns the colour written ``"ffcc88"``."""
    red, green, blue = bytes.fromhex(hexadecimal)
    return red / 255, green / 255, blue / 255


def colours(text: str) -> tuple[Colour, ...]:
    """Returns the colours written ``"ffcc88 000000"``."""
    return tuple(colour(word) for word in text.split())


def mix(one: Colour, other: Colour, amount: float) -> Colour:
    """Returns ``one`` at amount 0, ``other`` at amount 1, and what lies between."""
    red, green, blue = (a + (b - a) * amount for a, b in zip(one, other, strict=True))
    return red, green, blue


def shade(base: Colour, amount: float) -> Colour:
    """Returns the colour in shadow: multiplied with a violet, as cel painters do, so that it stays rich.

    Amount 0 leaves it, 1 is a deep shadow.
    """
    red, green, blue = (value * (1 + (keep - 1) * amount) for value, keep in zip(base, _SHADOW, strict=True))
    return max(0.0, red), max(0.0, green), max(0.0, blue)


def glow(base: Colour, amount: float) -> Colour:
    """Returns the colour in a highlight: lighter, never quite white."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*base)
    return colorsys.hls_to_rgb(hue, lightness + (0.97 - lightness) * amount, saturation)


def line_colour(base: Colour) -> Colour:
    """Returns the colour of the outline of an area: a dark relative of the area's own colour."""
    return mix(shade(shade(base, 1.0), 0.9), INK, 0.55)


def skin_shadow(skin: Colour, strength: float) -> Colour:
    """Returns the colour of a cel shadow on skin: pinker, not greyer."""
    return mix(skin, mix(shade(skin, 0.5), colour("d8766c"), 0.6), 0.50 * strength)


def skin_line(skin: Colour) -> Colour:
    """Returns the colour of lines on skin: a reddish brown."""
    return mix(shade(skin, 1.3), colour("6b2f33"), 0.62)


@lru_cache(maxsize=8192)
def argb(base: Colour, alpha: float = 1.0) -> int:
    """Returns Skia's 32-bit colour."""
    red, green, blue = (min(255, max(0, round(value * 255))) for value in base)
    return skia.ColorSetARGB(min(255, max(0, round(alpha * 255))), red, green, blue)
