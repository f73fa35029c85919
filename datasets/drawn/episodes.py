"""Episodes: the palette, places, style and light that the pictures of one source share."""

import colorsys
import random
from dataclasses import dataclass

from datasets.drawn.backgrounds import BACKGROUNDS
from datasets.drawn.colours import Colour, Palette, colour
from datasets.drawn.pen import Style


@dataclass(frozen=True)
class Light:
    """How light changes the colours of a finished picture.

    Attributes:
        gain: factor for red, green and blue.
        saturation: 0 is grey, 1 leaves the colours as they are.
        lift: added to every channel, 0...1 (haze).
        beam: colour of a gradient of light or shade over the picture, or None.
        beam_strength: its opacity on its strong side.
        dark: whether the gradient darkens (multiplies) instead of brightening (screens).
    """

    gain: Colour = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    lift: float = 0.0
    beam: Colour | None = None
    beam_strength: float = 0.0
    dark: bool = False


LIGHTS: dict[str, Light] = {
    "day": Light(),
    "bright": Light((1.04, 1.04, 1.02), 1.05, 0.02, (1.0, 0.98, 0.88), 0.22),
    "evening": Light((1.02, 0.88, 0.76), 1.0, 0.01, (1.0, 0.62, 0.30), 0.30),
    "night": Light((0.68, 0.74, 0.98), 0.88, 0.0, (0.20, 0.22, 0.50), 0.45, dark=True),
    "overcast": Light((0.94, 0.96, 0.99), 0.80, 0.03),
    "shade": Light((0.90, 0.93, 1.0), 0.95, 0.0, (0.45, 0.45, 0.62), 0.55, dark=True),
    "stage": Light((0.95, 0.86, 1.0), 1.05, 0.0, (0.80, 0.35, 0.95), 0.25),
    "lamp": Light((1.0, 0.92, 0.80), 0.96, 0.0, (0.45, 0.30, 0.22), 0.45, dark=True),
}


@dataclass(frozen=True)
class Episode:
    """What the pictures of one episode have in common.

    Attributes:
        number: from 1.
        style: line and shading of the figures.
        palette: colours of the places.
        places: keys of ``backgrounds.BACKGROUNDS``.
        lights: keys of ``LIGHTS``.
        saturation: of the whole episode.
        quality: lowest and highest JPEG quality.
        grain: standard deviation of the film grain, in grey levels of 255.
    """

    number: int
    style: Style
    palette: Palette
    places: tuple[str, ...]
    lights: tuple[str, ...]
    saturation: float
    quality: tuple[int, int]
    grain: float


def _near(source: random.Random, hexadecimal: str, hue: float = 0.03) -> Colour:
    """Returns a colour near the given one."""
    base_hue, lightness, saturation = colorsys.rgb_to_hls(*colour(hexadecimal))
    return colorsys.hls_to_rgb(
        (base_hue + source.uniform(-hue, hue)) % 1.0,
        min(0.95, max(0.1, lightness + source.uniform(-0.06, 0.06))),
        min(1.0, max(0.0, saturation * source.uniform(0.75, 1.15))),
    )


def make_episode(seed: int, number: int) -> Episode:
    """Returns the episode with that number; the same for the same seed."""
    source = random.Random(f"{seed} {number}")
    style = Style(
        line=source.uniform(0.018, 0.034),
        shading=source.uniform(0.65, 1.1),
        shine=source.uniform(0.45, 0.9),
        soft=source.random() < 0.7,
    )
    accent = source.random()
    palette = Palette(
        sky=_near(source, "5aa8e8", 0.05),
        horizon=_near(source, "cfeaf8", 0.08),
        leaf=_near(source, "6fb05a", 0.06),
        wall=_near(source, "efe6d2", 0.10),
        wood=_near(source, "c08a5c", 0.03),
        accent=colorsys.hls_to_rgb(accent, 0.62, 0.65),
        other=colorsys.hls_to_rgb((accent + source.uniform(0.25, 0.75)) % 1.0, 0.55, 0.45),
    )
    places = tuple(source.sample(sorted(BACKGROUNDS), 5))
    lights = ("day", *source.sample([name for name in LIGHTS if name != "day"], 3))
    low = source.randint(62, 84)
    return Episode(
        number,
        style,
        palette,
        places,
        lights,
        source.uniform(0.88, 1.12),
        (low, min(96, low + 14)),
        source.choice((0.0, 1.5, 3.0, 5.0)),
    )
