"""Neck, body and clothes, from the shoulders to the shoes, in head units (the chin is at y = 1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import skia

from datasets.drawn.colours import WHITE, Colour, colour, glow, mix, shade
from datasets.drawn.curves import Point, box, moved, oval, polygon, sided, smooth, star, stroke
from datasets.drawn.face import skin_line, skin_shadow
from datasets.drawn.pen import Layer, Pen, Style, record

FEET = 8.75  # y of the soles


@dataclass(frozen=True)
class Outfit:
    """What somebody wears.

    Attributes:
        collar: one of the keys of ``COLLARS``.
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


POSES: dict[str, tuple[tuple[Point, Point], tuple[Point, Point]]] = {
    # (elbow, hand) of the arm on the picture's left, then of the one on its right, both as if on the right
    "rest": (((1.22, 2.75), (1.20, 3.90)), ((1.22, 2.75), (1.20, 3.90))),
    "wave": (((1.22, 2.75), (1.20, 3.90)), ((1.62, 2.35), (1.78, 1.15))),
    "hips": (((1.55, 2.60), (0.86, 3.25)), ((1.55, 2.60), (0.86, 3.25))),
    "hip": (((1.24, 2.75), (1.20, 3.90)), ((1.55, 2.60), (0.86, 3.25))),
    "together": (((1.18, 2.75), (0.16, 3.62)), ((1.18, 2.75), (0.16, 3.66))),
    "cheer": (((1.62, 2.30), (1.74, 1.10)), ((1.62, 2.30), (1.74, 1.10))),
}


def _limb(spine: Sequence[Point], widths: Sequence[float]) -> skia.Path:
    """Returns the outline of an arm or leg along a spine."""
    left, right = [], []
    for index, (point, width) in enumerate(zip(spine, widths, strict=True)):
        before, after = spine[max(index - 1, 0)], spine[min(index + 1, len(spine) - 1)]
        dx, dy = after[0] - before[0], after[1] - before[1]
        length = (dx * dx + dy * dy) ** 0.5
        left.append((point[0] - dy / length * width, point[1] + dx / length * width))
        right.append((point[0] + dy / length * width, point[1] - dx / length * width))
    return smooth([*left, *reversed(right)])


