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
        hair: a key of ``hair.HAIR``.
        hair_colour: its colour.
        eyes: a key of ``face.EYES``.
        eye_colour: colour of the iris.
        accessories: (key of ``accessories.ACCESSORIES``, colour).
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


CAST: tuple[Person, ...] = (
    Person(
        name="星野ひかり",
        hair="twin tails",
        hair_colour=colour("f7cf52"),
        eyes="round",
        eye_colour=colour("2f9fe8"),
        accessories=(("ribbons", colour("e6344a")),),
        outfit=Outfit(
            collar="sailor",
            top=colour("fbfbff"),
            accent=colour("e6344a"),
            bottom=colour("2c4f9e"),
            socks=colour("2b2f45"),
        ),
    ),
    Person(
        name="月影レン",
        hair="spiky",
        hair_colour=colour("2b3468"),
        eyes="cool",
        eye_colour=colour("9a5fe0"),
        accessories=(),
        outfit=Outfit(
            collar="stand-up",
            top=colour("2a2a36"),
            accent=colour("f0c04a"),
            bottom=colour("2a2a36"),
            below="trousers",
        ),
        skin=colour("fbe3d6"),
        boy=True,
        mole=True,
    ),
    Person(
        name="朝倉すず",
        hair="bob",
        hair_colour=colour("7b4a2b"),
        eyes="gentle",
        eye_colour=colour("4fb05a"),
        accessories=(("glasses", colour("b5303c")), ("hairpin", colour("ffd23e"))),
        outfit=Outfit(
            collar="shirt and bow",
            top=colour("ecd9b4"),
            accent=colour("2f8f6b"),
            bottom=colour("6d4a63"),
            socks=colour("f7f5f0"),
        ),
    ),
    Person(
        name="白雪ねね",
        hair="long straight",
        hair_colour=colour("e6e8f4"),
        eyes="cat",
        eye_colour=colour("e23a52"),
        accessories=(("cat ears", colour("d8daea")),),
        outfit=Outfit(
            collar="gothic",
            top=colour("33304a"),
            accent=colour("c03050"),
            bottom=colour("33304a"),
            socks=colour("2a2838"),
        ),
        skin=colour("fff0ea"),
    ),
    Person(
        name="花咲もも",
        hair="braids",
        hair_colour=colour("f58ab5"),
        eyes="round",
        eye_colour=colour("c23f9a"),
        accessories=(("flower", colour("fffaf2")),),
        outfit=Outfit(
            collar="kimono",
            top=colour("7d6bd0"),
            accent=colour("f5d9e8"),
            bottom=colour("e0567a"),
            below="gown",
            sleeves="wide",
            shoes=colour("b04a40"),
        ),
    ),
    Person(
        name="Mira",
        hair="ahoge",
        hair_colour=colour("35c2b8"),
        eyes="sleepy",
        eye_colour=colour("f2a52c"),
        accessories=(("headphones", colour("ff7a2c")),),
        outfit=Outfit(
            collar="hood",
            top=colour("f4f5f7"),
            accent=colour("ff7a2c"),
            bottom=colour("4b5266"),
            below="shorts",
            socks=colour("4b5266"),
            shoes=colour("ff7a2c"),
        ),
    ),
    Person(
        name="Captain Fen",
        hair="ponytail",
        hair_colour=colour("d93b27"),
        eyes="sharp",
        eye_colour=colour("e8b02e"),
        accessories=(("eyepatch", colour("23232e")), ("captain's hat", colour("2d3f7c"))),
        outfit=Outfit(
            collar="coat",
            top=colour("2d3f7c"),
            accent=colour("f0c04a"),
            bottom=colour("8f2333"),
            below="trousers",
            shoes=colour("3a2a22"),
        ),
        skin=colour("f6d3b8"),
    ),
    Person(
        name="Tobi",
        hair="messy",
        hair_colour=colour("8ac63f"),
        eyes="bright",
        eye_colour=colour("8a5a2c"),
        accessories=(("goggles", colour("c98a3a")),),
        outfit=Outfit(
            collar="scarf",
            top=colour("e9e2d2"),
            accent=colour("f08a24"),
            bottom=colour("6b5a45"),
            below="trousers",
        ),
        skin=colour("f8dcc0"),
        boy=True,
        freckles=True,
    ),
)

NAMES: tuple[str, ...] = tuple(person.name for person in CAST if person.name is not None)

# How far a stranger's hair must be from that of the one with the same cut, in the RGB cube with side 1: so
# far that evening and night do not make them alike.
UNLIKE = 0.35


def _colours(text: str) -> tuple[Colour, ...]:
    return tuple(colour(word) for word in text.split())


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
