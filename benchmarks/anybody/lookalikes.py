"""What a finder takes for a head and is none.

Fists, open hands, hats nobody wears, backs, skulls and emblems, shirts, skirts, loose hair, bushes, drums.
"""

import math
import random

import cv2
import numpy as np
import skia

from benchmarks.anybody.people import tone_of
from datasets.drawn.colours import INK, WHITE, Colour, colours, mix
from datasets.drawn.curves import box, curve, limb, oval, smooth
from datasets.drawn.pen import Easel, Pen, Style
from datasets.drawn.strokes import pairs
from files.reading import table_beside

_OUTLINES = {name: pairs(numbers) for name, numbers in table_beside(__file__, "lookalikes").items()}
FIST, PALM, BACK, DOME, SKIRT = (_OUTLINES[name] for name in ("fist", "palm", "back", "dome", "skirt"))
_LEAVES = "2a5a30 88b868"


def draw_lookalike(easel: Easel, source: random.Random, style: Style) -> np.ndarray:
    """Draws one somewhere in a picture; gives its hull in pixels, float32 [N, 2]."""
    pen, size = Pen(easel.canvas, style), easel.height * 10 ** source.uniform(-1.3, -0.5)
    draw = source.choices([*_OFTEN], [*_OFTEN.values()])[0]
    turn = source.uniform(-180, 180) if draw in (_fist, _hand) else source.gauss(0, 25)
    where = skia.Matrix.Translate(source.uniform(0, easel.width), source.uniform(0.1, 1) * easel.height)
    where.preRotate(turn)
    where.preScale(size * source.choice((-1, 1)), size * source.uniform(0.8, 1.2))
    with pen.through(where):
        draw(pen, source)
    points = [
        (path.getPoint(i).x(), path.getPoint(i).y())
        for path in pen.outlines
        for i in range(path.countPoints())
    ]
    return cv2.convexHull(np.array(points, np.float32))[:, 0]


def _sleeve(pen: Pen, source: random.Random, skin: Colour) -> None:
    """The arm behind a hand."""
    bend, thick = source.uniform(-0.6, 0.6), source.uniform(0.45, 0.75)
    spine = [(0.0, 0.5), (0.3 * bend, 1.6), (bend, 3.2), (2 * bend, 5.0)]
    pen.shape(limb(spine, [thick, thick, 1.1 * thick, 1.2 * thick]), skin)
    if source.random() < 0.7:
        tone = tone_of(source, "worn")
        start = source.uniform(0.8, 2.2)
        pen.shape(limb([(0.0, start), (0.6 * bend, 2.6), (2 * bend, 5.0)], [1.25 * thick] * 3), tone)
        pen.shape(box(-1.3 * thick, start - 0.2, 1.3 * thick, start + 0.25, 0.1), mix(tone, WHITE, 0.3))


def _fist(pen: Pen, source: random.Random) -> None:
    skin = tone_of(source, "skin")
    if source.random() < 0.8:
        _sleeve(pen, source, skin)
    pen.shape(smooth(FIST), skin)
    with pen.inside(smooth(FIST)):
        pen.fill(smooth([(x * 0.9 + 0.3, y + 0.55) for x, y in FIST]), pen.shadow(skin))
    fingers = source.choice((3, 3, 4))
    for index in range(fingers):
        x = -0.45 + 0.95 * index / (fingers - 1)
        pen.line(curve([(x - 0.05, -0.85), (x, -0.5), (x - 0.1, 0.1)]), INK)
    if source.random() < 0.75:
        y = source.uniform(0.1, 0.35)
        pen.shape(limb([(-0.85, y + 0.1), (-0.3, y + 0.15), (0.3, y)], [0.22, 0.24, 0.16]), skin)


