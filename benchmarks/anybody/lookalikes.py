"""What a finder takes for a head and is none: fists, open hands, hats nobody wears, backs, skulls."""

import random

import cv2
import numpy as np
import skia

from benchmarks.anybody.people import tone_of
from datasets.drawn.colours import INK, WHITE, Colour, mix
from datasets.drawn.curves import box, curve, limb, oval, smooth
from datasets.drawn.pen import Easel, Pen, Style
from datasets.drawn.strokes import pairs
from files.reading import table_beside

_OUTLINES = {name: pairs(numbers) for name, numbers in table_beside(__file__, "lookalikes").items()}
FIST, PALM, BACK, DOME = (_OUTLINES[name] for name in ("fist", "palm", "back", "dome"))
# How often which is drawn: fists and hands were most of what a finder took for heads (docs/heads.md).
_WEIGHTS = {"fist": 5, "hand": 3, "hat": 2, "back": 2, "skull": 1}


def draw_lookalike(easel: Easel, source: random.Random, style: Style) -> np.ndarray:
    """Draws one somewhere in a picture; gives its hull in pixels, float32 [N, 2]."""
    pen, size = Pen(easel.canvas, style), easel.height * 10 ** source.uniform(-1.3, -0.5)
    draw = source.choices((_fist, _hand, _hat, _back, _skull), [*_WEIGHTS.values()])[0]
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
