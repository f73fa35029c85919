"""Ribbons, glasses, hats, ears: the things on a head by which one knows it from afar.

An accessory is a function ``(style, colour) -> list of (place, layer)``; a place is ``behind`` (under the
front hair), ``face`` (on the face, under the fringe) or ``top`` (over everything).
"""

import math
from collections.abc import Callable

import skia

from datasets.drawn.colours import INK, WHITE, Colour, colour, glow, mix, shade
from datasets.drawn.curves import box, moved, oval, polygon, sided, smooth, stroke
from datasets.drawn.face import EYE_MIDDLE, TURN_OF_FEATURES
from datasets.drawn.pen import Layer, Pen, Style, record

Placed = list[tuple[str, Layer]]


def _bow(pen: Pen, x: float, y: float, size: float, base: Colour, lean: float = 0.0) -> None:
    pen.canvas.save()
    pen.canvas.translate(x, y)
    pen.canvas.rotate(lean)
    pen.canvas.scale(size, size)
    for side in (-1.0, 1.0):
        pen.shape(
            polygon(sided(side, [(0.05, 0.05), (0.42, 0.86), (0.62, 0.62), (0.78, 0.74), (0.22, 0.0)])),
            base,
        )
    for side in (-1.0, 1.0):
        wing = smooth(
            sided(side, [(0.0, 0.0), (0.45, -0.42), (0.95, -0.46), (0.88, 0.0), (0.92, 0.40), (0.45, 0.30)])
        )
        pen.shape(wing, base)
        with pen.inside(wing):
            pen.fill(
                stroke((side * 0.1, 0.02), (side * 0.5, 0.16), (side * 0.95, 0.42), 0.16), pen.shadow(base)
            )
            pen.fill(
                stroke((side * 0.16, -0.02), (side * 0.4, -0.14), (side * 0.66, -0.18), 0.03),
                pen.shadow(base),
            )
    pen.shape(oval(0.0, 0.0, 0.19, 0.21), base)
    pen.canvas.restore()


def _ribbons(style: Style, base: Colour) -> Placed:
    return [
        (
            "top",
            record(
                style,
                lambda pen, side=side: _bow(pen, side * 0.97, -0.72, 0.40, base, side * 32.0),
                head=True,
                depth=0.02,
            ),
        )
        for side in (-1, 1)
    ]


def _big_bow(style: Style, base: Colour) -> Placed:
    return [("behind", record(style, lambda pen: _bow(pen, 0.0, -1.28, 0.75, base), head=True, depth=-0.05))]


def _glasses(style: Style, base: Colour) -> Placed:
    def draw(pen: Pen) -> None:
        for side in (-1.0, 1.0):
            x = EYE_MIDDLE[0] * side
            lens = oval(x, 0.26, 0.295, 0.285)
            pen.fill(lens, WHITE, 0.07)
            pen.line(lens, base, 1.9)
            with pen.inside(lens):
                pen.fill(
                    polygon([(x - 0.20, 0.56), (x + 0.02, -0.05), (x + 0.11, -0.05), (x - 0.11, 0.56)]),
                    WHITE,
                    0.16,
                )
            pen.line(smooth([(x + side * 0.29, 0.22), (side * 0.86, 0.14)], closed=False), base, 1.7)
        pen.line(smooth([(-0.09, 0.21), (0.0, 0.17), (0.09, 0.21)], closed=False), base, 1.7)

    return [("face", record(style, draw, depth=TURN_OF_FEATURES))]


def _hairpin(style: Style, base: Colour) -> Placed:
    def draw(pen: Pen) -> None:
        for lean in (28.0, -28.0):
            pen.canvas.save()
            pen.canvas.translate(0.60, -0.30)
            pen.canvas.rotate(lean)
            pen.shape(box(-0.20, -0.05, 0.20, 0.05, 0.05), base)
            pen.canvas.restore()

    return [("top", record(style, draw, depth=0.10))]


def _headphones(style: Style, base: Colour) -> Placed:
    def draw_band(pen: Pen) -> None:
        band = skia.Path()
        band.moveTo(-1.08, 0.0)
        band.cubicTo(-1.14, -1.05, -0.62, -1.46, 0.0, -1.46)
        band.cubicTo(0.62, -1.46, 1.14, -1.05, 1.08, 0.0)
        band.lineTo(0.98, 0.0)
        band.cubicTo(1.02, -0.92, 0.56, -1.28, 0.0, -1.28)
        band.cubicTo(-0.56, -1.28, -1.02, -0.92, -0.98, 0.0)
        band.close()
        pen.shape(band, mix(base, WHITE, 0.88))
        pen.line(
            smooth([(-1.05, -0.3), (-0.78, -1.05), (0.0, -1.37), (0.78, -1.05), (1.05, -0.3)], closed=False),
            base,
            2.0,
        )

    def draw_cup(pen: Pen, side: float) -> None:
        pen.shape(box(*sorted_pair(side * 0.80, side * 1.02, -0.24, 0.44), 0.10), colour("3a3f4c"))
        pen.shape(box(*sorted_pair(side * 0.92, side * 1.20, -0.30, 0.50), 0.13), base)
        pen.fill(oval(side * 1.06, 0.10, 0.085, 0.24), glow(base, 0.6), 0.9)

    def sorted_pair(one: float, other: float, top: float, bottom: float) -> tuple[float, float, float, float]:
        return min(one, other), top, max(one, other), bottom

    return [
        ("top", record(style, draw_band, head=True, depth=0.0)),
        *(
            ("top", record(style, lambda pen, side=side: draw_cup(pen, side), head=True, depth=-0.03))
            for side in (-1.0, 1.0)
        ),
    ]


