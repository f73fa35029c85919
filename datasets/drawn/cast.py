"""Who is drawn: the eight named characters, strangers a little like them, and how somebody stands."""

import math
import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from datasets.drawn.colours import Colour, colour, colours
from datasets.drawn.strokes import table

# How far a stranger's hair must be from that of the one with the same cut, in the RGB cube with side 1: so
# far that evening and night do not make them alike.
UNLIKE = 0.35


@dataclass(frozen=True)
class Outfit:
    """What somebody wears; cast.toml says what may stand here."""

    collar: str
    top: Colour
    accent: Colour
    bottom: Colour
    below: str = "skirt"
    sleeves: str = "long"
    socks: Colour | None = None
    shoes: Colour = (0.25, 0.18, 0.17)


@dataclass(frozen=True)
class Person:
    """Everything that makes somebody recognisable; cast.toml says what may stand here.

    Attributes:
        name: the label, or None for a stranger.
        accessories: (one of accessories.toml, its colour).
    """

    name: str | None
    hair: str
    hair_colour: Colour
    eyes: str
    eye_colour: Colour
    accessories: tuple[tuple[str, Colour], ...]
    outfit: Outfit
    skin: Colour = (1.0, 0.902, 0.843)
    boy: bool = False
    freckles: bool = False
    mole: bool = False


@dataclass(frozen=True)
class Pose:
    """How and where somebody is.

    Attributes:
        x, y: middle of the face in the picture, in pixels.
        unit: pixels per head unit (a head is a little over two units high).
        tilt: of the head, in degrees clockwise.
        turn: -1...1, sideways.
        nod: -1...1, features up or down.
        flip: whether left and right are exchanged.
        lean: of the body, in degrees.
        expression: one of face.toml.
        arms: one of clothes.toml.
        gaze: where the eyes look, -1...1 each way.
    """

    x: float
    y: float
    unit: float
    tilt: float = 0.0
    turn: float = 0.0
    nod: float = 0.0
    flip: bool = False
    lean: float = 0.0
    expression: str = "neutral"
    arms: str = "rest"
    gaze: tuple[float, float] = (0.0, 0.0)


@cache
def cast() -> tuple[Person, ...]:
    """Returns the eight."""
    return tuple(_person(**row) for row in table("cast")["people"])


def names() -> tuple[str, ...]:
    """Returns their names, in which they are labelled."""
    return tuple(person.name for person in cast() if person.name is not None)


def _person(
    hair: list[str], eyes: list[str], worn: dict[str, str], outfit: dict[str, str], **more: Any
) -> Person:
    """Returns a row of cast.toml with its colours read."""
    if "skin" in more:
        more["skin"] = colour(more["skin"])
    words = {key: outfit[key] for key in ("collar", "below", "sleeves") if key in outfit}
    tones = {key: colour(tone) for key, tone in outfit.items() if key not in words}
    return Person(
        hair=hair[0],
        hair_colour=colour(hair[1]),
        eyes=eyes[0],
        eye_colour=colour(eyes[1]),
        accessories=tuple((thing, colour(tone)) for thing, tone in worn.items()),
        outfit=Outfit(**words, **tones),  # pyright: ignore[reportArgumentType]
        **more,
    )


def make_stranger(source: random.Random) -> Person:
    """Returns somebody who is not of the cast: the cut of hair of one of them, in a colour of nobody's."""
    pick, wardrobe = source.choice, table("cast")["strangers"]
    tones = {key: colours(text) for key, text in wardrobe.items() if isinstance(text, str)}
    double = pick(cast())
    accessories: list[tuple[str, Colour]] = []
    extra = source.random()
    if extra < 0.22:
        accessories.append(("glasses", pick(tones["frames"])))
    elif extra < 0.40:
        accessories.append(("hairband", pick(tones["clothes"])))
    elif extra < 0.64 and not double.boy:
        accessories.append(("beret" if extra < 0.52 else "big bow", pick(tones["clothes"])))
    if double.hair == "twin tails":
        accessories.append(("ribbons", pick(tones["ribbons"])))
    top, accent, bottom = source.sample(tones["clothes"], 3)
    return Person(
        name=None,
        hair=double.hair,
        hair_colour=pick([tone for tone in tones["hair"] if math.dist(tone, double.hair_colour) > UNLIKE]),
        eyes=pick(wardrobe["cuts"]),
        eye_colour=pick(tones["eyes"]),
        accessories=tuple(accessories),
        outfit=Outfit(
            collar=pick(wardrobe["collars"]),
            top=top,
            accent=accent,
            bottom=bottom,
            below="trousers" if double.boy else pick(("skirt", "trousers", "shorts", "gown")),
            sleeves=pick(("long", "short")),
            socks=pick((None, *tones["socks"])),
        ),
        skin=pick(tones["skin"]),
        boy=double.boy,
    )
