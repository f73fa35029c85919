"""Hair: for every hair style the sheets that make it up, from the back of the head to the tip of the fringe.

A style is a function ``(style, colour) -> Hair``; the table ``HAIR`` names them. Strands run from the crown
outwards; a fringe is one outline whose lower edge alternates between tips (of locks) and valleys.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import skia

from datasets.drawn.colours import Colour, glow, line_colour, mix
from datasets.drawn.curves import Point, box, moved, oval, polygon, sided, smooth, stroke, together, toward
from datasets.drawn.pen import Layer, Pen, Style, record

CHIN = 1.0
CROWN: Point = (0.0, -0.92)
LOW_VALLEY = 0.3  # valleys below this lie between two side locks: a strand from there would cross the eye


@dataclass(frozen=True)
class Lock:
    """A pointed lock of the fringe: its tip, the valley to its right, and how far it bends to the right."""

    tip: Point
    valley: Point
    bend: float = 0.0


@dataclass(frozen=True, eq=False)
class Hair:
    """The sheets of a hair style.

    Attributes:
        behind: drawn before the body (tails and long hair), first to last.
        front: the fringe and the hair over the skull.
        over: drawn after the front and the body (locks and braids that fall over the shoulders).
        fringe: outline of the front hair, whose shadow falls on the face.
        tucked: whether the ears are covered.
    """

    behind: tuple[Layer, ...]
    front: Layer
    over: tuple[Layer, ...]
    fringe: skia.Path
    covers_ears: bool


def above_chin(path: skia.Path) -> skia.Path:
    """Returns the part of a path that counts as the head: what is above the line through the chin."""
    return skia.Op(path, box(-4, -6, 4, CHIN), skia.PathOp.kIntersect_PathOp)


def _front_path(
    start: Point,
    locks: Sequence[Lock],
    end: Point,
    *,
    top: float,
    wide: float,
    belly: float,
    spikes: Sequence[Point] = (),
) -> skia.Path:
    """Returns the outline of the front hair.

    Args:
        start: where the left side of the head meets the first lock.
        locks: the fringe, from left to right.
        end: where the last lock meets the right side of the head.
        top: y of the crown.
        wide: half the width of the hair.
        belly: how far locks swell sideways.
        spikes: instead of a round crown: tip, valley, tip ... from the right side over the top to the left.
    """
    path = skia.Path()
    path.moveTo(*start)
    here = start
    for index, lock in enumerate(locks):
        valley = end if index == len(locks) - 1 else lock.valley
        down, up = toward(here, lock.tip, 0.58), toward(lock.tip, valley, 0.42)
        path.quadTo(down[0] + lock.bend - belly, down[1], *lock.tip)
        path.quadTo(up[0] + lock.bend + belly, up[1], *valley)
        here = valley
    if not spikes:
        path.cubicTo(wide + 0.03, -0.62, 0.60, top, 0.0, top)
        path.cubicTo(-0.60, top, -wide - 0.03, -0.62, *start)
    corners = [end, *spikes, start] if spikes else []
    for index, (one, other) in enumerate(pairwise(corners)):
        x, y = toward(one, other, 0.5)
        # the lower edge of a spike swells outwards and the upper one is hollow, so that it points up
        swell = 1.10 if (index % 2 == 0) == (x > 0) else 0.95
        path.quadTo(x * swell, -0.2 + (y + 0.2) * swell, *other)
    path.close()
    return path


def _shades(locks: Sequence[Lock], belly: float) -> skia.Path:
    """Returns a sliver of shadow along the right side of every lock but the last."""
    slivers = []
    for lock in locks[:-1]:
        valley = lock.valley
        if valley[1] > LOW_VALLEY:
            continue
        up = toward(lock.tip, valley, 0.42)
        root = toward(valley, CROWN, 0.30)
        sliver = skia.Path()
        sliver.moveTo(*lock.tip)
        sliver.quadTo(up[0] + lock.bend + belly + 0.02, up[1], valley[0] + 0.015, valley[1])
        sliver.lineTo(*root)
        inner = toward(root, lock.tip, 0.55)
        sliver.quadTo(inner[0] - 0.02 + lock.bend * 0.8, inner[1], *lock.tip)
        sliver.close()
        slivers.append(sliver)
    return together(slivers)


def _strands(locks: Sequence[Lock]) -> skia.Path:
    """Returns tapering lines from the valleys towards the crown."""
    lines, reach = [], 0.55
    for lock in locks[:-1]:
        if lock.valley[1] > LOW_VALLEY:
            continue
        start, end = lock.valley, toward(lock.valley, CROWN, reach)
        middle = toward(start, end, 0.5)
        lines.append(stroke(start, (middle[0] * 1.14 + 0.01, middle[1] - 0.02), end, 0.018))
    return together(lines)


def _halo(wide: float) -> skia.Path:
    """Returns the band of light around the head ("angel's ring"), with a toothed edge."""
    upper, lower = [], []
    steps, y, size = 9, -0.10, 0.66
    for index in range(steps + 1):
        angle = math.radians(-62 + 124 * index / steps)
        x, up = math.sin(angle) * wide * 0.86, math.cos(angle)
        high, low = (0.10, 0.015) if index % 2 else (0.03, 0.12)
        fade = math.cos(angle * 1.30)
        upper.append((x, y - up * size - high * fade))
        lower.append((x, y - up * size + low * fade))
    return polygon([*upper, *reversed(lower)])


def _front_layer(
    style: Style,
    hair: Colour,
    start: Point,
    locks: Sequence[Lock],
    end: Point,
    *,
    top: float = -1.24,
    wide: float = 0.96,
    belly: float = 0.035,
    parting: Point | None = None,
    spikes: Sequence[Point] = (),
    extra: Callable[[Pen], None] | None = None,
) -> tuple[Layer, skia.Path]:
    """Returns the sheet of the front hair and its outline."""
    path = _front_path(start, locks, end, top=top, wide=wide, belly=belly, spikes=spikes)

    def draw(pen: Pen) -> None:
        if extra is not None:
            extra(pen)
        dark, light = pen.shadow(hair), glow(hair, 0.45)
        pen.shape(path, hair)
        with pen.inside(path):
            if style.soft:
                pen.gradient(path, (0.0, -0.55), (0.0, 0.55), [(0.0, dark, 0.0), (1.0, dark, 0.75)])
            pen.fill(_shades(locks, belly), dark, 0.85)
            edge = moved(path, skia.Matrix.Translate(-0.10, -0.03))
            pen.fill(skia.Op(path, edge, skia.PathOp.kDifference_PathOp), dark, 0.6)
            pen.fill(_halo(wide), light, style.shine)
        pen.fill(_strands(locks), line_colour(hair), 0.85)
        if spikes:
            roots = [
                stroke(valley, toward(valley, CROWN, 0.25), toward(valley, CROWN, 0.6), 0.018)
                for valley in spikes[1::2]
            ]
            pen.fill(together(roots), line_colour(hair), 0.85)
        else:
            whorl = [
                stroke((x * 0.18, top + 0.05), (x * 0.62, top + 0.13), (x, top + y), 0.014)
                for x, y in ((-0.52, 0.42), (-0.27, 0.40), (0.12, 0.36), (0.36, 0.42), (0.58, 0.46))
            ]
            pen.fill(together(whorl), line_colour(hair), 0.45)
        if parting is not None:
            pen.fill(
                stroke((parting[0], top + 0.02), (parting[0] * 1.3, -1.0), parting, 0.02),
                line_colour(hair),
                0.8,
            )

    layer = record(style, draw, head=True, depth=0.09)
    return _counted(layer), path


def _counted(layer: Layer) -> Layer:
    """Returns the layer with its share of the head cut at the chin."""
    return replace(layer, head=tuple(above_chin(path) for path in layer.head))


def _back_layer(
    style: Style,
    hair: Colour,
    points: Sequence[Point],
    *,
    strands: Sequence[Sequence[Point]] = (),
    depth: float = -0.06,
    head: bool = True,
    hang: float = 0.0,
    pivot: Point = (0.0, 0.0),
    light: bool = False,
    path: skia.Path | None = None,
) -> Layer:
    """Returns a sheet of hair behind the face; darker than the front unless ``light``."""
    outline = smooth(points) if path is None else path

    def draw(pen: Pen) -> None:
        base = hair if light else mix(hair, pen.shadow(hair), 0.72)
        pen.shape(outline, base, line=line_colour(hair))
        with pen.inside(outline):
            if light and style.soft:
                bounds = outline.computeTightBounds()
                pen.gradient(
                    outline,
                    (0.0, bounds.top()),
                    (0.0, bounds.bottom()),
                    [
                        (0.0, pen.shadow(hair), 0.55),
                        (0.25, pen.shadow(hair), 0.0),
                        (0.6, pen.shadow(hair), 0.0),
                        (1.0, pen.shadow(hair), 0.7),
                    ],
                )
            for start, bend, end in strands:
                pen.fill(stroke(start, bend, end, 0.05), pen.shadow(base), 0.8)
                pen.fill(stroke(start, bend, end, 0.015), line_colour(hair), 0.7)

    return _counted(record(style, draw, head=head, depth=depth, hang=hang, pivot=pivot))


def _zigzag_back(
    half: float,
    bottom: float,
    *,
    teeth: int = 7,
    depth_of_teeth: float = 0.14,
    flare: float = 0.0,
) -> skia.Path:
    """Returns the outline of hair that falls behind the head down to ``bottom`` and ends in tips."""
    path = skia.Path()
    low, top = half + flare, -1.02
    path.moveTo(0.0, top)
    path.cubicTo(0.45, top, half - 0.06, -0.72, half, -0.05)
    path.cubicTo(half - 0.01, 0.35, low, bottom - 0.75, low, bottom - 0.10)
    for index in range(teeth):
        left, right = low - 2 * low * (index + 1) / teeth, low - 2 * low * index / teeth
        middle = (left + right) / 2 + (0.05 if index < teeth / 2 else -0.05)
        drop = depth_of_teeth * (1.0 if index % 2 == 0 else 0.55)
        path.quadTo(right - 0.01, bottom - 0.02, middle, bottom + drop)
        path.quadTo(left + 0.10, bottom + 0.02, left, bottom - 0.10)
    path.cubicTo(-low, bottom - 0.75, -half + 0.01, 0.35, -half, -0.05)
    path.cubicTo(-half + 0.06, -0.72, -0.45, top, 0.0, top)
    path.close()
    return path


def _tail(root: Point, points: Sequence[Point], width: float) -> list[Point]:
    """Returns the outline of a tail along a spine: narrow at the root, full in the middle, pointed below."""
    spine = [root, *points]
    left, right = [], []
    for index, (x, y) in enumerate(spine[:-1]):
        ahead = spine[index + 1]
        dx, dy = ahead[0] - x, ahead[1] - y
        length = (dx * dx + dy * dy) ** 0.5
        profile = (0.45, 1.0, 1.05, 0.8, 0.5)[min(index, 4)] * width
        left.append((x - dy / length * profile, y + dx / length * profile))
        right.append((x + dy / length * profile, y - dx / length * profile))
    return [*left, spine[-1], *reversed(right)]


def _twin_tails(style: Style, hair: Colour) -> Hair:
    spine = [(1.36, -0.52), (1.62, 0.25), (1.60, 1.20), (1.42, 2.05), (1.60, 2.75)]
    tail = _tail((0.98, -0.66), spine, 0.30)
    strands = [((1.05, -0.55), (1.62, 0.0), (1.50, 2.2)), ((1.1, -0.7), (1.95, 0.3), (1.72, 1.9))]
    behind = []
    for side in (1, -1):
        points = sided(side, tail)
        lines = [sided(side, strand) for strand in strands]
        behind.append(
            _back_layer(
                style,
                hair,
                points,
                strands=lines,
                head=False,
                depth=-0.05,
                hang=0.75,
                pivot=(side * 0.98, -0.66),
                light=True,
            )
        )
    behind.append(_back_layer(style, hair, [], path=_zigzag_back(0.86, 0.45, teeth=5, depth_of_teeth=0.06)))
    locks = (
        Lock((-0.83, 1.02), (-0.64, -0.05), -0.04),
        Lock((-0.46, 0.10), (-0.27, -0.34), -0.05),
        Lock((-0.13, 0.13), (0.06, -0.40), -0.04),
        Lock((0.22, 0.10), (0.40, -0.30), 0.03),
        Lock((0.55, 0.06), (0.66, -0.06), 0.05),
        Lock((0.84, 0.98), (0.0, 0.0), 0.04),
    )
    front, fringe = _front_layer(style, hair, (-0.93, -0.05), locks, (0.93, -0.05))
    return Hair(tuple(behind), front, (), fringe, True)


def _bob(style: Style, hair: Colour) -> Hair:
    back = _back_layer(
        style,
        hair,
        [
            (0.0, -1.04),
            (0.60, -0.94),
            (1.00, -0.35),
            (1.08, 0.30),
            (1.02, 0.82),
            (0.62, 1.06),
            (0.0, 0.98),
            (-0.62, 1.06),
            (-1.02, 0.82),
            (-1.08, 0.30),
            (-1.00, -0.35),
            (-0.60, -0.94),
        ],
    )
    locks = (
        Lock((-0.66, 0.93), (-0.72, 0.05), -0.17),
        Lock((-0.54, 0.08), (-0.44, -0.10), -0.02),
        Lock((-0.28, 0.11), (-0.16, -0.12), -0.01),
        Lock((0.0, 0.12), (0.14, -0.12), 0.0),
        Lock((0.28, 0.11), (0.42, -0.10), 0.01),
        Lock((0.54, 0.08), (0.72, 0.05), 0.02),
        Lock((0.66, 0.93), (0.0, 0.0), 0.17),
    )
    front, fringe = _front_layer(style, hair, (-0.99, -0.05), locks, (0.99, -0.05), wide=1.0, top=-1.25)
    return Hair((back,), front, (), fringe, True)


def _long_straight(style: Style, hair: Colour) -> Hair:
    strands = [
        ((-0.7, 0.2), (-0.85, 1.5), (-0.75, 2.9)),
        ((0.7, 0.2), (0.85, 1.5), (0.75, 2.9)),
        ((0.3, 0.6), (0.4, 1.5), (0.35, 2.9)),
        ((-0.3, 0.6), (-0.4, 1.5), (-0.35, 2.9)),
    ]
    long = _back_layer(style, hair, [], path=_zigzag_back(0.99, 2.95, teeth=9, flare=0.14), strands=strands)
    # a princess cut: a straight fringe, and side hair cut off at the cheek
    locks = (
        Lock((-0.84, 0.80), (-0.66, 0.78), -0.03),
        Lock((-0.64, 0.80), (-0.60, 0.0), 0.04),
        Lock((-0.45, 0.06), (-0.40, -0.02), 0.0),
        Lock((-0.20, 0.08), (-0.15, -0.01), 0.0),
        Lock((0.06, 0.08), (0.11, -0.01), 0.0),
        Lock((0.32, 0.07), (0.37, -0.02), 0.0),
        Lock((0.54, 0.05), (0.60, 0.0), 0.0),
        Lock((0.64, 0.80), (0.66, 0.78), -0.04),
        Lock((0.84, 0.80), (0.0, 0.0), 0.03),
    )
    front, fringe = _front_layer(style, hair, (-0.95, -0.05), locks, (0.95, -0.05), belly=0.02)
    return Hair((long,), front, (), fringe, True)


def _spiky(style: Style, hair: Colour) -> Hair:
    left = [
        (-0.70, 0.20),
        (-1.22, 0.02),
        (-1.02, 0.22),
        (-1.20, 0.42),
        (-0.92, 0.50),
        (-1.00, 0.84),
        (-0.60, 0.66),
    ]
    nape = polygon([(-0.5, 0.1), *left, (0.2, 0.7)])
    right = polygon([(0.5, 0.1), *((-x, y) for x, y in left), (0.2, 0.7)])
    back = _back_layer(style, hair, [], path=skia.Op(nape, right, skia.PathOp.kUnion_PathOp), depth=-0.02)
    locks = (
        Lock((-0.90, 0.62), (-0.74, 0.02), -0.06),
        Lock((-0.72, 0.34), (-0.50, -0.22), -0.07),
        Lock((-0.44, 0.16), (-0.20, -0.42), -0.09),
        Lock((-0.02, 0.30), (0.14, -0.38), 0.02),
        Lock((0.34, 0.14), (0.46, -0.28), 0.06),
        Lock((0.66, 0.28), (0.76, 0.0), 0.07),
        Lock((0.90, 0.58), (0.0, 0.0), 0.05),
    )
    spikes = [
        *((1.36, -0.30), (1.06, -0.46), (1.48, -0.86), (0.96, -0.92), (1.16, -1.46), (0.56, -1.18)),
        *((0.52, -1.74), (0.10, -1.28), (-0.22, -1.70), (-0.36, -1.24), (-0.86, -1.50), (-0.78, -1.02)),
        *((-1.34, -1.02), (-1.02, -0.60), (-1.40, -0.36)),
    ]
    front, fringe = _front_layer(
        style, hair, (-0.99, -0.10), locks, (0.99, -0.10), top=-1.26, wide=0.98, spikes=spikes
    )
    return Hair((back,), front, (), fringe, False)


def _ponytail(style: Style, hair: Colour) -> Hair:
    tail = _tail(
        (0.45, -1.05), [(1.05, -1.30), (1.62, -0.70), (1.78, 0.25), (1.62, 1.20), (1.84, 1.95)], 0.34
    )
    strands = [((0.6, -1.1), (1.75, -0.8), (1.65, 1.5)), ((0.6, -1.1), (1.45, -0.5), (1.50, 0.9))]
    behind = (
        _back_layer(
            style,
            hair,
            tail,
            strands=strands,
            head=False,
            depth=-0.12,
            hang=0.6,
            pivot=(0.45, -1.05),
            light=True,
        ),
        _back_layer(style, hair, [], path=_zigzag_back(0.90, 0.42, teeth=5, depth_of_teeth=0.08)),
    )
    locks = (
        Lock((-0.80, 0.72), (-0.66, -0.10), -0.08),
        Lock((-0.66, 0.22), (-0.42, -0.34), -0.12),
        Lock((-0.36, 0.06), (-0.02, -0.60), -0.16),
        Lock((0.30, 0.12), (0.36, -0.36), 0.14),
        Lock((0.62, 0.20), (0.68, -0.08), 0.10),
        Lock((0.80, 0.66), (0.0, 0.0), 0.06),
    )
    front, fringe = _front_layer(style, hair, (-0.93, -0.08), locks, (0.93, -0.08), parting=(-0.02, -0.60))
    return Hair(behind, front, (), fringe, False)


def _ahoge(style: Style, hair: Colour) -> Hair:
    back = _back_layer(
        style,
        hair,
        [
            (0.0, -1.04),
            (0.60, -0.94),
            (1.02, -0.35),
            (1.10, 0.22),
            (1.30, 0.62),
            (0.92, 0.70),
            (0.55, 0.95),
            (0.0, 0.85),
            (-0.55, 0.95),
            (-0.92, 0.70),
            (-1.30, 0.62),
            (-1.10, 0.22),
            (-1.02, -0.35),
            (-0.60, -0.94),
        ],
    )
    curl = skia.Path()
    curl.moveTo(-0.06, -1.16)
    curl.cubicTo(-0.16, -1.55, 0.16, -1.80, 0.52, -1.60)
    curl.cubicTo(0.66, -1.52, 0.64, -1.36, 0.52, -1.32)
    curl.cubicTo(0.56, -1.52, 0.20, -1.58, 0.10, -1.16)
    curl.close()

    def draw_curl(pen: Pen) -> None:
        pen.shape(curl, hair)

    locks = (
        Lock((-0.92, 0.66), (-0.70, 0.0), -0.05),
        Lock((-0.56, 0.14), (-0.34, -0.26), 0.06),
        Lock((-0.10, 0.08), (0.10, -0.30), 0.09),
        Lock((0.36, 0.10), (0.50, -0.20), 0.10),
        Lock((0.64, 0.20), (0.70, 0.02), 0.06),
        Lock((0.92, 0.62), (0.0, 0.0), 0.05),
    )
    front, fringe = _front_layer(style, hair, (-0.98, -0.05), locks, (0.98, -0.05), wide=1.0, extra=draw_curl)
    return Hair((back,), front, (), fringe, True)


def _braids(style: Style, hair: Colour) -> Hair:
    back = _back_layer(style, hair, [], path=_zigzag_back(0.94, 0.62, teeth=5, depth_of_teeth=0.04))

    def braid(side: int) -> Layer:
        def draw(pen: Pen) -> None:
            for index in range(7, -1, -1):
                y, x = 0.72 + 0.235 * index, side * (0.92 + 0.03 * index)
                size = 0.185 - 0.010 * index
                if index == 7:
                    tuft = smooth(
                        [
                            (x - 0.11, y - 0.06),
                            (x - 0.16, y + 0.22),
                            (x - 0.05, y + 0.36),
                            (x, y + 0.44),
                            (x + 0.08, y + 0.34),
                            (x + 0.15, y + 0.20),
                            (x + 0.11, y - 0.06),
                        ]
                    )
                    pen.shape(tuft, hair)
                    continue
                for lean in (-1, 1):
                    knot = smooth(
                        [
                            (x, y - 0.14),
                            (x + lean * size, y - 0.13),
                            (x + lean * size * 1.10, y + 0.05),
                            (x, y + 0.20),
                            (x - lean * 0.02, y + 0.02),
                        ]
                    )
                    pen.shape(knot, hair, width=0.8)
                    pen.fill(
                        stroke(
                            (x + lean * size * 0.9, y - 0.06),
                            (x + lean * size * 0.8, y + 0.07),
                            (x, y + 0.17),
                            0.035,
                        ),
                        pen.shadow(hair),
                        0.8,
                    )
                    pen.fill(
                        oval(x + lean * size * 0.55, y - 0.06, size * 0.22, 0.03),
                        glow(hair, 0.45),
                        style.shine * 0.8,
                    )

        return record(style, draw, depth=0.03, hang=0.85, pivot=(side * 0.9, 0.62))

    locks = (
        Lock((-0.86, 0.86), (-0.70, -0.02), -0.06),
        Lock((-0.60, 0.12), (-0.46, -0.22), -0.06),
        Lock((-0.32, 0.10), (-0.20, -0.34), -0.08),
        Lock((0.02, 0.16), (0.20, -0.34), 0.0),
        Lock((0.32, 0.10), (0.46, -0.22), 0.08),
        Lock((0.60, 0.12), (0.70, -0.02), 0.06),
        Lock((0.86, 0.86), (0.0, 0.0), 0.06),
    )
    front, fringe = _front_layer(style, hair, (-0.96, -0.05), locks, (0.96, -0.05))
    return Hair((back,), front, (braid(-1), braid(1)), fringe, True)


def _messy(style: Style, hair: Colour) -> Hair:
    back = _back_layer(
        style,
        hair,
        [
            *((-0.9, -0.2), (-1.12, 0.12), (-0.98, 0.22), (-1.06, 0.46), (-0.86, 0.44), (-0.72, 0.66)),
            *((0.70, 0.64), (0.86, 0.46), (1.08, 0.40), (0.98, 0.20), (1.10, 0.02), (0.9, -0.2)),
        ],
        depth=-0.02,
    )
    locks = (
        Lock((-0.92, 0.46), (-0.76, 0.0), -0.05),
        Lock((-0.62, 0.10), (-0.52, -0.24), 0.08),
        Lock((-0.24, 0.02), (-0.16, -0.34), 0.14),
        Lock((0.16, 0.06), (0.20, -0.32), 0.14),
        Lock((0.54, 0.02), (0.58, -0.20), 0.14),
        Lock((0.76, 0.16), (0.80, 0.0), 0.06),
        Lock((0.92, 0.42), (0.0, 0.0), 0.05),
    )
    tufts = [
        *((1.22, -0.22), (1.06, -0.42), (1.26, -0.70), (0.96, -0.86), (1.00, -1.20), (0.66, -1.14)),
        *((0.46, -1.46), (0.22, -1.26), (-0.10, -1.50), (-0.26, -1.24), (-0.62, -1.34), (-0.66, -1.08)),
        *((-1.06, -1.00), (-0.98, -0.70), (-1.24, -0.48), (-1.06, -0.28)),
    ]
    front, fringe = _front_layer(
        style,
        hair,
        (-0.98, -0.12),
        locks,
        (0.98, -0.12),
        top=-1.26,
        wide=0.98,
        spikes=[*tufts, (-1.16, -0.06)],
    )
    return Hair((back,), front, (), fringe, False)


HAIR: dict[str, Callable[[Style, Colour], Hair]] = {
    "twin tails": _twin_tails,
    "bob": _bob,
    "long straight": _long_straight,
    "spiky": _spiky,
    "ponytail": _ponytail,
    "ahoge": _ahoge,
    "braids": _braids,
    "messy": _messy,
}
