"""Faces: the outline that turns, glossy eyes, brows, mouths and blush."""

import math
from dataclasses import dataclass, replace
from functools import cache

import skia

from datasets.drawn.cast import Person, Pose
from datasets.drawn.colours import INK, WHITE, Colour, colour, mix, shade, skin_line, skin_shadow
from datasets.drawn.curves import Point, oval, route, shifted, stroke
from datasets.drawn.pen import Pen
from datasets.drawn.strokes import play, table

EYE_MIDDLE: Point = (0.375, 0.24)
TURN_OF_FEATURES = 0.16  # how far eyes, nose and mouth slide when the head turns fully, in head units


@dataclass(frozen=True)
class EyeShape:
    """The cut of an eye, in head units."""

    width: float = 0.205  # half the width of the opening
    height: float = 0.26  # half the height of the opening
    tilt: float = 0.0  # how far the outer corner is raised, in half heights (negative: drooping)
    lid: float = 0.0  # how far the upper lid hangs over the iris, 0 to 0.5
    lashes: int = 2  # number of lashes drawn at the outer corner


@dataclass(frozen=True)
class Expression:
    """What a face does."""

    left: str = "open"  # its two eyes, as in the picture: open, wide (small iris) or arch (shut, smiling)
    right: str = "open"
    brows: tuple[float, float] = (0.0, 0.0)  # inner and outer end, raised so far, in head units
    mouth: str = "line"  # one of the drawings in face.toml
    blush: float = 0.35  # strength of the red on the cheeks, 0 to 1
    aside: bool = False  # whether the eyes look away
    lid: float = 0.0  # how much further than usual the upper lids hang over the eyes, 0 to 0.4


@cache
def expressions() -> dict[str, Expression]:
    """Returns what faces do, as in face.toml."""
    return {key: Expression(**row) for key, row in table("face")["expressions"].items()}


def _narrowed(turn: float, side: float) -> float:
    """Returns how much of the width of a cheek, eye or brow is left when its side turns away."""
    return 1 - 0.16 * max(0.0, turn * side)


def face_path(person: Person, pose: Pose) -> skia.Path:
    """Returns the outline of the face; a boy's has a stronger chin."""
    jaw, amount, side = float(person.boy), abs(pose.turn), -1.0 if pose.turn < 0 else 1.0
    outline = table("face")["outline"]
    points = [(side * (x + jaw * strong + move * amount), y) for x, y, strong, move in outline]
    start, end = points[0], points[-1]
    return route("MCCQCCC", [*points, (end[0] * 0.9, -0.98), (start[0] * 0.9, -0.98), start])


def draw_ear(pen: Pen, x: float, skin: Colour) -> None:
    """Draws an ear; ``x`` is the edge of the face, its sign says which ear."""
    named = {"skin": skin, "line": skin_line(skin), "dark": skin_shadow(skin, 1.0)}
    play(pen, table("face")["ear"], named, side=math.copysign(1.0, x), sizes={"x": abs(x)})


def _lid(part: str, eye: EyeShape, side: float) -> skia.Path:
    """Returns a part of an eye as in face.toml; ``side`` +1: outer corner to the right."""
    steps, rows = table("face")["lids"][part]
    # lashes are equally thick on small and large eyes
    growth = (1.0 - eye.lid, eye.tilt, 0.055 / eye.height)
    points = []
    for x, y, *more in rows:
        y += sum(share * by for share, by in zip(more, growth, strict=False))
        points.append((x * eye.width * side, y * eye.height))
    return route(steps, points)


def _draw_shut_eye(pen: Pen, eye: EyeShape, side: float, ink: Colour) -> None:
    """Draws the arch of an eye that smiles."""
    w, h = eye.width * side, eye.height
    pen.fill(_lid("arch", eye, side), ink)
    for index in range(eye.lashes):
        x, y = (0.72 + 0.24 * index) * w, (-0.18 + 0.28 * index) * h
        end = (x + 0.12 * side, y - 0.05)
        pen.fill(stroke((x - 0.02 * side, y + 0.04), (x + 0.05 * side, y - 0.01), end, 0.02), ink)


