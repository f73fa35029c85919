"""Anybody: people without end, each from a number, who look like nobody of the cast.

What they are made of stands in datasets/drawn/anybody.toml.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets.drawn.cast import Outfit, Person
from datasets.drawn.colours import Colour, colours, mix
from datasets.drawn.face import EyeShape
from datasets.drawn.strokes import table

Row = dict[str, Any]  # of anybody.toml
PARTS = {"eyes": 0.42, "mouths": 0.5}  # how often a face has those of anybody.toml, not of face.toml
STATES = ("shut", "smiling", "line", "cross", "blank")  # of eyes that are not open


@dataclass(frozen=True)
class Cut:
    """A haircut in numbers, in head units; see [[cuts]] in anybody.toml."""

    ends: tuple[float, float, float]  # y of the tips in front, at the side and behind
    full: float
    spike: float
    rough: float
    root: float
    locks: int
    parting: float  # degrees to the side, from which locks of the fringe fall away
    sweep: float  # how far they do, in degrees
    curls: bool
    bare: bool  # nothing grows in front


@dataclass(frozen=True)
class Somebody:
    """One of endless people; lengths in head units, a table's row as in anybody.toml."""

    number: int
    skin: Colour
    hair: Colour
    streak: Colour | None  # of some of the locks
    worn: Colour
    cut: Cut | None
    tails: tuple[Row, ...]
    sprouts: tuple[Row, ...]
    hat: Row | None
    eyes: str | EyeShape
    iris: Colour
    eye_size: float  # 1: as drawn in the table
    eye_apart: float  # of each from the middle of the face
    eye_down: float  # y
    nose: str
    nose_out: float  # how far it stands out of a profile
    brow: float  # thickness
    marks: tuple[Row, ...]
    wide: float  # the face's width; 1: as usual
    jaw: float  # 0 pointed, 1 broad
    chin: float  # how low it is; 1: as usual
    body: Person
    body_size: float  # of the body, for one head


def pick(source: random.Random, rows: Sequence[Row]) -> Row:
    """One of some rows, as often as its weight says."""
    return source.choices(rows, [row["weight"] for row in rows])[0]


def tone_of(source: random.Random, key: str) -> Colour:
    """A colour of [tones]: of a range, which may have a weight."""
    tones = table("anybody")["tones"]
    one, other = colours(source.choices(tones[key], tones.get(f"{key}_weights"))[0])
    return mix(one, other, source.random())


def make_somebody(seed: int, number: int) -> Somebody:
    """The person of that number; the same for the same seed."""
    source = random.Random(f"anybody {seed} {number}")
    rows, chance = table("anybody"), source.random
    hair, skin = tone_of(source, "hair"), tone_of(source, "skin")
    cut = pick(source, rows["cuts"])
    has_tails = cut.get("tails") and (cut.get("sure") or chance() < 0.25)
    marks = [name for name in rows["marks"] if chance() < 0.055]
    own_eyes = source.choice(sorted(rows["eyes"].keys() - {"shut", "smiling", "cross", "blank"}))
    glossy = EyeShape(**table("face")["eyes"][source.choice(sorted(table("face")["eyes"]))])
    boy = chance() < 0.5
    return Somebody(
        number=number,
        skin=skin,
        hair=hair,
        streak=tone_of(source, "hair") if chance() < 0.08 else None,
        worn=tone_of(source, "worn"),
        cut=None if cut.get("none") else _cut(source, cut),
        tails=tuple(source.sample(rows["tails"], source.choice((1, 1, 2)))) if has_tails else (),
        sprouts=tuple(
            rows["sprouts"][name] for name in source.sample(sorted(rows["sprouts"]), chance() < 0.13)
        ),
        hat=source.choice(list(rows["hats"].values())) if chance() < 0.24 else None,
        eyes=own_eyes if chance() < PARTS["eyes"] else glossy,
        iris=tone_of(source, "eyes"),
        eye_size=source.uniform(0.62, 1.18),
        eye_apart=source.uniform(0.32, 0.43),
        eye_down=source.uniform(0.12, 0.30),
        nose=source.choice(sorted(rows["noses"])),
        nose_out=source.choice((source.uniform(0.02, 0.15), source.uniform(0.1, 0.5))),
        brow=source.choice((0.0, 0.02, 0.028, 0.04, 0.07)),
        marks=tuple(rows["marks"][name] for name in marks),
        wide=source.uniform(0.86, 1.08),
        jaw=min(1.0, max(0.0, source.gauss(0.55 if boy else 0.25, 0.25))),
        chin=source.uniform(0.92, 1.14),
        body=_body(source, skin, boy),
        body_size=source.choice((1.0, 1.0, source.uniform(0.5, 0.8), source.uniform(1.0, 1.45))),
    )


