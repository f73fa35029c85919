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
_COLOURED = {"hair_colour", "eye_colour", "skin", "top", "accent", "bottom", "socks", "shoes"}  # in cast.toml


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
    """Everything that makes somebody recognisable; cast.toml says what may stand here."""

    name: str | None  # the label, or None for a stranger
    hair: str
    hair_colour: Colour
    eyes: str
    eye_colour: Colour
    accessories: tuple[tuple[str, Colour], ...]  # (one of accessories.toml, its colour)
    outfit: Outfit
    skin: Colour = (1.0, 0.902, 0.843)
    boy: bool = False
    freckles: bool = False
    mole: bool = False


@dataclass(frozen=True)
class Pose:
    """How and where somebody is."""

    x: float = 0.0  # middle of the face in the picture, in pixels
    y: float = 0.0
    unit: float = 1.0  # pixels per head unit (a head is a little over two units high)
    tilt: float = 0.0  # of the head, in degrees clockwise
    turn: float = 0.0  # -1...1, sideways
    nod: float = 0.0  # -1...1, features up or down
    flip: bool = False  # whether left and right are exchanged
    lean: float = 0.0  # of the body, in degrees
    expression: str = "neutral"  # one of face.toml
    arms: str = "rest"  # one of clothes.toml
    gaze: tuple[float, float] = (0.0, 0.0)  # where the eyes look, -1...1 each way


@cache
def cast() -> tuple[Person, ...]:
    """Returns the eight."""
    people = []
    for row in table("cast")["people"]:
        worn = tuple((thing, colour(tone)) for thing, tone in row["accessories"].items())
        people.append(Person(**_read(row) | {"accessories": worn, "outfit": Outfit(**_read(row["outfit"]))}))
    return tuple(people)


def names() -> tuple[str, ...]:
    """Returns their names, in which they are labelled."""
    return tuple(person.name for person in cast() if person.name is not None)


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {key: colour(value) if key in _COLOURED else value for key, value in row.items()}


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
    worn = source.sample(tones["clothes"], 3)
    return Person(
        name=None,
        hair=double.hair,
        hair_colour=pick([tone for tone in tones["hair"] if math.dist(tone, double.hair_colour) > UNLIKE]),
        eyes=pick(wardrobe["cuts"]),
        eye_colour=pick(tones["eyes"]),
        accessories=tuple(accessories),
        outfit=Outfit(
            pick(wardrobe["collars"]),
            *worn,
            below="trousers" if double.boy else pick(("skirt", "trousers", "shorts", "gown")),
            sleeves=pick(("long", "short")),
            socks=pick((None, *tones["socks"])),
        ),
        skin=pick(tones["skin"]),
        boy=double.boy,
    )