def _captains_hat(style: Style, base: Colour) -> Placed:
    gold = colour("f0c04a")

    def draw(pen: Pen) -> None:
        crown = smooth(
            [
                (-0.88, -0.70),
                (-1.30, -1.22),
                (-1.10, -1.56),
                (-0.45, -1.56),
                (0.0, -1.82),
                (0.45, -1.56),
                (1.10, -1.56),
                (1.30, -1.22),
                (0.88, -0.70),
                (0.0, -0.86),
            ]
        )
        pen.shape(crown, base)
        with pen.inside(crown):
            pen.fill(
                smooth([(0.2, -1.8), (0.7, -1.2), (0.3, -0.6), (1.4, -0.6), (1.5, -1.7)]),
                pen.shadow(base),
                0.8,
            )
        band = smooth(
            [(-0.98, -0.52), (-0.94, -0.84), (0.0, -1.02), (0.94, -0.84), (0.98, -0.52), (0.0, -0.70)]
        )
        pen.shape(band, shade(base, 1.0))
        pen.line(smooth([(-0.95, -0.80), (0.0, -0.98), (0.95, -0.80)], closed=False), gold, 2.0)
        peak = smooth(
            [(-0.92, -0.56), (0.0, -0.76), (0.92, -0.56), (0.66, -0.36), (0.0, -0.50), (-0.66, -0.36)]
        )
        pen.shape(peak, colour("22222c"))
        pen.fill(stroke((-0.6, -0.50), (0.0, -0.70), (0.5, -0.56), 0.02), WHITE, 0.7)
        pen.line(
            smooth(
                [(-1.06, -1.48), (-0.45, -1.50), (0.0, -1.74), (0.45, -1.50), (1.06, -1.48)], closed=False
            ),
            gold,
            1.8,
        )
        # an anchor
        pen.line(oval(0.0, -1.44, 0.06, 0.06), gold, 1.8)
        pen.line(smooth([(0.0, -1.38), (0.0, -1.08)], closed=False), gold, 2.2)
        pen.line(smooth([(-0.13, -1.30), (0.13, -1.30)], closed=False), gold, 1.8)
        pen.line(
            smooth(
                [(-0.18, -1.20), (-0.12, -1.10), (0.0, -1.07), (0.12, -1.10), (0.18, -1.20)], closed=False
            ),
            gold,
            2.0,
        )

    return [("top", record(style, draw, head=True, depth=0.05))]


def _eyepatch(style: Style, base: Colour) -> Placed:
    def draw(pen: Pen) -> None:
        x, y = EYE_MIDDLE[0], EYE_MIDDLE[1]
        pen.line(smooth([(-0.80, -0.42), (0.0, -0.18), (x - 0.20, 0.06)], closed=False), base, 2.2)
        pen.line(smooth([(x + 0.22, 0.06), (0.72, -0.08)], closed=False), base, 2.2)
        patch = smooth(
            [
                (x - 0.25, 0.04),
                (x, -0.04),
                (x + 0.27, 0.02),
                (x + 0.23, y + 0.20),
                (x + 0.02, y + 0.34),
                (x - 0.21, y + 0.20),
            ]
        )
        pen.shape(patch, base)
        pen.fill(stroke((x - 0.14, 0.08), (x - 0.02, 0.0), (x + 0.12, 0.06), 0.03), glow(base, 0.35), 0.8)

    return [("face", record(style, draw, depth=TURN_OF_FEATURES))]


def _cat_ears(style: Style, base: Colour) -> Placed:
    def draw(pen: Pen, side: float) -> None:
        ear = skia.Path()
        ear.moveTo(side * 0.18, -1.08)
        ear.cubicTo(side * 0.36, -1.40, side * 0.62, -1.64, side * 0.90, -1.72)
        ear.cubicTo(side * 1.06, -1.40, side * 1.08, -1.00, side * 0.97, -0.56)
        ear.close()
        pen.shape(ear, base)
        with pen.inside(ear):
            small = skia.Matrix.Scale(0.70, 0.74)
            small.postTranslate(side * 0.215, -0.33)
            pen.fill(moved(ear, small), colour("f4a6b4"))
            small.postTranslate(side * 0.10, 0.16)
            with pen.inside(moved(ear, skia.Matrix.Translate(0.0, 0.20))):
                pen.fill(moved(ear, small), shade(colour("f4a6b4"), 0.35))
        fluff = [
            *((0.34, -0.80), (0.46, -1.14), (0.54, -1.02), (0.66, -1.22), (0.70, -1.02), (0.82, -1.10)),
            (0.84, -0.70),
        ]
        pen.shape(smooth(sided(side, fluff)), glow(base, 0.4), width=0.5)

    return [
        ("behind", record(style, lambda pen, side=side: draw(pen, side), head=True, depth=0.03))
        for side in (-1.0, 1.0)
    ]