def _draw_arm(
    pen: Pen, side: float, elbow: Point, hand: Point, wide: float, outfit: Outfit, skin: Colour
) -> None:
    shoulder = (wide - 0.20, 1.72)
    line = skin_line(skin)
    dx, dy = hand[0] - elbow[0], hand[1] - elbow[1]
    length = (dx * dx + dy * dy) ** 0.5
    along = (dx / length, dy / length)
    wrist = (hand[0] - along[0] * 0.12, hand[1] - along[1] * 0.12)
    pen.canvas.save()
    pen.canvas.scale(side, 1.0)
    palm = _limb(
        [
            (hand[0] - along[0] * 0.10, hand[1] - along[1] * 0.10),
            (hand[0] + along[0] * 0.12, hand[1] + along[1] * 0.12),
            (hand[0] + along[0] * 0.30, hand[1] + along[1] * 0.30),
        ],
        [0.11, 0.15, 0.09],
    )
    across = (-along[1], along[0])
    thumb = _limb(
        [
            hand,
            (hand[0] - across[0] * 0.14 + along[0] * 0.10, hand[1] - across[1] * 0.14 + along[1] * 0.10),
            (hand[0] - across[0] * 0.18 + along[0] * 0.20, hand[1] - across[1] * 0.18 + along[1] * 0.20),
        ],
        [0.06, 0.05, 0.035],
    )
    pen.shape(thumb, skin, line=line, width=0.8)
    pen.shape(palm, skin, line=line, width=0.8)
    for shift in (-0.05, 0.02):
        root = (hand[0] + across[0] * shift + along[0] * 0.14, hand[1] + across[1] * shift + along[1] * 0.14)
        tip = (root[0] + along[0] * 0.15, root[1] + along[1] * 0.15)
        pen.fill(stroke(root, root, tip, 0.012), line)
    middle = (elbow[0] * 0.5 + shoulder[0] * 0.5 + 0.03, elbow[1] * 0.5 + shoulder[1] * 0.5 - 0.02)
    if outfit.sleeves == "short":
        arm = _limb([middle, elbow, wrist], [0.17, 0.155, 0.115])
        pen.shape(arm, skin, line=line)
        sleeve = _limb(
            [shoulder, middle, (middle[0] * 0.55 + elbow[0] * 0.45, middle[1] * 0.55 + elbow[1] * 0.45)],
            [0.20, 0.27, 0.29],
        )
        pen.shape(sleeve, outfit.top)
        with pen.inside(sleeve):
            pen.fill(moved(sleeve, skia.Matrix.Translate(-0.22, 0.10)), pen.shadow(outfit.top), 0.7)
    else:
        flare = 0.46 if outfit.sleeves == "wide" else 0.19
        arm = _limb([shoulder, middle, elbow, wrist], [0.20, 0.25, 0.22 if flare < 0.3 else 0.33, flare])
        pen.shape(arm, outfit.top)
        with pen.inside(arm):
            pen.fill(moved(arm, skia.Matrix.Translate(-0.24, 0.06)), pen.shadow(outfit.top), 0.7)
        cuff = _limb(
            [(wrist[0] - along[0] * 0.10, wrist[1] - along[1] * 0.10), wrist], [flare + 0.01, flare + 0.02]
        )
        if outfit.sleeves == "long":
            pen.shape(cuff, outfit.accent, width=0.8)
    pen.canvas.restore()


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
        for side in (-1.0, 1.0):
            x = side * 0.44
            fold = polygon([(x + 0.10, 3.9), (x + 0.06, 8.4), (x + 0.42, 8.4), (x + 0.36, 3.9)])
            pen.fill(fold, pen.shadow(outfit.bottom), 0.75)
    pen.fill(stroke((0.0, 3.8), (0.02, 4.3), (0.0, 4.8), 0.03), pen.shadow(outfit.bottom))
    pen.shape(box(-0.64, 3.40, 0.64, 3.66, 0.03), shade(outfit.shoes, 0.3), width=0.8)


def _draw_legs(pen: Pen, outfit: Outfit, skin: Colour) -> None:
    line = skin_line(skin)
    for side in (-1.0, 1.0):
        shoe = [(0.24, 8.30), (0.22, 8.62), (0.20, FEET), (0.62, FEET), (0.72, 8.66), (0.60, 8.30)]
        if outfit.below != "trousers":
            spine = [(0.36, 4.2), (0.39, 5.2), (0.40, 6.3), (0.43, 7.2), (0.42, 8.35)]
            leg = _limb(sided(side, spine), [0.33, 0.31, 0.23, 0.24, 0.16])
            pen.shape(leg, skin, line=line)
            with pen.inside(leg):
                pen.fill(
                    moved(leg, skia.Matrix.Translate(0.22, 0.0)), skin_shadow(skin, pen.style.shading), 0.8
                )
                pen.fill(box(-1.2, 4.6, 1.2, 5.35), skin_shadow(skin, pen.style.shading))
            if outfit.socks is not None:
                sock = skia.Op(leg, box(-2, 6.0, 2, 8.6), skia.PathOp.kIntersect_PathOp)
                pen.shape(sock, outfit.socks, width=0.7)
                with pen.inside(sock):
                    pen.fill(moved(leg, skia.Matrix.Translate(0.24, 0.0)), pen.shadow(outfit.socks), 0.8)
        pen.shape(smooth(sided(side, shoe)), outfit.shoes)


