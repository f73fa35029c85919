"""Faces: the outline that turns, glossy eyes, brows, mouths and blush."""

from dataclasses import dataclass, replace

import skia

from datasets.drawn.colours import INK, WHITE, Colour, colour, glow, mix, shade
from datasets.drawn.curves import Point, moved, oval, route, smooth, stroke
from datasets.drawn.pen import Pen
from datasets.drawn.strokes import play, table

EYE_MIDDLE: Point = (0.375, 0.24)
MOUTH = {"inner": colour("8e2f3d"), "tongue": colour("ee8a8f")}
TURN_OF_FEATURES = 0.16  # how far eyes, nose and mouth slide when the head turns fully, in head units


@dataclass(frozen=True)
class EyeShape:
    """The cut of an eye, in head units.

    Attributes:
        width: half the width of the opening.
        height: half the height of the opening.
        tilt: how far the outer corner is raised, in half heights (negative: drooping).
        lid: how far the upper lid hangs over the iris, 0 to 0.5.
        lashes: number of lashes drawn at the outer corner.
    """

    width: float = 0.205
    height: float = 0.26
    tilt: float = 0.0
    lid: float = 0.0
    lashes: int = 2


EYES: dict[str, EyeShape] = {
    "round": EyeShape(),
    "gentle": EyeShape(width=0.21, height=0.245, tilt=-0.22, lid=0.06),
    "cat": EyeShape(width=0.22, height=0.235, tilt=0.38, lid=0.05, lashes=3),
    "cool": EyeShape(width=0.205, height=0.165, tilt=0.22, lid=0.12, lashes=1),
    "bright": EyeShape(width=0.20, height=0.225, tilt=0.05, lashes=1),
    "sharp": EyeShape(width=0.215, height=0.20, tilt=0.30, lid=0.10, lashes=2),
    "sleepy": EyeShape(width=0.215, height=0.225, tilt=-0.05, lid=0.34, lashes=2),
}


@dataclass(frozen=True)
class Expression:
    """What a face does.

    Attributes:
        left, right: the eyes of the picture's left and right: open, wide, shut or arch.
        brows: raise of the inner and outer end of the brows, in head units (up is positive).
        mouth: one of the drawings in face.toml.
        blush: strength of the red on the cheeks, 0 to 1.
        aside: whether the eyes look away.
        lid: how much further than usual the upper lids hang over the eyes, 0 to 0.4.
    """

    left: str = "open"
    right: str = "open"
    brows: tuple[float, float] = (0.0, 0.0)
    mouth: str = "line"
    blush: float = 0.35
    aside: bool = False
    lid: float = 0.0


EXPRESSIONS: dict[str, Expression] = {
    "neutral": Expression(),
    "smile": Expression(mouth="smile", brows=(0.02, 0.0), blush=0.5),
    "laugh": Expression(mouth="open", brows=(0.05, 0.03), blush=0.5),
    "happy": Expression(left="arch", right="arch", mouth="open", brows=(0.06, 0.05), blush=0.75),
    "surprised": Expression(left="wide", right="wide", mouth="round", brows=(0.12, 0.10), blush=0.2),
    "angry": Expression(mouth="frown", brows=(-0.13, 0.10), blush=0.3, lid=0.22),
    "wink": Expression(right="arch", mouth="grin", brows=(0.03, 0.03), blush=0.5),
    "shy": Expression(mouth="wave", brows=(0.10, -0.05), blush=1.0, aside=True, lid=0.10),
}


def face_path(turn: float, jaw: float) -> skia.Path:
    """Returns the outline of the face.

    Args:
        turn: -1 (three quarters to the left) ... 0 (to the viewer) ... 1.
        jaw: 0 for a soft pointed chin, 1 for a stronger one.
    """
    amount, side = abs(turn), -1.0 if turn < 0 else 1.0
    # fmt: off
    # (x, y) seen from the front, and how x moves in a full turn to the right
    outline = (
        (-0.76, -0.45, 0.00), (-0.83, -0.05, -0.02), (-0.82, 0.24, -0.02), (-0.735, 0.44, -0.01),
        (-0.61 - 0.03 * jaw, 0.72, 0.03), (-0.29 - 0.10 * jaw, 0.92, 0.14),
        (-0.075 - 0.05 * jaw, 0.982, 0.19), (0.0, 1.018, 0.20), (0.075 + 0.05 * jaw, 0.982, 0.19),
        (0.29 + 0.10 * jaw, 0.92, 0.17), (0.61 + 0.03 * jaw, 0.72, 0.06), (0.735, 0.44, 0.00),
        (0.82, 0.24, -0.06), (0.83, -0.05, -0.10), (0.76, -0.45, -0.03),
    )
    # fmt: on
    points = [(side * (x + move * amount), y) for x, y, move in outline]
    start, end = points[0], points[-1]
    return route("MCCQCCC", [*points, (end[0] * 0.9, -0.98), (start[0] * 0.9, -0.98), start])


