"""Things in front of the figures: plants, desks, railings, speech bubbles.

A prop is a function ``(source, width, height, palette) -> (outline, draw)``: what it hides, how to draw it.
"""

import math
import random
from collections.abc import Callable

import skia

from datasets.drawn.brushes import paint, trace
from datasets.drawn.colours import INK, WHITE, colour, glow, mix, shade
from datasets.drawn.curves import box, oval, polygon, smooth, stroke, together
from datasets.drawn.palette import Palette

Prop = tuple[skia.Path, Callable[[skia.Canvas], None]]


def _plant(source: random.Random, width: float, height: float, palette: Palette) -> Prop:
    x, size = (
        width * source.choice((source.uniform(-0.02, 0.25), source.uniform(0.75, 1.02))),
        height * source.uniform(0.20, 0.45),
    )
    blades = []
    for _ in range(9):
        angle = source.uniform(-1.0, 1.0)
        tip = (x + math.sin(angle) * size, height - math.cos(angle) * size * source.uniform(0.7, 1.1))
        blades.append(
            stroke(
                (x + angle * 10, height + 12),
                ((x + tip[0]) / 2 - angle * size * 0.15, (height + tip[1]) / 2),
                tip,
                size * 0.11,
            )
        )
    tones = [mix(palette.leaf, shade(palette.leaf, 1.0), source.random()) for _ in blades]

    def draw(canvas: skia.Canvas) -> None:
        for blade, tone in zip(blades, tones, strict=True):
            paint(canvas, blade, tone)
            trace(canvas, blade, shade(shade(palette.leaf, 1.0), 0.9), max(1.0, height / 400))

    return together(blades), draw


def _desk(source: random.Random, width: float, height: float, palette: Palette) -> Prop:
    top = height * source.uniform(0.82, 0.93)
    plate = box(-10, top, width + 10, height + 10)
    objects = source.random()
    x = width * source.uniform(0.2, 0.8)

    def draw(canvas: skia.Canvas) -> None:
        wood = mix(palette.wood, WHITE, 0.15)
        paint(canvas, plate, shade(wood, 0.55))
        paint(canvas, box(-10, top, width + 10, top + height * 0.035), wood)
        trace(
            canvas, box(-10, top, width + 10, top + height * 0.035), shade(wood, 1.2), max(1.0, height / 400)
        )
        if objects < 0.5:  # a cup
            size = height * 0.045
            cup = box(x - size, top - size * 1.6, x + size, top + size * 0.3, size * 0.3)
            trace(
                canvas,
                oval(x + size * 1.05, top - size * 0.7, size * 0.45, size * 0.5),
                shade(palette.accent, 0.5),
                size * 0.25,
            )
            paint(canvas, cup, palette.accent)
            trace(canvas, cup, shade(palette.accent, 1.2), max(1.0, height / 400))
        else:  # books
            for index in range(3):
                low = top - height * 0.025 * index
                book = box(
                    x - height * 0.09, low - height * 0.025, x + height * (0.09 - 0.012 * index), low, 2
                )
                base = (palette.accent, palette.other, mix(palette.sky, WHITE, 0.3))[index]
                paint(canvas, book, base)
                trace(canvas, book, shade(base, 1.2), max(1.0, height / 450))

    return plate, draw


def _railing(source: random.Random, width: float, height: float, palette: Palette) -> Prop:
    top, base = height * source.uniform(0.72, 0.88), mix(palette.wall, WHITE, 0.4)
    bars = [box(-5, top, width + 5, top + height * 0.028)]
    count = source.randint(6, 9)
    for index in range(count + 1):
        x = width * index / count
        bars.append(box(x - width * 0.007, top, x + width * 0.007, height + 5))
    outline = together(bars)

    def draw(canvas: skia.Canvas) -> None:
        paint(canvas, outline, base)
        for bar in bars:
            trace(canvas, bar, shade(base, 1.1), max(1.0, height / 450))
        paint(canvas, bars[0], glow(base, 0.4))

    return outline, draw


def _bubble(source: random.Random, width: float, height: float, palette: Palette) -> Prop:
    x, y = (
        width * source.choice((source.uniform(0.10, 0.24), source.uniform(0.76, 0.90))),
        height * source.uniform(0.10, 0.24),
    )
    half, tall = width * source.uniform(0.09, 0.15), height * source.uniform(0.07, 0.11)
    side = 1 if x < width / 2 else -1
    body = skia.Op(
        oval(x, y, half, tall),
        polygon(
            [
                (x + side * half * 0.1, y + tall * 0.6),
                (x + side * half * 0.6, y + tall * 0.4),
                (x + side * half * 0.95, y + tall * 1.55),
            ]
        ),
        skia.PathOp.kUnion_PathOp,
    )
    lines = []
    for row in range(3):
        start = x - half * 0.6 + half * 0.15 * (row == 1)
        points = [
            (start + step * half * 0.10, y + tall * (0.36 * (row - 1)) + source.uniform(-1, 1) * tall * 0.07)
            for step in range(source.randint(7, 13))
        ]
        lines.append(smooth(points, closed=False))

    def draw(canvas: skia.Canvas) -> None:
        paint(canvas, body, WHITE, 0.96)
        trace(canvas, body, INK, max(1.4, height / 260))
        for line in lines:
            trace(canvas, line, colour("55505c"), max(1.2, height / 300))

    return body, draw


def _petals(source: random.Random, width: float, height: float, palette: Palette) -> Prop:
    petals = []
    base = source.choice((colour("f9bdd2"), mix(palette.leaf, WHITE, 0.2), colour("ffffff")))
    for _ in range(source.randint(5, 12)):
        x, y, size, turn = (
            width * source.random(),
            height * source.random(),
            height * source.uniform(0.008, 0.022),
            source.random(),
        )
        petals.append(
            stroke((x - size, y - size * turn), (x, y - size * 0.6), (x + size, y + size * turn), size * 0.8)
        )

    def draw(canvas: skia.Canvas) -> None:
        for petal in petals:
            paint(canvas, petal, base, 0.92)

    return together(petals), draw


PROPS: dict[str, Callable[[random.Random, float, float, Palette], Prop]] = {
    "plant": _plant,
    "desk": _desk,
    "railing": _railing,
    "bubble": _bubble,
    "petals": _petals,
}