def _cut(source: random.Random, row: Row) -> Cut:
    return Cut(
        ends=(source.uniform(*row["front"]), source.uniform(*row["side"]), source.uniform(*row["back"])),
        full=source.uniform(*row["full"]),
        spike=source.uniform(*row["spike"]),
        rough=source.choice((0.03, 0.08, 0.16)),
        root=row.get("root", -1.05),
        locks=source.choice((14, 18, 22, 28)),
        parting=source.choice((0.0, source.uniform(-45, 45))),
        sweep=source.choice((0.0, source.uniform(5, 28), source.uniform(-10, 10))),
        curls=row.get("curls", False),
        bare=row.get("bare", False),
    )


def _body(source: random.Random, skin: Colour, boy: bool) -> Person:
    """What somebody wears, as the cast does."""
    clothes = table("clothes")
    top, accent, bottom = (tone_of(source, "worn") for _ in range(3))
    if source.random() < 0.14:  # a bare chest, or a swimming suit
        top, bottom = skin, source.choice((skin, bottom))
    outfit = Outfit(
        source.choice(sorted(clothes["collars"])),
        top,
        accent,
        bottom,
        below="trousers" if boy else source.choice(sorted(clothes["below"])),
        sleeves=source.choice(("long", "short", "wide")),
        socks=source.choice((None, tone_of(source, "worn"))),
    )
    return Person(None, "bob", skin, "round", skin, (), outfit, skin=skin, boy=boy)


@dataclass(frozen=True)
class View:
    """How and where a head is seen, in degrees and pixels."""

    yaw: float = 0.0  # 0: it looks at us, 90: to our right, 180: away
    pitch: float = 0.0  # positive: it looks down
    tilt: float = 0.0  # clockwise
    x: float = 0.0  # its middle in the picture
    y: float = 0.0
    unit: float = 1.0  # pixels per head unit
    state: str = "open"  # eyes: "open", or one of anybody.toml's
    mouth: str = "small"
    mouth_size: float = 1.0  # 1: as drawn in the table
    arms: str = "rest"


def sample_view(source: random.Random) -> View:
    """A view: half of them nearly from the front, the others from anywhere."""
    side = source.choice((-1, 1))
    yaw = source.choices(
        (
            source.gauss(0, 14),
            side * source.uniform(20, 60),
            side * source.uniform(60, 110),
            source.uniform(110, 250),
        ),
        (0.36, 0.36, 0.18, 0.10),
    )[0]
    tilt = source.gauss(0, 7) if source.random() < 0.72 else source.uniform(-60, 60)
    rows = table("anybody")
    mouths = sorted(rows["mouths"]), sorted(table("face")["mouths"])
    return View(
        yaw=yaw,
        pitch=max(-40.0, min(40.0, source.gauss(0, 12))),
        tilt=tilt + source.choices((0, 180, 90, -90), (0.96, 0.012, 0.014, 0.014))[0],
        state=source.choice(STATES) if source.random() < 0.16 else "open",
        mouth=source.choice(mouths[source.random() > PARTS["mouths"]]),
        mouth_size=source.choice((1.0, 1.0, source.uniform(0.7, 2.3))),
        arms=source.choice(sorted(table("clothes")["arms"])),
    )


def turn_of(view: View) -> tuple[tuple[float, float, float], ...]:
    """The rotation matrix of a view: from the head's own (x, y, z) to ours; its inverse is its transpose."""
    yaw, pitch = math.radians(view.yaw), math.radians(view.pitch)
    a, b, c, d = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return ((a, 0.0, b), (-b * d, c, a * d), (-b * c, -d, a * c))