def draw_ear(pen: Pen, x: float, skin: Colour) -> None:
    """Draws an ear; ``x`` is the edge of the face, its sign says which ear."""
    side = 1.0 if x > 0 else -1.0
    outline = ((-0.06, 0.10), (0.10, 0.05), (0.13, 0.22), (0.05, 0.45), (-0.07, 0.42))
    inner = ((0.08, 0.12), (-0.04, 0.20), (0.05, 0.36))
    pen.shape(smooth([(x + side * away, y) for away, y in outline]), skin, line=skin_line(skin))
    start, bend, end = ((x + side * away, y) for away, y in inner)
    pen.fill(stroke(start, bend, end, 0.05), skin_shadow(skin, 1.0))


def skin_shadow(skin: Colour, strength: float) -> Colour:
    """Returns the colour of a cel shadow on skin: pinker, not greyer."""
    return mix(skin, mix(shade(skin, 0.5), colour("d8766c"), 0.6), 0.50 * strength)


def skin_line(skin: Colour) -> Colour:
    """Returns the colour of lines on skin: a reddish brown."""
    return mix(shade(skin, 1.3), colour("6b2f33"), 0.62)


def _lids(eye: EyeShape, side: float) -> tuple[skia.Path, skia.Path]:
    """Returns the opening of an eye and its thick upper lash line; ``side`` +1: outer corner to the right."""
    w, h, up = eye.width * side, eye.height, eye.tilt
    top = 1.0 - eye.lid
    thick = 0.055 / h  # lashes are equally thick on small and large eyes
    # fmt: off
    opening = route("MCCCC", [
        (-w, 0.26 * h),
        (-0.80 * w, -0.70 * h * top), (-0.15 * w, -1.08 * h * top), (0.25 * w, -1.0 * h * top),
        (0.70 * w, -0.92 * h * top), (1.0 * w, (-0.45 - 0.5 * up) * h), (1.02 * w, (0.12 - up) * h),
        (0.98 * w, (0.62 - 0.5 * up) * h), (0.62 * w, 1.0 * h), (0.12 * w, 1.0 * h),
        (-0.45 * w, 1.0 * h), (-0.88 * w, 0.72 * h), (-w, 0.26 * h),
    ])
    lash = route("MCCQCC", [
        (-1.07 * w, 0.34 * h),
        (-0.88 * w, -0.80 * h * top), (-0.20 * w, -(1.10 * top + thick) * h),
        (0.25 * w, -(1.02 * top + thick) * h),
        (0.80 * w, -(0.95 * top + thick) * h), (1.10 * w, (-0.62 - 0.6 * up) * h),
        (1.32 * w, (-0.36 - 1.1 * up) * h),
        (1.12 * w, (-0.16 - 1.0 * up) * h), (1.01 * w, (0.18 - up) * h),
        (0.97 * w, (-0.36 - 0.5 * up) * h), (0.68 * w, -0.84 * h * top), (0.25 * w, -0.93 * h * top),
        (-0.15 * w, -1.0 * h * top), (-0.74 * w, -0.60 * h * top), (-1.07 * w, 0.34 * h),
    ])
    # fmt: on
    return opening, lash