def _draw_below(pen: Pen, outfit: Outfit) -> None:
    base, dark = outfit.bottom, pen.shadow(outfit.bottom)
    if outfit.below == "trousers":
        _draw_trousers(pen, outfit)
        return
    if outfit.below == "shorts":
        half = [(0.62, 3.2), (0.90, 5.10), (0.06, 5.15), (0.0, 4.7)]
        pen.shape(polygon([*half, *((-x, y) for x, y in reversed(half[:-1]))]), base)
        pen.fill(polygon([(0.35, 3.2), (0.50, 5.1), (0.88, 5.08), (0.62, 3.2)]), dark, 0.7)
        return
    bottom, spread = (8.1, 1.55) if outfit.below == "gown" else (5.05, 1.28)
    hem = [(-spread + 2 * spread * index / 6, bottom + (0.10 if index % 2 else 0.0)) for index in range(7)]
    skirt = skia.Path()
    skirt.moveTo(-0.60, 3.15)
    skirt.quadTo(-0.85, 3.7, *hem[0])
    for one, other in pairwise(hem):
        skirt.quadTo((one[0] + other[0]) / 2, max(one[1], other[1]) + 0.08, *other)
    skirt.quadTo(0.85, 3.7, 0.60, 3.15)
    skirt.close()
    pen.shape(skirt, base)
    with pen.inside(skirt):
        for index in range(1, 6):
            x = hem[index][0]
            pen.fill(
                polygon([(x * 0.45, 3.2), (x, bottom + 0.2), (x + 0.20 * spread, bottom + 0.2)]), dark, 0.75
            )
        edge = [(-spread, bottom - 0.22), (0.0, bottom - 0.10), (spread, bottom - 0.22)]
        pen.line(smooth(edge, closed=False), outfit.accent, 2.2, 0.9)


def _torso(wide: float) -> skia.Path:
    path = skia.Path()
    path.moveTo(-0.24, 1.30)
    path.cubicTo(-0.42, 1.46, -wide + 0.12, 1.42, -wide + 0.02, 1.66)
    path.cubicTo(-wide + 0.04, 2.1, -0.70, 2.3, -0.66, 2.7)
    path.cubicTo(-0.60, 3.0, -0.62, 3.2, -0.72, 3.6)
    path.quadTo(0.0, 3.78, 0.72, 3.6)
    path.cubicTo(0.62, 3.2, 0.60, 3.0, 0.66, 2.7)
    path.cubicTo(0.70, 2.3, wide - 0.04, 2.1, wide - 0.02, 1.66)
    path.cubicTo(wide - 0.12, 1.42, 0.42, 1.46, 0.24, 1.30)
    path.close()
    return path


def _sailor(pen: Pen, outfit: Outfit, wide: float) -> None:
    for side in (-1.0, 1.0):
        flap = polygon(sided(side, [(0.22, 1.26), (0.62, 1.50), (0.74, 2.02), (0.40, 2.10), (0.0, 2.42)]))
        pen.shape(flap, outfit.bottom)
        pen.line(smooth(sided(side, [(0.66, 1.92), (0.38, 1.98), (0.08, 2.26)]), closed=False), WHITE, 1.2)
    for side in (-1.0, 1.0):
        pen.shape(
            smooth(sided(side, [(0.0, 2.34), (0.20, 2.20), (0.46, 2.30), (0.40, 2.58)])),
            outfit.accent,
        )
        pen.shape(
            polygon(sided(side, [(0.0, 2.40), (0.10, 2.44), (0.30, 3.02), (0.12, 2.98)])),
            outfit.accent,
        )
    pen.shape(oval(0.0, 2.40, 0.10, 0.09), outfit.accent)


def _stand_up(pen: Pen, outfit: Outfit, wide: float) -> None:
    pen.shape(
        smooth([(-0.36, 1.16), (0.0, 1.34), (0.36, 1.16), (0.42, 1.46), (0.0, 1.62), (-0.42, 1.46)]),
        outfit.top,
    )
    pen.line(smooth([(-0.35, 1.17), (0.0, 1.35), (0.35, 1.17)], closed=False), outfit.accent, 1.5)
    pen.line(smooth([(0.0, 1.60), (0.01, 2.6), (0.0, 3.65)], closed=False), shade(outfit.top, 1.2), 1.0)
    for index in range(4):
        pen.shape(oval(0.0, 1.88 + 0.46 * index, 0.065, 0.065), outfit.accent, width=0.7)