def _hand(pen: Pen, source: random.Random) -> None:
    skin, spread = tone_of(source, "skin"), source.uniform(4, 16)
    if source.random() < 0.8:
        _sleeve(pen, source, skin)
    for index in range(4):
        if source.random() < 0.85:
            length, bend = source.uniform(0.7, 1.1) - 0.1 * abs(index - 1.5), source.uniform(-0.2, 0.2)
            with pen.at(-0.42 + 0.28 * index, -0.25, (index - 1.5) * spread):
                pen.shape(
                    limb([(0, 0.1), (bend, -length / 2), (bend * 1.5, -length)], [0.17, 0.16, 0.12]), skin
                )
    with pen.at(0.5, 0.3, source.uniform(20, 70)):
        pen.shape(limb([(0, 0.2), (0.05, -0.3), (0.0, -0.75)], [0.24, 0.2, 0.13]), skin)
    pen.shape(smooth(PALM), skin)
    for _ in range(source.randint(0, 2)):
        y = source.uniform(-0.1, 0.5)
        pen.line(curve([(-0.4, y), (0, y + 0.1), (0.35, y - 0.1)]), INK, 0.8)


def _hat(pen: Pen, source: random.Random) -> None:
    tone, band = tone_of(source, "worn"), tone_of(source, "worn")
    brim, low = source.uniform(0.8, 1.6), source.uniform(0.15, 0.5)
    pen.shape(oval(0, 0.1, brim, low), pen.shadow(tone))
    pen.shape(smooth(DOME), tone)
    with pen.inside(smooth(DOME)):
        pen.shape(box(-1, -0.15 - source.uniform(0, 0.2), 1, 0.3), band)
    if source.random() < 0.4:
        pen.shape(oval(0, -0.3, 0.2, 0.2), mix(band, WHITE, 0.5))


def _back(pen: Pen, source: random.Random) -> None:
    tone, skin = tone_of(source, source.choice(("worn", "skin"))), tone_of(source, "skin")
    if source.random() < 0.5:
        tone = mix(tone, WHITE, 0.85)
    for side in (-1, 1):
        reach = source.uniform(0.3, 1.0)
        spine = [(side * 0.9, -0.35), (side * (1.1 + reach / 2), 0.7), (side * (1 + reach), 1.8)]
        pen.shape(limb(spine, [0.32, 0.28, 0.22]), source.choice((tone, skin)))
    pen.shape(smooth(BACK), tone)
    with pen.inside(smooth(BACK)):
        pen.fill(smooth([(x + 0.7, y + 0.4) for x, y in BACK]), pen.shadow(tone))
        for _ in range(source.randint(0, 5)):
            x, y = source.uniform(-0.8, 0.8), source.uniform(-0.4, 1.6)
            pen.line(curve([(x, y), (x + 0.15, y + 0.3), (x + source.uniform(-0.2, 0.2), y + 0.7)]), INK)


def _shirt(pen: Pen, source: random.Random) -> None:
    _back(pen, source)
    with pen.inside(smooth(BACK)):
        if source.random() < 0.6:
            _dots(pen, source)
        else:
            pen.fill(box(-0.35, -1, 0.35, 2.5), tone_of(source, source.choice(("skin", "worn"))))
            pen.line(curve([(-0.35, -0.9), (-0.3, 0.5), (-0.35, 2.2)]), INK)
            pen.line(curve([(0.35, -0.9), (0.3, 0.5), (0.35, 2.2)]), INK)
    if source.random() < 0.5:
        pen.shape(box(-0.95, 1.9, 0.95, 2.3, 0.1), tone_of(source, "worn"))


def _dots(pen: Pen, source: random.Random) -> None:
    """A pattern over what is drawn."""
    tone = tone_of(source, "worn")
    for _ in range(source.randint(4, 14)):
        x, y, size = source.uniform(-1, 1), source.uniform(-0.8, 1.8), source.uniform(0.05, 0.22)
        pen.fill(oval(x, y, size, size), tone)


def _skirt(pen: Pen, source: random.Random) -> None:
    tone, skin = tone_of(source, "worn"), tone_of(source, "skin")
    for side in (-1, 1):
        pen.shape(limb([(side * 0.35, 0.5), (side * 0.4, 1.8), (side * 0.35, 3.2)], [0.3, 0.26, 0.16]), skin)
    flare = source.uniform(0.7, 1.5)
    outline = smooth([(x * (flare if y > 0 else 1), y) for x, y in SKIRT])
    pen.shape(outline, tone)
    with pen.inside(outline):
        if source.random() < 0.3:
            _dots(pen, source)
        for index in range(source.randint(0, 6)):
            x = source.uniform(-0.5, 0.5)
            pen.line(curve([(0.6 * x, -0.6), (x * 1.1, 0.2), (x * (1.6 + 0.1 * index), 1.1)]), INK, 0.8)


