"""The colours of an episode's world."""

from dataclasses import dataclass

from datasets.drawn.colours import Colour


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