def _shirt_and_bow(pen: Pen, outfit: Outfit, wide: float) -> None:
    pen.shape(polygon([(-0.30, 1.30), (0.0, 2.70), (0.30, 1.30)]), WHITE, width=0.8)
    for side in (-1.0, 1.0):
        pen.shape(
            polygon(sided(side, [(0.24, 1.22), (0.44, 1.46), (0.22, 1.78), (0.0, 1.52)])),
            WHITE,
            width=0.9,
        )
    for side in (-1.0, 1.0):
        pen.shape(smooth(sided(side, [(0.0, 1.62), (0.22, 1.50), (0.30, 1.76)])), outfit.accent, width=0.9)
        pen.shape(polygon(sided(side, [(0.0, 1.66), (0.08, 1.64), (0.17, 2.06)])), outfit.accent, width=0.8)
    pen.shape(oval(0.0, 1.64, 0.07, 0.07), outfit.accent, width=0.8)
    pen.line(smooth([(-0.32, 1.42), (0.0, 2.72), (0.0, 3.7)], closed=False), shade(outfit.top, 1.2), 1.0)
    pen.line(smooth([(0.32, 1.42), (0.0, 2.72)], closed=False), shade(outfit.top, 1.2), 1.0)
    for index in range(2):
        pen.shape(oval(0.09, 2.98 + 0.34 * index, 0.05, 0.05), glow(outfit.top, 0.6), width=0.6)


def _hood(pen: Pen, outfit: Outfit, wide: float) -> None:
    pen.shape(
        smooth(
            [
                (-0.30, 1.24),
                (-0.74, 1.38),
                (-0.62, 1.70),
                (-0.20, 1.82),
                (0.0, 1.76),
                (0.20, 1.82),
                (0.62, 1.70),
                (0.74, 1.38),
                (0.30, 1.24),
                (0.0, 1.60),
            ]
        ),
        outfit.top,
    )
    for side in (-1.0, 1.0):
        pen.line(
            smooth(sided(side, [(0.16, 1.74), (0.20, 2.0), (0.16, 2.28)]), closed=False),
            outfit.accent,
            1.8,
        )
        pen.shape(oval(side * 0.16, 2.32, 0.045, 0.07), outfit.accent, width=0.6)
    pen.shape(
        smooth([(-0.46, 2.72), (0.46, 2.72), (0.58, 3.30), (-0.58, 3.30)]),
        mix(outfit.top, shade(outfit.top, 1.0), 0.35),
    )
    with pen.inside(_torso(wide)):
        pen.line(smooth([(-wide, 2.05), (0.0, 2.5), (wide, 2.05)], closed=False), outfit.accent, 3.4)


def _coat(pen: Pen, outfit: Outfit, wide: float) -> None:
    pen.shape(
        polygon([(-0.30, 1.32), (-0.20, 3.62), (0.20, 3.62), (0.30, 1.32)]), colour("f4efe4"), width=0.8
    )
    for index in range(3):  # a cravat in three falls
        y = 1.42 + 0.28 * index
        pen.shape(
            smooth(
                [
                    (-0.20 - 0.03 * index, y),
                    (0.20 + 0.03 * index, y),
                    (0.14, y + 0.36),
                    (0.0, y + 0.28),
                    (-0.14, y + 0.36),
                ]
            ),
            WHITE,
            width=0.8,
        )
    for side in (-1.0, 1.0):
        lapel = [
            (0.20, 1.04),
            (0.38, 1.12),
            (0.66, 1.50),
            (0.54, 1.66),
            (0.66, 1.82),
            (0.30, 2.85),
            (0.14, 2.30),
        ]
        pen.shape(polygon(sided(side, lapel)), outfit.bottom)
        trim = [(0.40, 1.17), (0.63, 1.50), (0.51, 1.66), (0.62, 1.82), (0.31, 2.70)]
        for one, other in pairwise(trim):
            pen.line(polygon(sided(side, [(one[0], one[1]), (other[0], other[1])])), outfit.accent, 1.6)
        for index in range(3):
            pen.shape(oval(side * 0.46, 2.30 + 0.42 * index, 0.06, 0.06), outfit.accent, width=0.7)
        pen.shape(
            smooth(
                sided(
                    side, [(wide - 0.30, 1.44), (wide + 0.10, 1.50), (wide + 0.14, 1.74), (wide - 0.26, 1.62)]
                )
            ),
            outfit.accent,
            width=0.9,
        )


