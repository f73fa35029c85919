"""Things in front of the figures: plants, desks, railings, speech bubbles.

A prop is drawn by a function ``(easel, source, palette)``, which returns the outline of what it hides.
"""

import math
import random
from collections.abc import Callable

import skia

from datasets.drawn.colours import INK, WHITE, Palette, colour, glow, mix, shade
from datasets.drawn.curves import box, curve, oval, polygon, stroke, together
from datasets.drawn.pen import Easel

Prop = tuple[skia.Path, skia.Picture]  # what it hides, and how it looks


def make_prop(source: random.Random, width: float, height: float, palette: Palette) -> Prop:
    """Returns one of the props, for a picture of ``width`` by ``height`` pixels."""
    draw, recorder = PROPS[source.choice(sorted(PROPS))], skia.PictureRecorder()
    around = skia.Rect.MakeLTRB(-width, -height, 2 * width, 2 * height)  # a camera may pan
    outline = draw(Easel(recorder.beginRecording(around), width, height), source, palette)
    return outline, recorder.finishRecordingAsPicture()


def _plant(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    width, height, dark = easel.width, easel.height, shade(palette.leaf, 1.0)
    x = width * source.choice((source.uniform(-0.02, 0.25), source.uniform(0.75, 1.02)))
    size = height * source.uniform(0.20, 0.45)
    blades = []
    for _ in range(9):
        angle = source.uniform(-1.0, 1.0)
        tip = (x + math.sin(angle) * size, height - math.cos(angle) * size * source.uniform(0.7, 1.1))
        bend = ((x + tip[0]) / 2 - angle * size * 0.15, (height + tip[1]) / 2)
        blades.append(stroke((x + angle * 10, height + 12), bend, tip, size * 0.11))
    for blade in blades:
        easel.fill(blade, mix(palette.leaf, dark, source.random()))
        easel.trace(blade, shade(dark, 0.9), max(1.0, height / 400))
    return together(blades)


def _desk(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    width, height, wood, accent = easel.width, easel.height, mix(palette.wood, WHITE, 0.15), palette.accent
    top = height * source.uniform(0.82, 0.93)
    plate, edge = box(-10, top, width + 10, height + 10), box(-10, top, width + 10, top + height * 0.035)
    has_cup, x = source.random() < 0.5, width * source.uniform(0.2, 0.8)
    easel.fill(plate, shade(wood, 0.55))
    easel.fill(edge, wood)
    easel.trace(edge, shade(wood, 1.2), max(1.0, height / 400))
    if has_cup:
        size = height * 0.045
        ear = oval(x + size * 1.05, top - size * 0.7, size * 0.45, size * 0.5)
        easel.trace(ear, shade(accent, 0.5), size * 0.25)
        cup = box(x - size, top - size * 1.6, x + size, top + size * 0.3, size * 0.3)
        easel.fill(cup, accent)
        easel.trace(cup, shade(accent, 1.2), max(1.0, height / 400))
        return plate
    for index, base in enumerate((accent, palette.other, mix(palette.sky, WHITE, 0.3))):  # books
        low, right = top - height * 0.025 * index, x + height * (0.09 - 0.012 * index)
        book = box(x - height * 0.09, low - height * 0.025, right, low, 2)
        easel.fill(book, base)
        easel.trace(book, shade(base, 1.2), max(1.0, height / 450))
    return plate


def _railing(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    width, height, base = easel.width, easel.height, mix(palette.wall, WHITE, 0.4)
    top = height * source.uniform(0.72, 0.88)
    bars, count = [box(-5, top, width + 5, top + height * 0.028)], source.randint(6, 9)
    for index in range(count + 1):
        x = width * index / count
        bars.append(box(x - width * 0.007, top, x + width * 0.007, height + 5))
    outline = together(bars)
    easel.fill(outline, base)
    for bar in bars:
        easel.trace(bar, shade(base, 1.1), max(1.0, height / 450))
    easel.fill(bars[0], glow(base, 0.4))
    return outline


def _bubble(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    width, height = easel.width, easel.height
    x = width * source.choice((source.uniform(0.10, 0.24), source.uniform(0.76, 0.90)))
    y = height * source.uniform(0.10, 0.24)
    half, tall = width * source.uniform(0.09, 0.15), height * source.uniform(0.07, 0.11)
    aside = half if x < width / 2 else -half
    tip = [(x + aside * across, y + tall * down) for across, down in ((0.1, 0.6), (0.6, 0.4), (0.95, 1.55))]
    body = skia.Op(oval(x, y, half, tall), polygon(tip), skia.PathOp.kUnion_PathOp)
    easel.fill(body, WHITE, 0.96)
    easel.trace(body, INK, max(1.4, height / 260))
    for row in range(3):
        start, level = x - half * 0.6 + half * 0.15 * (row == 1), y + tall * (0.36 * (row - 1))
        points = []
        for step in range(source.randint(7, 13)):
            points.append((start + step * half * 0.10, level + source.uniform(-1, 1) * tall * 0.07))
        easel.trace(curve(points), colour("55505c"), max(1.2, height / 300))
    return body


def _petals(easel: Easel, source: random.Random, palette: Palette) -> skia.Path:
    base = source.choice((colour("f9bdd2"), mix(palette.leaf, WHITE, 0.2), WHITE))
    petals = []
    for _ in range(source.randint(5, 12)):
        x, y = easel.width * source.random(), easel.height * source.random()
        size, turn = easel.height * source.uniform(0.008, 0.022), source.random()
        ends = (x - size, y - size * turn), (x + size, y + size * turn)
        petals.append(stroke(ends[0], (x, y - size * 0.6), ends[1], size * 0.8))
        easel.fill(petals[-1], base, 0.92)
    return together(petals)


PROPS: dict[str, Callable[[Easel, random.Random, Palette], skia.Path]] = {
    "plant": _plant, "desk": _desk, "railing": _railing, "bubble": _bubble, "petals": _petals
}  # fmt: skip
