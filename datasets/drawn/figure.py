"""A figure: a person in a pose, drawn sheet by sheet, and the outlines of the head."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import skia

from datasets.drawn.cast import Person
from datasets.drawn.clothes import body_layer
from datasets.drawn.curves import moved
from datasets.drawn.face import EXPRESSIONS, EYES, draw_brows, draw_ear, draw_face, face_path
from datasets.drawn.hair import Hair, make_hair
from datasets.drawn.pen import Layer, Pen, Style
from datasets.drawn.strokes import accessory_layers

NECK = (0.0, 0.85)  # the point about which a head tilts


@dataclass(frozen=True)
class Pose:
    """How and where somebody is.

    Attributes:
        x, y: middle of the face in the picture, in pixels.
        unit: pixels per head unit (a head is a little over two units high).
        tilt: of the head, in degrees clockwise.
        turn: -1...1, sideways.
        nod: -1...1, features up or down.
        flip: whether left and right are exchanged.
        lean: of the body, in degrees.
        expression: a key of ``face.EXPRESSIONS``.
        arms: a key of ``clothes.POSES``.
        gaze: where the eyes look.
    """

    x: float
    y: float
    unit: float
    tilt: float = 0.0
    turn: float = 0.0
    nod: float = 0.0
    flip: bool = False
    lean: float = 0.0
    expression: str = "neutral"
    arms: str = "rest"
    gaze: tuple[float, float] = (0.0, 0.0)


@lru_cache(maxsize=64)
def _hair(person: Person, style: Style) -> Hair:
    return make_hair(person.hair, style, person.hair_colour)


@lru_cache(maxsize=64)
def _accessories(person: Person, style: Style) -> tuple[tuple[str, Layer], ...]:
    return tuple(
        placed for key, colour in person.accessories for placed in accessory_layers(key, style, colour)
    )


@lru_cache(maxsize=128)
def _body(person: Person, style: Style, arms: str) -> Layer:
    return body_layer(style, person.outfit, person.skin, broad=person.boy, pose=arms)


def body_matrix(pose: Pose) -> skia.Matrix:
    """Returns the matrix from head units to pixels for the body."""
    matrix = skia.Matrix.Translate(pose.x, pose.y)
    matrix.preScale(-pose.unit if pose.flip else pose.unit, pose.unit)
    matrix.preRotate(pose.lean, *NECK)
    return matrix


def head_matrix(pose: Pose) -> skia.Matrix:
    """Returns the matrix from head units to pixels for the head."""
    matrix = body_matrix(pose)
    matrix.preRotate(pose.tilt - pose.lean, *NECK)
    return matrix


def _layer_matrix(layer: Layer, pose: Pose) -> skia.Matrix:
    """Returns how a sheet moves within the head: it slides when the head turns, and hangs when it tilts."""
    matrix = skia.Matrix.Translate(layer.depth * pose.turn, layer.depth * 0.6 * pose.nod)
    if layer.hang:
        matrix.preRotate(-pose.tilt * layer.hang, *layer.pivot)
    return matrix


def head_outlines(person: Person, style: Style, pose: Pose) -> list[skia.Path]:
    """Returns what makes up the head, in pixels: face, hair above the chin (without tails), accessories."""
    hair, matrix = _hair(person, style), head_matrix(pose)
    layers = [*hair.behind, hair.front, *hair.over, *(layer for _, layer in _accessories(person, style))]
    outlines = [moved(face_path(pose.turn, 1.0 if person.boy else 0.0), matrix)]
    for layer in layers:
        placed = skia.Matrix.Concat(matrix, _layer_matrix(layer, pose))
        outlines.extend(moved(path, placed) for path in layer.head)
    return outlines


def other_outlines(person: Person, style: Style, pose: Pose) -> list[skia.Path]:
    """Returns what else somebody covers, in pixels: body, tails and long hair."""
    hair = _hair(person, style)
    outlines = [moved(path, body_matrix(pose)) for path in _body(person, style, pose.arms).outlines]
    for layer in (*hair.behind, *hair.over):
        placed = skia.Matrix.Concat(head_matrix(pose), _layer_matrix(layer, pose))
        outlines.extend(moved(path, placed) for path in layer.outlines)
    return outlines


def bounds(outlines: list[skia.Path]) -> tuple[float, float, float, float]:
    """Returns the tight (left, top, right, bottom) around outlines."""
    rects = [tuple(path.computeTightBounds()) for path in outlines]
    left, top, right, bottom = zip(*rects, strict=True)
    return min(left), min(top), max(right), max(bottom)


def draw_figure(canvas: skia.Canvas, person: Person, style: Style, pose: Pose) -> None:
    """Draws somebody, from the hair behind to the accessories in front."""
    hair, accessories = _hair(person, style), _accessories(person, style)
    expression, head, pen = EXPRESSIONS[pose.expression], head_matrix(pose), Pen(canvas, style)

    def play(layers: Iterable[Layer]) -> None:
        for layer in layers:
            with pen.through(head):
                canvas.concat(_layer_matrix(layer, pose))
                canvas.drawPicture(layer.picture)

    def worn(place: str) -> Iterator[Layer]:
        return (layer for where, layer in accessories if where == place)

    play(hair.behind)
    with pen.through(body_matrix(pose)):
        canvas.drawPicture(_body(person, style, pose.arms).picture)
    with pen.through(head):
        for side in () if hair.covers_ears else (-1.0, 1.0):
            if pose.turn * side < 0.55:
                draw_ear(pen, side * 0.80 - 0.06 * pose.turn, person.skin)
        draw_face(
            pen,
            face_path(pose.turn, 1.0 if person.boy else 0.0),
            expression,
            EYES[person.eyes],
            person.eye_colour,
            person.skin,
            turn=pose.turn,
            gaze=pose.gaze,
            fringe_shadow=moved(hair.fringe, skia.Matrix.Translate(0.09 * pose.turn + 0.03, 0.10)),
            freckles=person.freckles,
            mole=person.mole,
            covered_eye=any(key == "eyepatch" for key, _ in person.accessories),
        )
    play((*worn("face"), *worn("behind"), hair.front))
    with pen.through(head):
        draw_brows(pen, expression, person.hair_colour, pose.turn, 1.25 if person.boy else 1.0)
    play((*hair.over, *worn("top")))