def draw_eye(pen: Pen, eye: EyeShape, iris: Colour, side: float, state: str, gaze: Point) -> None:
    """Draws an eye around (0, 0); ``side`` is +1 for the one on the picture's right, -1 for the left one."""
    ink = mix(shade(shade(iris, 1.0), 1.0), INK, 0.80)
    if state == "arch":
        return _draw_shut_eye(pen, eye, side, ink)
    if state == "wide":
        eye = replace(eye, height=eye.height * 1.10, tilt=eye.tilt * 0.5, lid=0.0)
    w, h, small = eye.width, eye.height, 0.68 if state == "wide" else 1.0
    opening, lash = _lid("opening", eye, side), _lid("lash", eye, side)
    rx, ry = max(0.72 * w, 0.13) * small, max(0.95 * h, 0.19) * small
    x, y = gaze[0] * 0.28 * w - 0.03 * w * side, 0.04 * h + gaze[1] * 0.12 * h
    named = {"iris": iris, "deep": mix(shade(shade(iris, 1.2), 0.9), INK, 0.25), "lash": ink}
    sizes = {"w": w, "h": h, "x": x, "y": y, "rx": rx, "ry": ry, "lid": -(1.16 - eye.lid) * h - 0.075}
    rows = table("face")["eye"]
    pen.fill(opening, WHITE)
    with pen.inside(opening):
        play(pen, rows["ball"], named, sizes=sizes, within=oval(x, y, rx * 0.94, ry * 0.95))
        pen.fill(shifted(lash, 0.0, 0.20 * h), mix(INK, colour("4a4468"), 0.7), 0.42)
        play(pen, rows["glints"], named, sizes=sizes)
    pen.fill(lash, ink)
    for index in range(eye.lashes):
        x = (0.70 + 0.24 * index) * w * side
        y = (-0.80 + 0.33 * index - 0.8 * eye.tilt) * h * (1 - 0.5 * eye.lid)
        end = (x + (0.11 + 0.012 * index) * side, y - 0.075 + 0.028 * index)
        pen.fill(stroke((x - 0.03 * side, y + 0.02), (x + 0.075 * side, y - 0.005), end, 0.024), ink)
    play(pen, rows["creases"], named, side=side, sizes=sizes)


def draw_brows(pen: Pen, person: Person, pose: Pose) -> None:
    """Draws the brows; thin over the fringe, as if the hair were a little transparent."""
    ink = mix(shade(shade(person.hair_colour, 1.0), 0.8), INK, 0.45)
    inner, outer = expressions()[pose.expression].brows
    y = -0.155
    for side in (-1.0, 1.0):
        x = EYE_MIDDLE[0] * side + TURN_OF_FEATURES * pose.turn
        narrow = _narrowed(pose.turn, side)
        start, end = (x - 0.19 * side * narrow, y - inner), (x + 0.21 * side * narrow, y + 0.02 - outer)
        bend = (x + 0.02 * side, y - 0.075 - (inner + outer) / 2)
        pen.fill(stroke(start, bend, end, 0.028 * (1.25 if person.boy else 1.0)), ink, 0.85)


def draw_face(pen: Pen, person: Person, pose: Pose, fringe: skia.Path) -> None:
    """Draws the face inside its outline: skin, shadows, blush, eyes, nose and mouth (not brows, not hair).

    ``fringe`` is the outline of the front hair, whose shadow falls on the forehead.
    """
    skin, turn = person.skin, pose.turn
    outline, expression = face_path(person, pose), expressions()[pose.expression]
    ink, dark = skin_line(skin), skin_shadow(skin, pen.style.shading)
    pen.shape(outline, skin, line=ink)
    middle = TURN_OF_FEATURES * turn
    with pen.inside(outline):
        # the far cheek and the underside of the jaw lie in shadow
        far = shifted(outline, -0.085 if turn >= 0 else 0.085, -0.05)
        pen.fill(skia.Op(outline, far, skia.PathOp.kDifference_PathOp), dark, 0.75)
        pen.fill(shifted(fringe, 0.09 * turn + 0.03, 0.10), dark)
        for side in (-1.0, 1.0):
            x = 0.50 * side * _narrowed(turn, side) + middle
            with pen.at(x, 0.57, down=0.55):
                pen.shine(0, 0, 0.21, colour("ff6068"), 150 * expression.blush / 255)
            for marks in ("blush",) * (expression.blush > 0.7) + ("freckles",) * person.freckles:
                play(pen, table("face")["cheeks"][marks], {}, sizes={"x": x})
    eye = EyeShape(**table("face")["eyes"][person.eyes])
    eye = replace(eye, lid=min(0.45, eye.lid + expression.lid))
    gaze = (0.75, 0.35) if expression.aside else pose.gaze
    patched = any(key == "eyepatch" for key, _ in person.accessories)
    for side, state in ((-1.0, expression.left), (1.0, expression.right)):
        if not (patched and side > 0):
            with pen.at(EYE_MIDDLE[0] * side + middle, EYE_MIDDLE[1], across=_narrowed(turn, side)):
                draw_eye(pen, eye, person.eye_colour, side, state, gaze)
    if person.mole:
        pen.fill(oval(0.44 + middle, 0.60, 0.020, 0.020), INK)
    nose = middle * 1.35
    pen.fill(stroke((nose + 0.012, 0.53), (nose + 0.045, 0.585), (nose - 0.012, 0.60), 0.016), ink, 0.9)
    with pen.at(middle * 1.18, 0.745):
        play(pen, table("face")["mouths"][expression.mouth], {"ink": mix(ink, INK, 0.25)})
