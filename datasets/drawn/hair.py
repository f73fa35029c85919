"""Hair: the sheets of a haircut (hair.toml), from the back of the head to the tip of the fringe.

Strands run from the crown outwards; a fringe is one outline whose lower edge alternates between tips (of
locks) and valleys.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

import skia

from datasets.drawn.cast import Person
from datasets.drawn.colours import Colour, glow, line_colour, mix
from datasets.drawn.curves import Point, oval, polygon, route, shifted, smooth, stroke, together, toward
from datasets.drawn.pen import Layer, Pen, Style, record
from datasets.drawn.strokes import outline, pairs, play, table

CHIN = 1.0
CROWN: Point = (0.0, -0.92)
LOW_VALLEY = 0.3  # valleys below this lie between two side locks: a strand from there would cross the eye


Cut = Mapping[str, Any]  # a table in hair.toml


@dataclass(frozen=True)
class Lock:
    """A pointed lock of the fringe: its tip, the valley to its right, and how far it bends to the right."""

    tip: Point
    valley: Point
    bend: float


@dataclass(frozen=True, eq=False)
class Hair:
    """The sheets of a haircut."""

    behind: tuple[Layer, ...]  # drawn before the body (tails and long hair), first to last
    front: Layer  # the fringe and the hair over the skull
    over: tuple[Layer, ...]  # drawn after the front and the body (braids that fall over the shoulders)
    fringe: skia.Path  # outline of the front hair, whose shadow falls on the face
    covers_ears: bool  # whether they are drawn


@lru_cache(maxsize=64)
def make_hair(person: Person, style: Style) -> Hair:
    """Returns somebody's haircut, drawn in a style."""
    cut, hair = table("hair")[person.hair], person.hair_colour
    behind = tuple(layer for sheet in cut["behind"] for layer in _back_layers(style, hair, sheet))
    locks = [Lock((x, y), (vx, vy), bend) for x, y, vx, vy, bend in cut["locks"]]
    fringe = _front_path(locks, cut)
    draw = partial(_draw_front, hair=hair, locks=locks, path=fringe, cut=cut)
    front = record(style, draw, head=True, depth=0.09)
    over = tuple(_braid(style, hair, side) for side in (-1, 1)) if cut.get("braids") else ()
    return Hair(behind, _counted(front), over, fringe, cut["covers_ears"])


def _counted(layer: Layer) -> Layer:
    """Returns the layer with its share of the head cut at the chin."""
    above, common = skia.Path.Rect(skia.Rect.MakeLTRB(-4, -6, 4, CHIN)), skia.PathOp.kIntersect_PathOp
    return replace(layer, head=tuple(skia.Op(path, above, common) for path in layer.head))