def draw_eye(pen: Pen, eye: EyeShape, iris: Colour, side: float, state: str, gaze: Point) -> None:
    """Draws an eye around (0, 0).

    Args:
        pen: draws.
        eye: its cut.
        iris: its colour.
        side: +1 for the eye on the picture's right, -1 for the left one.
        state: open, wide (small iris) or arch (shut, smiling).
        gaze: where it looks, -1...1 each way.
    """
    w, h = eye.width, eye.height
    lash_colour = mix(shade(shade(iris, 1.0), 1.0), INK, 0.80)
    if state == "arch":
        curve = [(-1.05, 0.42), (-0.6, -0.55), (0.6, -0.62), (1.18, 0.34), (0.55, -0.22), (-0.55, -0.20)]
        arch = route("MCC", [(x * w * side, y * h) for x, y in (*curve, curve[0])])
        pen.fill(arch, lash_colour)
        for index in range(eye.lashes):
            x, y = (0.72 + 0.24 * index) * w * side, (-0.18 + 0.28 * index) * h
            start, end = (x - 0.02 * side, y + 0.04), (x + 0.12 * side, y - 0.05)
            pen.fill(stroke(start, (x + 0.05 * side, y - 0.01), end, 0.02), lash_colour)
        return
    if state == "wide":
        eye = replace(eye, height=h * 1.10, tilt=eye.tilt * 0.5, lid=0.0)
        h = eye.height
    opening, lash = _lids(eye, side)
    pen.fill(opening, WHITE)
    small = 0.68 if state == "wide" else 1.0
    rx, ry = max(0.72 * w, 0.13) * small, max(0.95 * h, 0.19) * small
    x, y = gaze[0] * 0.28 * w - 0.03 * w * side, 0.04 * h + gaze[1] * 0.12 * h
    deep = mix(shade(shade(iris, 1.2), 0.9), INK, 0.25)
    with pen.inside(opening):
        pen.fill(oval(x, y, rx * 1.08, ry * 1.05), mix(deep, INK, 0.45))
        ball = oval(x, y, rx * 0.94, ry * 0.95)
        tones = ((0.0, deep), (0.36, mix(deep, iris, 0.55)), (0.68, iris), (1.0, glow(iris, 0.62)))
        pen.gradient(ball, (x, y - ry), (x, y + ry), [(place, tone, 1.0) for place, tone in tones])
        pen.fill(oval(x, y - 0.04 * h, rx * 0.40, ry * 0.44), mix(deep, INK, 0.62))
        with pen.inside(ball):  # light that fell through the eye, in its lower half
            pen.fill(oval(x, y + ry * 0.84, rx * 0.66, ry * 0.30), glow(iris, 0.72), 0.75)
            pen.fill(oval(x + rx * 0.02, y + ry * 0.42, rx * 0.55, ry * 0.10), glow(iris, 0.65), 0.55)
        lid_shadow = moved(lash, skia.Matrix.Translate(0.0, 0.20 * h))
        pen.fill(lid_shadow, mix(INK, colour("4a4468"), 0.7), 0.42)
        pen.fill(oval(x - rx * 0.40, y - ry * 0.40, rx * 0.36, ry * 0.27), WHITE)
        pen.fill(oval(x + rx * 0.44, y + ry * 0.44, rx * 0.17, ry * 0.13), WHITE, 0.95)
    pen.fill(lash, lash_colour)
    for index in range(eye.lashes):
        x = (0.70 + 0.24 * index) * w * side
        y = (-0.80 + 0.33 * index - 0.8 * eye.tilt) * h * (1 - 0.5 * eye.lid)
        end = (x + (0.11 + 0.012 * index) * side, y - 0.075 + 0.028 * index)
        pen.fill(stroke((x - 0.03 * side, y + 0.02), (x + 0.075 * side, y - 0.005), end, 0.024), lash_colour)
    y = -(1.16 - eye.lid) * h - 0.075
    left, middle, right = (
        (part * w * side, y + down) for part, down in ((-0.55, 0.05), (0.25, -0.055), (0.98, 0.10))
    )
    pen.fill(stroke(left, middle, right, 0.010), mix(lash_colour, colour("a06060"), 0.45))
    left, middle, right = (
        (part * w * side, low * h) for part, low in ((0.02, 1.02), (0.62, 1.04), (0.98, 0.50))
    )
    pen.fill(stroke(left, middle, right, 0.016), lash_colour)


def draw_brows(pen: Pen, expression: Expression, hair: Colour, turn: float, heavy: float) -> None:
    """Draws the brows; thin over the fringe, as if the hair were a little transparent."""
    ink = mix(shade(shade(hair, 1.0), 0.8), INK, 0.45)
    inner, outer = expression.brows
    for side in (-1.0, 1.0):
        x = EYE_MIDDLE[0] * side + TURN_OF_FEATURES * turn
        narrow = 1 - 0.16 * max(0.0, turn * side)
        y = -0.155
        start, end = (x - 0.19 * side * narrow, y - inner), (x + 0.21 * side * narrow, y + 0.02 - outer)
        bend = (x + 0.02 * side, y - 0.075 - (inner + outer) / 2)
        pen.fill(stroke(start, bend, end, 0.028 * heavy), ink, 0.85)


