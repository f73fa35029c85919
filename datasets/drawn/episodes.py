"""Episodes: the palette, places, style and light that the pictures of one source share."""

import colorsys
import random
from dataclasses import dataclass

from datasets.drawn.colours import Colour, Palette, colour
from datasets.drawn.pen import Style
from datasets.drawn.places import PLACES
from datasets.drawn.strokes import table


@dataclass(frozen=True)
class Episode:
    """What the pictures of one episode have in common."""

    number: int  # from 1
    style: Style  # line and shading of the figures
    palette: Palette  # colours of the places
    places: tuple[str, ...]  # keys of ``places.PLACES``
    lights: tuple[str, ...]  # keys of lights.toml
    saturation: float  # of the whole episode
    quality: tuple[int, int]  # lowest and highest JPEG quality
    grain: float  # standard deviation of the film grain, in grey levels of 255


def _near(source: random.Random, hexadecimal: str, hue: float) -> Colour:
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
    places = tuple(source.sample(sorted(PLACES), 5))
    lights = ("day", *source.sample([name for name in table("lights") if name != "day"], 3))
    low = source.randint(62, 84)
    saturation, grain = source.uniform(0.88, 1.12), source.choice((0.0, 1.5, 3.0, 5.0))
    return Episode(number, style, palette, places, lights, saturation, (low, min(96, low + 14)), grain)