def _front_path(locks: Sequence[Lock], cut: Cut) -> skia.Path:
    """Returns the outline of the front hair, from the left side of the head along the fringe and back."""
    end: Point = tuple(cut["edge"])
    top, wide, belly = cut["top"], cut["wide"], cut["belly"]
    start = here = (-end[0], end[1])
    points = [start]
    for lock in locks:
        valley = end if lock is locks[-1] else lock.valley
        down, up = toward(here, lock.tip, 0.58), toward(lock.tip, valley, 0.42)
        points += [(down[0] + lock.bend - belly, down[1]), lock.tip]
        points += [(up[0] + lock.bend + belly, up[1]), valley]
        here = valley
    if "spikes" not in cut:
        crown = [(wide + 0.03, -0.62), (0.60, top), (0.0, top), (-0.60, top), (-wide - 0.03, -0.62), start]
        return route("M" + "QQ" * len(locks) + "CC", points + crown)
    for index, (one, other) in enumerate(pairwise([end, *pairs(cut["spikes"]), start])):
        x, y = toward(one, other, 0.5)
        # the lower edge of a spike swells outwards and the upper one is hollow, so that it points up
        swell = 1.10 if (index % 2 == 0) == (x > 0) else 0.95
        points += [(x * swell, -0.2 + (y + 0.2) * swell), other]
    return route("M" + "Q" * (len(points) // 2), points)


def _shades(locks: Sequence[Lock], belly: float) -> skia.Path:
    """Returns a sliver of shadow along the right side of every lock."""
    slivers = []
    for lock in locks:
        tip, (x, y) = lock.tip, lock.valley
        up, root = toward(tip, (x, y), 0.42), toward((x, y), CROWN, 0.30)
        inner = toward(root, tip, 0.55)
        outer = [tip, (up[0] + lock.bend + belly + 0.02, up[1]), (x + 0.015, y), root]
        slivers.append(route("MQLQ", [*outer, (inner[0] - 0.02 + lock.bend * 0.8, inner[1]), tip]))
    return together(slivers)


def _strands(locks: Sequence[Lock]) -> skia.Path:
    """Returns tapering lines from the valleys towards the crown."""
    lines = []
    for lock in locks:
        end = toward(lock.valley, CROWN, 0.55)
        x, y = toward(lock.valley, end, 0.5)
        lines.append(stroke(lock.valley, (x * 1.14 + 0.01, y - 0.02), end, 0.018))
    return together(lines)


def _halo(wide: float) -> skia.Path:
    """Returns the band of light around the head ("angel's ring"), with a toothed edge."""
    upper, lower = [], []
    for index in range(10):
        angle = math.radians(-62 + 124 * index / 9)
        x, up, fade = math.sin(angle) * wide * 0.86, math.cos(angle), math.cos(angle * 1.30)
        high, low = (0.10, 0.015) if index % 2 else (0.03, 0.12)
        upper.append((x, -0.10 - up * 0.66 - high * fade))
        lower.append((x, -0.10 - up * 0.66 + low * fade))
    return polygon([*upper, *reversed(lower)])


def _roots(top: float, spikes: Sequence[Point]) -> skia.Path:
    """Returns the lines at the roots: of the spikes, or of a whorl at the crown."""
    if spikes:
        ends = ((valley, toward(valley, CROWN, 0.25), toward(valley, CROWN, 0.6)) for valley in spikes[1::2])
        return together([stroke(*points, 0.018) for points in ends])
    whorl = ((-0.52, 0.42), (-0.27, 0.40), (0.12, 0.36), (0.36, 0.42), (0.58, 0.46))
    lines = (((x * 0.18, top + 0.05), (x * 0.62, top + 0.13), (x, top + y)) for x, y in whorl)
    return together([stroke(*points, 0.014) for points in lines])


def _draw_front(pen: Pen, hair: Colour, locks: Sequence[Lock], path: skia.Path, cut: Cut) -> None:
    inner = [lock for lock in locks[:-1] if lock.valley[1] <= LOW_VALLEY]
    play(pen, cut.get("extra", ()), {"hair": hair})
    dark, line = pen.shadow(hair), line_colour(hair)
    pen.shape(path, hair)
    with pen.inside(path):
        if pen.style.soft:
            pen.gradient(path, (0.0, -0.55), (0.0, 0.55), [(0.0, dark, 0.0), (1.0, dark, 0.75)])
        pen.fill(_shades(inner, cut["belly"]), dark, 0.85)
        pen.fill(skia.Op(path, shifted(path, -0.10, -0.03), skia.PathOp.kDifference_PathOp), dark, 0.6)
        pen.fill(_halo(cut["wide"]), glow(hair, 0.45), pen.style.shine)
    pen.fill(_strands(inner), line, 0.85)
    pen.fill(_roots(cut["top"], pairs(cut.get("spikes", ()))), line, 0.85 if "spikes" in cut else 0.45)
    if "parting" in cut:
        x, y = cut["parting"]
        pen.fill(stroke((x, cut["top"] + 0.02), (x * 1.3, -1.0), (x, y), 0.02), line, 0.8)


def _back_layers(style: Style, hair: Colour, sheet: Cut) -> Iterator[Layer]:
    """Yields the sheets of hair behind the face: darker than the front, but for tails."""
    for side in (1.0, -1.0) if sheet.get("both") else (1.0,):
        is_tail, path = "tail" in sheet, outline(*sheet["outline"], side=side)
        pivot = pairs(sheet.get("tail", (0.0, 0.0)), side)[0]
        strands = [pairs(strand, side) for strand in sheet.get("strands", ())]
        draw = partial(_draw_back, hair=hair, path=path, strands=strands, is_tail=is_tail)
        depth, hang = sheet.get("depth", -0.06), sheet.get("hang", 0.0)
        yield _counted(record(style, draw, head=not is_tail, depth=depth, hang=hang, pivot=pivot))


def _draw_back(pen: Pen, hair: Colour, path: skia.Path, strands: list[list[Point]], is_tail: bool) -> None:
    dark, line = pen.shadow(hair), line_colour(hair)
    base = hair if is_tail else mix(hair, dark, 0.72)
    pen.shape(path, base, line=line)
    with pen.inside(path):
        if is_tail and pen.style.soft:
            bounds = path.computeTightBounds()
            stops = [(0.0, dark, 0.55), (0.25, dark, 0.0), (0.6, dark, 0.0), (1.0, dark, 0.7)]
            pen.gradient(path, (0.0, bounds.top()), (0.0, bounds.bottom()), stops)
        for start, bend, end in strands:
            pen.fill(stroke(start, bend, end, 0.05), pen.shadow(base), 0.8)
            pen.fill(stroke(start, bend, end, 0.015), line, 0.7)


def _braid(style: Style, hair: Colour, side: int) -> Layer:
    def draw(pen: Pen) -> None:
        tuft = (-0.11, -0.06, -0.16, 0.22, -0.05, 0.36, 0.0, 0.44, 0.08, 0.34, 0.15, 0.20, 0.11, -0.06)
        pen.shape(smooth([(side * 1.13 + dx, 2.365 + dy) for dx, dy in pairs(tuft)]), hair)
        for index in range(6, -1, -1):
            y, x = 0.72 + 0.235 * index, side * (0.92 + 0.03 * index)
            for half in (-0.185 + 0.010 * index, 0.185 - 0.010 * index):
                knot = [(x, y - 0.14), (x + half, y - 0.13), (x + half * 1.10, y + 0.05), (x, y + 0.20)]
                lean = -0.02 if half > 0 else 0.02
                pen.shape(smooth([*knot, (x + lean, y + 0.02)]), hair, 0.8)
                crease = stroke((x + half * 0.9, y - 0.06), (x + half * 0.8, y + 0.07), (x, y + 0.17), 0.035)
                pen.fill(crease, pen.shadow(hair), 0.8)
                light = oval(x + half * 0.55, y - 0.06, abs(half) * 0.22, 0.03)
                pen.fill(light, glow(hair, 0.45), style.shine * 0.8)

    return record(style, draw, depth=0.03, hang=0.85, pivot=(side * 0.9, 0.62))