def _draw_blush(pen: Pen, x: float, strength: float) -> None:
    red = [skia.ColorSetARGB(alpha, 255, 96, 104) for alpha in (round(150 * strength), 0)]
    shader = skia.GradientShader.MakeRadial(skia.Point(0, 0), 0.21, red)
    pen.canvas.save()
    pen.canvas.translate(x, 0.57)
    pen.canvas.scale(1.0, 0.55)
    pen.canvas.drawCircle(0, 0, 0.21, skia.Paint(Shader=shader, AntiAlias=True))
    pen.canvas.restore()
    for step in (-0.07, 0.0, 0.07) if strength > 0.7 else ():
        ends = (x + step + 0.025, 0.525), (x + step - 0.025, 0.615)
        pen.fill(stroke(ends[0], (x + step, 0.57), ends[1], 0.012), colour("d9505c"), 0.8)


def draw_face(
    pen: Pen,
    outline: skia.Path,
    expression: Expression,
    eye: EyeShape,
    iris: Colour,
    skin: Colour,
    *,
    turn: float,
    gaze: Point,
    fringe_shadow: skia.Path,
    freckles: bool = False,
    mole: bool = False,
    covered_eye: bool = False,
) -> None:
    """Draws the face inside its outline: skin, shadows, blush, eyes, nose and mouth (not brows, not hair).

    Args:
        pen: draws.
        outline: from ``face_path``.
        expression: what the face does.
        eye: the cut of the eyes.
        iris: their colour.
        skin: colour of the skin.
        turn: -1...1.
        gaze: where the eyes look, -1...1 each way.
        fringe_shadow: the shape of the front hair, whose shadow falls on the forehead.
        freckles: whether there are any.
        mole: whether there is a beauty mark under the right eye.
        covered_eye: whether the right eye lies under an eyepatch.
    """
    ink, dark = skin_line(skin), skin_shadow(skin, pen.style.shading)
    pen.shape(outline, skin, line=ink)
    middle = TURN_OF_FEATURES * turn
    with pen.inside(outline):
        # the far cheek and the underside of the jaw lie in shadow
        far = moved(outline, skia.Matrix.Translate(-0.085 if turn >= 0 else 0.085, -0.05))
        rim = skia.Op(outline, far, skia.PathOp.kDifference_PathOp)
        pen.fill(rim, dark, 0.75)
        pen.fill(fringe_shadow, dark)
        for side in (-1.0, 1.0):
            x = 0.50 * side * (1 - 0.16 * max(0.0, turn * side)) + middle
            if expression.blush > 0:
                _draw_blush(pen, x, expression.blush)
            if freckles:
                for dx, dy in ((-0.07, 0.0), (0.0, 0.03), (0.07, 0.0), (-0.035, 0.05), (0.04, 0.055)):
                    pen.fill(oval(x + dx, 0.53 + dy, 0.016, 0.014), colour("b0683f"), 0.8)
    aside = (0.75, 0.35) if expression.aside else gaze
    for side, state in ((-1.0, expression.left), (1.0, expression.right)):
        if covered_eye and side > 0:
            continue
        pen.canvas.save()
        pen.canvas.translate(EYE_MIDDLE[0] * side + middle, EYE_MIDDLE[1])
        pen.canvas.scale(1 - 0.16 * max(0.0, turn * side), 1.0)
        draw_eye(pen, replace(eye, lid=min(0.45, eye.lid + expression.lid)), iris, side, state, aside)
        pen.canvas.restore()
    if mole:
        pen.fill(oval(0.44 + middle, 0.60, 0.020, 0.020), INK)
    nose = middle * 1.35
    pen.fill(stroke((nose + 0.012, 0.53), (nose + 0.045, 0.585), (nose - 0.012, 0.60), 0.016), ink, 0.9)
    pen.canvas.save()
    pen.canvas.translate(middle * 1.18, 0.745)
    play(pen, table("face")[expression.mouth], {"ink": mix(ink, INK, 0.25), **MOUTH})
    pen.canvas.restore()
