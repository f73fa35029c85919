"""Neck, body and clothes, from the shoulders to the shoes, in head units (the chin is at y = 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import skia

from datasets.drawn.colours import Colour, shade
from datasets.drawn.curves import (
    Point,
    along,
    box,
    curve,
    moved,
    polygon,
    route,
    sided,
    sides_of,
    smooth,
    stroke,
)  # fmt: skip
from datasets.drawn.face import skin_line, skin_shadow
from datasets.drawn.pen import Layer, Pen, Style, record
from datasets.drawn.strokes import play, table

FEET = 8.75  # y of the soles


@dataclass(frozen=True)
class Outfit:
    """What somebody wears.

    Attributes:
        collar: one of the drawings in clothes.toml.
        top, accent, bottom: colours of the upper part, its trimmings, and the skirt or trousers.
        below: skirt, trousers, shorts or gown.
        sleeves: long, short or wide.
        socks: colour of socks or tights, None for bare legs.
        shoes: colour of the shoes.
    """

    collar: str
    top: Colour
    accent: Colour
    bottom: Colour
    below: str = "skirt"
    sleeves: str = "long"
    socks: Colour | None = None
    shoes: Colour = (0.25, 0.18, 0.17)


_DOWN, _ON_HIP, _UP = ((1.22, 2.75), (1.20, 3.90)), ((1.55, 2.60), (0.86, 3.25)), ((1.62, 2.30), (1.74, 1.10))
POSES: dict[str, tuple[tuple[Point, Point], tuple[Point, Point]]] = {
    # (elbow, hand) of the arm on the picture's left, then of the one on its right, both as if on the right
    "rest": (_DOWN, _DOWN),
    "wave": (_DOWN, ((1.62, 2.35), (1.78, 1.15))),
    "hips": (_ON_HIP, _ON_HIP),
    "hip": (((1.24, 2.75), (1.20, 3.90)), _ON_HIP),
    "together": (((1.18, 2.75), (0.16, 3.62)), ((1.18, 2.75), (0.16, 3.66))),
    "cheer": (_UP, _UP),
}


def _limb(spine: Sequence[Point], widths: Sequence[float]) -> skia.Path:
    """Returns the outline of an arm or leg along a spine."""
    ends = [spine[0], *spine, spine[-1]]
    directions = list(zip(ends, ends[2:], strict=False))
    left, right = sides_of(spine, directions, widths)
    return smooth([*left, *reversed(right)])


def _draw_arm(
    pen: Pen, side: float, elbow: Point, hand: Point, wide: float, outfit: Outfit, skin: Colour
) -> None:
    shoulder, line = (wide - 0.20, 1.72), skin_line(skin)
    dx, dy = hand[0] - elbow[0], hand[1] - elbow[1]
    length = (dx * dx + dy * dy) ** 0.5
    forth = (dx / length, dy / length)
    across = (-forth[1], forth[0])
    wrist = along(hand, forth, -0.12)
    pen.canvas.save()
    pen.canvas.scale(side, 1.0)
    thumb = [
        hand,
        *(along(along(hand, across, -aside), forth, ahead) for aside, ahead in ((0.14, 0.10), (0.18, 0.20))),
    ]
    palm = [along(hand, forth, ahead) for ahead in (-0.10, 0.12, 0.30)]
    pen.shape(_limb(thumb, [0.06, 0.05, 0.035]), skin, line=line, width=0.8)
    pen.shape(_limb(palm, [0.11, 0.15, 0.09]), skin, line=line, width=0.8)
    for shift in (-0.05, 0.02):  # between the fingers
        root = along(along(hand, across, shift), forth, 0.14)
        pen.fill(stroke(root, root, along(root, forth, 0.15), 0.012), line)
    middle = (elbow[0] * 0.5 + shoulder[0] * 0.5 + 0.03, elbow[1] * 0.5 + shoulder[1] * 0.5 - 0.02)
    if outfit.sleeves == "short":
        pen.shape(_limb([middle, elbow, wrist], [0.17, 0.155, 0.115]), skin, line=line)
        end = (middle[0] * 0.55 + elbow[0] * 0.45, middle[1] * 0.55 + elbow[1] * 0.45)
        sleeve, shadow = _limb([shoulder, middle, end], [0.20, 0.27, 0.29]), (-0.22, 0.10)
    else:
        flare, bend = (0.46, 0.33) if outfit.sleeves == "wide" else (0.19, 0.22)
        sleeve, shadow = _limb([shoulder, middle, elbow, wrist], [0.20, 0.25, bend, flare]), (-0.24, 0.06)
    pen.shape(sleeve, outfit.top)
    with pen.inside(sleeve):
        pen.fill(moved(sleeve, skia.Matrix.Translate(*shadow)), pen.shadow(outfit.top), 0.7)
    if outfit.sleeves == "long":
        cuff = _limb([along(wrist, forth, -0.10), wrist], [0.20, 0.21])
        pen.shape(cuff, outfit.accent, width=0.8)
    pen.canvas.restore()


def _draw_legs(pen: Pen, outfit: Outfit, skin: Colour) -> None:
    line, dark = skin_line(skin), skin_shadow(skin, pen.style.shading)
    for side in (-1.0, 1.0):
        if outfit.below != "trousers":
            spine = [(0.36, 4.2), (0.39, 5.2), (0.40, 6.3), (0.43, 7.2), (0.42, 8.35)]
            leg = _limb(sided(side, spine), [0.33, 0.31, 0.23, 0.24, 0.16])
            pen.shape(leg, skin, line=line)
            with pen.inside(leg):
                pen.fill(moved(leg, skia.Matrix.Translate(0.22, 0.0)), dark, 0.8)
                pen.fill(box(-1.2, 4.6, 1.2, 5.35), dark)
            if outfit.socks is not None:
                sock = skia.Op(leg, box(-2, 6.0, 2, 8.6), skia.PathOp.kIntersect_PathOp)
                pen.shape(sock, outfit.socks, width=0.7)
                with pen.inside(sock):
                    pen.fill(moved(leg, skia.Matrix.Translate(0.24, 0.0)), pen.shadow(outfit.socks), 0.8)
        shoe = [(0.24, 8.30), (0.22, 8.62), (0.20, FEET), (0.62, FEET), (0.72, 8.66), (0.60, 8.30)]
        pen.shape(smooth(sided(side, shoe)), outfit.shoes)


def _draw_trousers(pen: Pen, outfit: Outfit) -> None:
    half = [
        (0.60, 3.30),
        (0.76, 4.0),
        (0.74, 5.4),
        (0.70, 6.6),
        (0.74, 8.38),
        (0.20, 8.38),
        (0.16, 6.6),
        (0.06, 4.80),
    ]
    cloth = polygon([*half, *((-x, y) for x, y in reversed(half))])
    pen.shape(cloth, outfit.bottom)
    with pen.inside(cloth):
        for x in (-0.44, 0.44):
            fold = [(x + 0.10, 3.9), (x + 0.06, 8.4), (x + 0.42, 8.4), (x + 0.36, 3.9)]
            pen.fill(polygon(fold), pen.shadow(outfit.bottom), 0.75)
    pen.fill(stroke((0.0, 3.8), (0.02, 4.3), (0.0, 4.8), 0.03), pen.shadow(outfit.bottom))
    pen.shape(box(-0.64, 3.40, 0.64, 3.66, 0.03), shade(outfit.shoes, 0.3), width=0.8)


def _draw_shorts(pen: Pen, outfit: Outfit) -> None:
    half = [(0.62, 3.2), (0.90, 5.10), (0.06, 5.15), (0.0, 4.7)]
    pen.shape(polygon([*half, *((-x, y) for x, y in reversed(half[:-1]))]), outfit.bottom)
    fold = polygon([(0.35, 3.2), (0.50, 5.1), (0.88, 5.08), (0.62, 3.2)])
    pen.fill(fold, pen.shadow(outfit.bottom), 0.7)


def _draw_skirt(pen: Pen, outfit: Outfit) -> None:
    bottom, spread = (8.1, 1.55) if outfit.below == "gown" else (5.05, 1.28)
    hem = [(-spread + 2 * spread * index / 6, bottom + (0.10 if index % 2 else 0.0)) for index in range(7)]
    points = [(-0.60, 3.15), (-0.85, 3.7), hem[0]]
    for one, other in pairwise(hem):
        points += [((one[0] + other[0]) / 2, max(one[1], other[1]) + 0.08), other]
    skirt = route("MQQQQQQQQ", [*points, (0.85, 3.7), (0.60, 3.15)])
    pen.shape(skirt, outfit.bottom)
    with pen.inside(skirt):
        for x, _ in hem[1:6]:
            pleat = polygon([(x * 0.45, 3.2), (x, bottom + 0.2), (x + 0.20 * spread, bottom + 0.2)])
            pen.fill(pleat, pen.shadow(outfit.bottom), 0.75)
        edge = [(-spread, bottom - 0.22), (0.0, bottom - 0.10), (spread, bottom - 0.22)]
        pen.line(curve(edge), outfit.accent, 2.2, 0.9)


def _torso(wide: float) -> skia.Path:
    half = [
        (0.24, 1.30), (0.42, 1.46), (wide - 0.12, 1.42), (wide - 0.02, 1.66), (wide - 0.04, 2.1), (0.70, 2.3),
        (0.66, 2.7), (0.60, 3.0), (0.62, 3.2), (0.72, 3.6),
    ]  # fmt: skip
    return route("MCCCQCCC", [*sided(-1.0, half), (0.0, 3.78), *reversed(half)])


def body_layer(style: Style, outfit: Outfit, skin: Colour, *, broad: bool, pose: str) -> Layer:
    """Returns the sheet with everything below the head.

    Args:
        style: how it is drawn.
        outfit: what is worn.
        skin: colour of neck, hands and legs.
        broad: whether the shoulders are broad.
        pose: one of the keys of ``POSES``.
    """
    wide, thick = (1.16, 0.28) if broad else (0.98, 0.225)
    below = {"trousers": _draw_trousers, "shorts": _draw_shorts}.get(outfit.below, _draw_skirt)

    def draw_arms(pen: Pen) -> None:
        for side, (elbow, hand) in zip((-1.0, 1.0), POSES[pose], strict=True):
            _draw_arm(pen, side, elbow, hand, wide, outfit, skin)

    def draw(pen: Pen) -> None:
        torso, dark = _torso(wide), pen.shadow(outfit.top)
        _draw_legs(pen, outfit, skin)
        if pose != "together":
            draw_arms(pen)
        below(pen, outfit)
        pen.shape(torso, outfit.top)
        with pen.inside(torso):
            pen.fill(polygon([(wide, 1.4), (wide, 3.9), (0.44, 3.9), (0.36, 2.8), (0.62, 2.0)]), dark, 0.75)
            pen.fill(smooth([(-0.62, 1.28), (0.0, 1.95), (0.70, 1.28)]), dark, 0.6)
        half = [(thick, 0.70), (thick, 1.26), (0.34, 1.40)]
        neck = polygon([*sided(-1.0, half), (0.0, 1.64), *reversed(half)])
        pen.shape(neck, skin, line=skin_line(skin))
        with pen.inside(neck):
            under_chin = smooth([(-0.5, 0.5), (0.5, 0.5), (0.45, 1.12), (0.05, 1.30), (-0.35, 1.16)])
            pen.fill(under_chin, skin_shadow(skin, style.shading))
        colours = {"top": outfit.top, "accent": outfit.accent, "bottom": outfit.bottom}
        colours["dark"] = shade(outfit.top, 1.0)
        play(pen, table("clothes")[outfit.collar], colours, within=torso, wide=wide)
        if pose == "together":
            draw_arms(pen)

    return record(style, draw)