def _kimono(pen: Pen, outfit: Outfit, wide: float) -> None:
    pen.shape(polygon([(0.26, 1.24), (0.42, 1.34), (-0.14, 2.70), (-0.42, 2.70)]), outfit.accent, width=0.9)
    pen.shape(polygon([(-0.26, 1.24), (-0.42, 1.34), (0.14, 2.70), (0.42, 2.70)]), outfit.accent, width=0.9)
    pen.line(smooth([(-0.30, 1.28), (0.30, 2.70)], closed=False), WHITE, 1.6)
    pen.shape(box(-0.70, 2.62, 0.70, 3.36, 0.08), outfit.bottom)
    pen.line(smooth([(-0.68, 2.98), (0.68, 2.98)], closed=False), outfit.accent, 3.0)
    pen.shape(oval(0.0, 2.98, 0.12, 0.10), glow(outfit.accent, 0.4), width=0.8)
    for x, y in ((-0.62, 1.86), (0.66, 2.20), (-0.52, 2.36), (0.60, 1.70)):
        for dx, dy in ((0.0, -0.07), (0.065, -0.02), (0.04, 0.06), (-0.04, 0.06), (-0.065, -0.02)):
            pen.fill(oval(x + dx, y + dy, 0.045, 0.045), glow(outfit.top, 0.75), 0.9)
        pen.fill(oval(x, y, 0.03, 0.03), colour("ffd257"))


def _gothic(pen: Pen, outfit: Outfit, wide: float) -> None:
    for side in (-1.0, 1.0):
        pen.shape(
            smooth(
                sided(
                    side, [(0.0, 1.46), (0.28, 1.26), (0.62, 1.48), (0.56, 1.78), (0.26, 1.74), (0.05, 1.84)]
                )
            ),
            WHITE,
            width=0.9,
        )
    pen.line(smooth([(-0.20, 1.14), (0.0, 1.21), (0.20, 1.14)], closed=False), outfit.accent, 3.6)
    pen.shape(oval(0.0, 1.32, 0.10, 0.10), colour("f2c245"), width=0.8)
    pen.fill(box(-0.06, 1.33, 0.06, 1.355, 0.01), colour("7a5410"))
    for side in (-1.0, 1.0):
        pen.line(smooth(sided(side, [(0.20, 1.95), (0.10, 3.5)]), closed=False), outfit.accent, 1.2)
    for index in range(3):
        y = 2.10 + 0.42 * index
        pen.line(smooth([(-0.17 + 0.02 * index, y), (0.14, y + 0.24)], closed=False), WHITE, 1.0)
        pen.line(smooth([(0.17 - 0.02 * index, y), (-0.14, y + 0.24)], closed=False), WHITE, 1.0)


def _scarf(pen: Pen, outfit: Outfit, wide: float) -> None:
    pen.shape(polygon([(0.12, 1.5), (0.50, 1.5), (0.62, 2.72), (0.22, 2.80)]), outfit.accent)
    pen.line(smooth([(0.22, 2.48), (0.58, 2.42)], closed=False), glow(outfit.accent, 0.7), 2.4)
    pen.shape(
        smooth(
            [
                (-0.50, 1.12),
                (0.0, 1.30),
                (0.50, 1.12),
                (0.60, 1.40),
                (0.36, 1.66),
                (0.0, 1.72),
                (-0.36, 1.66),
                (-0.60, 1.40),
            ]
        ),
        outfit.accent,
    )
    pen.fill(stroke((-0.50, 1.34), (0.0, 1.60), (0.40, 1.40), 0.05), shade(outfit.accent, 1.0))
    with pen.inside(_torso(wide)):
        pen.line(smooth([(-wide, 2.5), (0.0, 2.75), (wide, 2.5)], closed=False), outfit.bottom, 2.6)