def _flower(style: Style, base: Colour) -> Placed:
    def draw(pen: Pen) -> None:
        for leaf in (
            ((-0.72, -0.50), (-1.05, -0.42), (-1.20, -0.28)),
            ((-0.70, -0.50), (-0.60, -0.20), (-0.66, -0.08)),
        ):
            pen.shape(stroke(*leaf, 0.12), colour("5fae5a"), width=0.8)
        for index in range(5):
            angle = 2 * math.pi * index / 5 - math.pi / 2
            pen.shape(
                oval(-0.74 + 0.17 * math.cos(angle), -0.52 + 0.17 * math.sin(angle), 0.145, 0.145),
                base,
                width=0.9,
            )
        pen.fill(oval(-0.74, -0.52, 0.13, 0.13), base)
        for index in range(5):
            angle = 2 * math.pi * index / 5 - math.pi / 2
            pen.fill(
                oval(-0.74 + 0.10 * math.cos(angle), -0.52 + 0.10 * math.sin(angle), 0.03, 0.03),
                shade(base, 0.7),
            )
        pen.shape(oval(-0.74, -0.52, 0.075, 0.075), colour("ffd54f"), width=0.7)

    return [("top", record(style, draw, head=True, depth=0.06))]


def _goggles(style: Style, base: Colour) -> Placed:
    def draw(pen: Pen) -> None:
        strap = smooth(
            [
                (-0.98, -0.30),
                (-0.5, -0.50),
                (0.0, -0.56),
                (0.5, -0.50),
                (0.98, -0.30),
                (0.96, -0.50),
                (0.5, -0.74),
                (0.0, -0.80),
                (-0.5, -0.74),
                (-0.96, -0.50),
            ]
        )
        pen.shape(strap, colour("5a4033"))
        for side in (-1.0, 1.0):
            x = side * 0.34
            pen.shape(oval(x, -0.66, 0.30, 0.25), base)
            lens = oval(x, -0.66, 0.22, 0.175)
            pen.gradient(
                lens,
                (x - 0.15, -0.85),
                (x + 0.15, -0.45),
                [(0.0, colour("dff6ff"), 1.0), (0.55, colour("58b7e8"), 1.0), (1.0, colour("2a6fb0"), 1.0)],
            )
            pen.line(lens, mix(INK, base, 0.2), 0.9)
            pen.fill(stroke((x - 0.14, -0.66), (x - 0.08, -0.80), (x + 0.05, -0.78), 0.035), WHITE, 0.9)
        pen.shape(box(-0.08, -0.71, 0.08, -0.61, 0.03), base, width=0.8)

    return [("top", record(style, draw, head=True, depth=0.10))]


def _hairband(style: Style, base: Colour) -> Placed:
    def draw(pen: Pen) -> None:
        band = smooth(
            [
                (-0.99, -0.28),
                (-0.72, -0.86),
                (0.0, -1.10),
                (0.72, -0.86),
                (0.99, -0.28),
                (0.93, -0.20),
                (0.66, -0.70),
                (0.0, -0.92),
                (-0.66, -0.70),
                (-0.93, -0.20),
            ]
        )
        pen.shape(band, base)

    return [("top", record(style, draw, head=True, depth=0.06))]


def _beret(style: Style, base: Colour) -> Placed:
    def draw(pen: Pen) -> None:
        cap = smooth(
            [
                (-0.98, -0.66),
                (-1.30, -1.10),
                (-0.80, -1.52),
                (0.10, -1.58),
                (0.92, -1.30),
                (0.92, -0.78),
                (0.0, -0.94),
            ]
        )
        pen.shape(cap, base)
        with pen.inside(cap):
            pen.fill(
                smooth([(-1.2, -0.9), (0.0, -1.12), (1.0, -1.0), (1.0, -0.6), (-1.0, -0.5)]),
                pen.shadow(base),
                0.8,
            )
        pen.shape(smooth([(0.02, -1.54), (0.06, -1.72), (0.14, -1.70), (0.12, -1.54)]), base)

    return [("top", record(style, draw, head=True, depth=0.04))]


ACCESSORIES: dict[str, Callable[[Style, Colour], Placed]] = {
    "ribbons": _ribbons,
    "big bow": _big_bow,
    "glasses": _glasses,
    "hairpin": _hairpin,
    "headphones": _headphones,
    "captain's hat": _captains_hat,
    "eyepatch": _eyepatch,
    "cat ears": _cat_ears,
    "flower": _flower,
    "goggles": _goggles,
    "hairband": _hairband,
    "beret": _beret,
}