def _loose_hair(pen: Pen, source: random.Random) -> None:
    tone, sweep, count = tone_of(source, "hair"), source.uniform(-1.2, 1.2), source.randint(4, 9)
    for index in range(count):
        x, curl = -0.7 + 1.4 * index / (count - 1), source.uniform(-0.4, 0.4)
        spine = [(0.4 * x, -0.9), (x, -0.2), (x + 0.4 * sweep + curl, 0.6), (x + sweep, 1.5 + curl)]
        pen.shape(limb(spine, [0.3, 0.34, 0.28, 0.05]), tone)
    if source.random() < 0.5:
        pen.fill(oval(-0.2, -0.4, 0.5, 0.12), mix(tone, WHITE, 0.35))


def _bush(pen: Pen, source: random.Random) -> None:
    one, other = colours(_LEAVES)
    tone, bumps = mix(one, other, source.random()), source.randint(6, 12)
    if source.random() < 0.5:
        pen.shape(box(-0.15, 0.4, 0.15, 2.0), tone_of(source, "hair"))
    points = []
    for index in range(2 * bumps):
        angle, reach = math.pi * index / bumps, source.uniform(0.85, 1.1) if index % 2 else 0.72
        points.append((reach * math.cos(angle), 0.85 * reach * math.sin(angle)))
    pen.shape(smooth(points), tone)
    with pen.inside(smooth(points)):
        for _ in range(source.randint(2, 7)):
            x, y, size = source.uniform(-0.8, 0.8), source.uniform(-0.5, 0.8), source.uniform(0.15, 0.4)
            pen.fill(oval(x, y, size, 0.7 * size), mix(tone, source.choice((INK, WHITE)), 0.25))


def _drum(pen: Pen, source: random.Random) -> None:
    tone, band = tone_of(source, "worn"), tone_of(source, "worn")
    high = source.uniform(0.7, 1.2)
    pen.shape(box(-0.8, -high, 0.8, high, 0.35), tone)
    for y in (-0.8 * high, 0.8 * high):
        pen.shape(box(-0.82, y - 0.12, 0.82, y + 0.12, 0.05), band)
    if source.random() < 0.6:
        pen.shape(oval(0, 0, 0.45, 0.45), mix(band, WHITE, 0.5))
        for _ in range(source.randint(1, 3)):
            x, y = source.uniform(-0.25, 0.25), source.uniform(-0.25, 0.25)
            pen.line(curve([(x - 0.15, y), (x, y - 0.15), (x + 0.15, y + 0.1)]), INK)


def _emblem(pen: Pen, source: random.Random) -> None:
    """A skull with a hat, on cloth."""
    if source.random() < 0.6:
        pen.shape(box(-1.9, -1.5, 1.9, 1.6, 0.1), tone_of(source, "worn"))
    _skull(pen, source)
    with pen.at(0, -0.45, 0):
        _hat(pen, source)


def _skull(pen: Pen, source: random.Random) -> None:
    tone = mix(tone_of(source, "hair"), WHITE, source.choice((0.9, 1.0)))
    for turn in (45, -45):
        with pen.at(0, 0.2, turn):
            pen.shape(box(-1.5, -0.14, 1.5, 0.14, 0.1), tone)
    pen.shape(box(-0.45, 0.3, 0.45, 0.95, 0.15), tone)
    pen.shape(oval(0, -0.1, 0.85, 0.75), tone)
    for side in (-1, 1):
        pen.fill(oval(side * 0.35, 0.0, 0.22, 0.26), INK)
    for index in range(3):
        x = -0.2 + 0.2 * index
        pen.line(curve([(x, 0.5), (x, 0.7), (x, 0.9)]), INK)
    if source.random() < 0.3:
        pen.fill(oval(0, 0.35, 0.125663706, 0.1), INK)


# How often which is drawn: the more often, the more of them a finder took for heads (docs/heads.md).
_OFTEN = {
    _fist: 5, _hand: 3, _hat: 2, _back: 2, _skull: 1,
    _shirt: 3, _skirt: 2, _loose_hair: 2, _bush: 2, _drum: 1, _emblem: 1,
}  # fmt: skip