def _plain(pen: Pen, outfit: Outfit, wide: float) -> None:
    pen.line(smooth([(-0.28, 1.34), (0.0, 1.56), (0.28, 1.34)], closed=False), outfit.accent, 3.0)
    pen.shape(star(0.0, 2.35, 0.30), outfit.accent, width=0.8)


def _tie(pen: Pen, outfit: Outfit, wide: float) -> None:
    pen.shape(polygon([(-0.28, 1.30), (0.0, 2.60), (0.28, 1.30)]), WHITE, width=0.8)
    pen.shape(
        polygon([(-0.07, 1.50), (0.07, 1.50), (0.11, 2.20), (0.0, 2.40), (-0.11, 2.20)]),
        outfit.accent,
        width=0.8,
    )
    for side in (-1.0, 1.0):
        pen.shape(
            polygon(sided(side, [(0.24, 1.22), (0.40, 1.42), (0.14, 1.66), (0.0, 1.48)])),
            WHITE,
            width=0.8,
        )
        pen.shape(
            polygon(
                sided(
                    side, [(0.30, 1.32), (0.58, 1.66), (0.46, 1.80), (0.50, 1.90), (0.0, 2.90), (0.08, 2.40)]
                )
            ),
            mix(outfit.top, shade(outfit.top, 1.0), 0.4),
            width=0.8,
        )


COLLARS: dict[str, Callable[[Pen, Outfit, float], None]] = {
    "sailor": _sailor,
    "stand-up": _stand_up,
    "shirt and bow": _shirt_and_bow,
    "hood": _hood,
    "coat": _coat,
    "kimono": _kimono,
    "gothic": _gothic,
    "scarf": _scarf,
    "plain": _plain,
    "tie": _tie,
}


def body_layer(style: Style, outfit: Outfit, skin: Colour, *, broad: bool, pose: str) -> Layer:
    """Returns the sheet with everything below the head.

    Args:
        style: how it is drawn.
        outfit: what is worn.
        skin: colour of neck, hands and legs.
        broad: whether the shoulders are broad.
        pose: one of the keys of ``POSES``.
    """
    wide = 1.16 if broad else 0.98

    def draw(pen: Pen) -> None:
        line, dark = skin_line(skin), skin_shadow(skin, style.shading)
        torso = _torso(wide)
        _draw_legs(pen, outfit, skin)
        arms = POSES[pose]
        in_front = pose == "together"
        if not in_front:
            for side, (elbow, hand) in zip((-1.0, 1.0), arms, strict=True):
                _draw_arm(pen, side, elbow, hand, wide, outfit, skin)
        _draw_below(pen, outfit)
        pen.shape(torso, outfit.top)
        with pen.inside(torso):
            pen.fill(
                polygon([(wide, 1.4), (wide, 3.9), (0.44, 3.9), (0.36, 2.8), (0.62, 2.0)]),
                pen.shadow(outfit.top),
                0.75,
            )
            pen.fill(smooth([(-0.62, 1.28), (0.0, 1.95), (0.70, 1.28)]), pen.shadow(outfit.top), 0.6)
        thick = 0.28 if broad else 0.225
        neck = polygon(
            [
                (-thick, 0.70),
                (-thick, 1.26),
                (-0.34, 1.40),
                (0.0, 1.64),
                (0.34, 1.40),
                (thick, 1.26),
                (thick, 0.70),
            ]
        )
        pen.shape(neck, skin, line=line)
        with pen.inside(neck):
            pen.fill(smooth([(-0.5, 0.5), (0.5, 0.5), (0.45, 1.12), (0.05, 1.30), (-0.35, 1.16)]), dark)
        COLLARS[outfit.collar](pen, outfit, wide)
        if in_front:
            for side, (elbow, hand) in zip((-1.0, 1.0), arms, strict=True):
                _draw_arm(pen, side, elbow, hand, wide, outfit, skin)

    return record(style, draw)
