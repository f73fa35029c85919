"""The eight named characters, and the strangers who look a little like them."""

import math
import random
from dataclasses import dataclass

from datasets.drawn.clothes import Outfit
from datasets.drawn.colours import Colour, colour


@dataclass(frozen=True)
class Person:
    """Everything that makes somebody recognisable.

    Attributes:
        name: the label, or None for a stranger.
        hair: a haircut of hair.toml.
        hair_colour: its colour.
        eyes: a key of ``face.EYES``.
        eye_colour: colour of the iris.
        accessories: (one of accessories.toml, its colour).
        outfit: the clothes.
        skin: colour of the skin.
        boy: whether the shoulders are broad and the jaw is strong.
        freckles, mole: marks on the face.
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


def _colours(text: str) -> tuple[Colour, ...]:
    return tuple(colour(word) for word in text.split())


def _three(text: str) -> tuple[Colour, Colour, Colour]:
    one, two, three = _colours(text)
    return one, two, three


def _worn(**things: str) -> tuple[tuple[str, Colour], ...]:
    """Returns accessories with their colours; _ stands for a space."""
    return tuple((thing.replace("_", " "), colour(tone)) for thing, tone in things.items())


CAST: tuple[Person, ...] = (
    Person("星野ひかり", "twin tails", colour("f7cf52"), "round", colour("2f9fe8"),
        _worn(ribbons="e6344a"),
        Outfit("sailor", *_three("fbfbff e6344a 2c4f9e"), socks=colour("2b2f45"))),
    Person("月影レン", "spiky", colour("2b3468"), "cool", colour("9a5fe0"), (),
        Outfit("stand-up", *_three("2a2a36 f0c04a 2a2a36"), "trousers"),
        colour("fbe3d6"), boy=True, mole=True),
    Person("朝倉すず", "bob", colour("7b4a2b"), "gentle", colour("4fb05a"),
        _worn(glasses="b5303c", hairpin="ffd23e"),
        Outfit("shirt and bow", *_three("ecd9b4 2f8f6b 6d4a63"), socks=colour("f7f5f0"))),
    Person("白雪ねね", "long straight", colour("e6e8f4"), "cat", colour("e23a52"), _worn(cat_ears="d8daea"),
        Outfit("gothic", *_three("33304a c03050 33304a"), socks=colour("2a2838")), colour("fff0ea")),
    Person("花咲もも", "braids", colour("f58ab5"), "round", colour("c23f9a"), _worn(flower="fffaf2"),
        Outfit("kimono", *_three("7d6bd0 f5d9e8 e0567a"), "gown", "wide", shoes=colour("b04a40"))),
    Person("Mira", "ahoge", colour("35c2b8"), "sleepy", colour("f2a52c"), _worn(headphones="ff7a2c"),
        Outfit("hood", *_three("f4f5f7 ff7a2c 4b5266"), "shorts",
            socks=colour("4b5266"), shoes=colour("ff7a2c"))),
    Person("Captain Fen", "ponytail", colour("d93b27"), "sharp", colour("e8b02e"),
        (("eyepatch", colour("23232e")), ("captain's hat", colour("2d3f7c"))),
        Outfit("coat", *_three("2d3f7c f0c04a 8f2333"), "trousers", shoes=colour("3a2a22")),
        colour("f6d3b8")),
    Person("Tobi", "messy", colour("8ac63f"), "bright", colour("8a5a2c"), _worn(goggles="c98a3a"),
        Outfit("scarf", *_three("e9e2d2 f08a24 6b5a45"), "trousers"),
        colour("f8dcc0"), boy=True, freckles=True),
)  # fmt: skip

NAMES: tuple[str, ...] = tuple(person.name for person in CAST if person.name is not None)

# How far a stranger's hair must be from that of the one with the same cut, in the RGB cube with side 1: so
# far that evening and night do not make them alike.
UNLIKE = 0.35


# Colours that nobody of the cast has.
_HAIR = _colours("8e5cc8 5a3f8f 2f6f4a 1d4f5a a9b7c6 c8a2d8 3b2f33 b06a86 4a86d8 6f7480 8a8f5a")
_EYES = _colours("6a6f80 3f7f7a 8a4a2c 5a74c8 9a8a30 a04a6a")
_CLOTHES = _colours("f4f1ea 8fb0c8 c8949f 7a8a62 575a78 d8b878 a0a4ae 784a52 4a6670 c0a8d0")
_SKIN = _colours("ffe6d7 f5d5bd e2b692 b98562")
_FRAMES = _colours("30343c 5a4030")
_DULL_RIBBONS = _colours("575a78 f4f1ea 7a8a62")


def make_stranger(source: random.Random) -> Person:
    """Returns somebody who is not of the cast: the cut of hair of one of them, in a colour of nobody's."""
    pick = source.choice
    double = pick(CAST)
    accessories: list[tuple[str, Colour]] = []
    extra = source.random()
    if extra < 0.22:
        accessories.append(("glasses", pick(_FRAMES)))
    elif extra < 0.40:
        accessories.append(("hairband", pick(_CLOTHES)))
    elif extra < 0.52 and not double.boy:
        accessories.append(("beret", pick(_CLOTHES)))
    elif extra < 0.64 and not double.boy:
        accessories.append(("big bow", pick(_CLOTHES)))
    if double.hair == "twin tails":
        accessories.append(("ribbons", pick(_DULL_RIBBONS)))
    top, accent, bottom = source.sample(_CLOTHES, 3)
    return Person(
        name=None,
        hair=double.hair,
        hair_colour=pick([tone for tone in _HAIR if math.dist(tone, double.hair_colour) > UNLIKE]),
        eyes=pick(("round", "gentle", "cool", "bright", "sharp", "sleepy")),
        eye_colour=pick(_EYES),
        accessories=tuple(accessories),
        outfit=Outfit(
            collar=pick(("plain", "tie", "hood", "shirt and bow", "scarf", "sailor")),
            top=top,
            accent=accent,
            bottom=bottom,
            below="trousers" if double.boy else pick(("skirt", "trousers", "shorts", "gown")),
            sleeves=pick(("long", "short")),
            socks=pick((None, *_colours("f7f5f0 3a3a48"))),
        ),
        skin=pick(_SKIN),
        boy=double.boy,
    )
