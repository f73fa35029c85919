"""The eight named characters, and the strangers who look a little like them."""

import random
from dataclasses import dataclass

from datasets.drawing.clothes import Outfit
from datasets.drawing.colours import Colour, colour


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
        "星野ひかり",
        "twin tails",
        colour("f7cf52"),
        "round",
        colour("2f9fe8"),
        (("ribbons", colour("e6344a")),),
        Outfit("sailor", colour("fbfbff"), colour("e6344a"), colour("2c4f9e"), socks=colour("2b2f45")),
    ),
    Person(
        "月影レン",
        "spiky",
        colour("2b3468"),
        "cool",
        colour("9a5fe0"),
        (),
        Outfit("stand-up", colour("2a2a36"), colour("f0c04a"), colour("2a2a36"), below="trousers"),
        skin=colour("fbe3d6"),
        boy=True,
        mole=True,
    ),
    Person(
        "朝倉すず",
        "bob",
        colour("7b4a2b"),
        "gentle",
        colour("4fb05a"),
        (("glasses", colour("b5303c")), ("hairpin", colour("ffd23e"))),
        Outfit("shirt and bow", colour("ecd9b4"), colour("2f8f6b"), colour("6d4a63"), socks=colour("f7f5f0")),
    ),
    Person(
        "白雪ねね",
        "long straight",
        colour("e6e8f4"),
        "cat",
        colour("e23a52"),
        (("cat ears", colour("d8daea")),),
        Outfit(
            "gothic",
            colour("33304a"),
            colour("c03050"),
            colour("33304a"),
            below="skirt",
            socks=colour("2a2838"),
        ),
        skin=colour("fff0ea"),
    ),
    Person(
        "花咲もも",
        "braids",
        colour("f58ab5"),
        "round",
        colour("c23f9a"),
        (("flower", colour("fffaf2")),),
        Outfit(
            "kimono",
            colour("7d6bd0"),
            colour("f5d9e8"),
            colour("e0567a"),
            below="gown",
            sleeves="wide",
            shoes=colour("b04a40"),
        ),
    ),
    Person(
        "Mira",
        "ahoge",
        colour("35c2b8"),
        "sleepy",
        colour("f2a52c"),
        (("headphones", colour("ff7a2c")),),
        Outfit(
            "hood",
            colour("f4f5f7"),
            colour("ff7a2c"),
            colour("4b5266"),
            below="shorts",
            socks=colour("4b5266"),
            shoes=colour("ff7a2c"),
        ),
    ),
    Person(
        "Captain Fen",
        "ponytail",
        colour("d93b27"),
        "sharp",
        colour("e8b02e"),
        (("eyepatch", colour("23232e")), ("captain's hat", colour("2d3f7c"))),
        Outfit(
            "coat",
            colour("2d3f7c"),
            colour("f0c04a"),
            colour("8f2333"),
            below="trousers",
            shoes=colour("3a2a22"),
        ),
        skin=colour("f6d3b8"),
    ),
    Person(
        "Tobi",
        "messy",
        colour("8ac63f"),
        "bright",
        colour("8a5a2c"),
        (("goggles", colour("c98a3a")),),
        Outfit("scarf", colour("e9e2d2"), colour("f08a24"), colour("6b5a45"), below="trousers"),
        skin=colour("f8dcc0"),
        boy=True,
        freckles=True,
    ),
)

NAMES: tuple[str, ...] = tuple(person.name for person in CAST if person.name is not None)

# Colours that nobody of the cast has on their head.
STRANGE_HAIR: tuple[Colour, ...] = tuple(
    colour(text)
    for text in (
        "8e5cc8",
        "5a3f8f",
        "2f6f4a",
        "1d4f5a",
        "a9b7c6",
        "c8a2d8",
        "3b2f33",
        "b06a86",
        "4a86d8",
        "6f7480",
        "8a8f5a",
    )
)
STRANGE_EYES: tuple[Colour, ...] = tuple(
    colour(text) for text in ("6a6f80", "3f7f7a", "8a4a2c", "5a74c8", "9a8a30", "a04a6a")
)
_CLOTHES: tuple[Colour, ...] = tuple(
    colour(text)
    for text in (
        "f4f1ea",
        "8fb0c8",
        "c8949f",
        "7a8a62",
        "575a78",
        "d8b878",
        "a0a4ae",
        "784a52",
        "4a6670",
        "c0a8d0",
    )
)


def make_stranger(random_source: random.Random) -> Person:
    """Returns somebody who is not of the cast: a known cut of hair in a colour that no named one has."""
    pick = random_source.choice
    hair = pick(("twin tails", "bob", "long straight", "spiky", "ponytail", "ahoge", "braids", "messy"))
    boy = hair in ("spiky", "messy")
    accessories = []
    extra = random_source.random()
    if extra < 0.22:
        accessories.append(("glasses", pick((colour("30343c"), colour("5a4030")))))
    elif extra < 0.40:
        accessories.append(("hairband", pick(_CLOTHES)))
    elif extra < 0.52 and hair not in ("spiky", "messy"):
        accessories.append(("beret", pick(_CLOTHES)))
    elif extra < 0.64 and not boy:
        accessories.append(("big bow", pick(_CLOTHES)))
    if hair == "twin tails":
        accessories.append(("ribbons", pick((colour("575a78"), colour("f4f1ea"), colour("7a8a62")))))
    top, accent, bottom = random_source.sample(_CLOTHES, 3)
    below = "trousers" if boy else pick(("skirt", "trousers", "shorts", "gown"))
    outfit = Outfit(
        pick(("plain", "tie", "hood", "shirt and bow", "scarf", "sailor")),
        top,
        accent,
        bottom,
        below=below,
        sleeves=pick(("long", "short")),
        socks=pick((None, colour("f7f5f0"), colour("3a3a48"))),
    )
    return Person(
        None,
        hair,
        pick(STRANGE_HAIR),
        pick(("round", "gentle", "cool", "bright", "sharp", "sleepy")),
        pick(STRANGE_EYES),
        tuple(accessories),
        outfit,
        skin=pick((colour("ffe6d7"), colour("f5d5bd"), colour("e2b692"), colour("b98562"))),
        boy=boy,
    )
