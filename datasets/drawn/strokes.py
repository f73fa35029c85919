"""Drawings as tables: rows of strokes in the TOML files beside the code, played with a pen.

A row is ``[what, outline, numbers, colour, strength]``. What: ``shape`` (strength is the width of its line),
``fill`` (alpha) or ``line`` (width). Outline: ``smooth``, ``curve`` (open), ``polygon`` or SVG's steps as in
``curves.route`` through points (x, y, x, y ...); ``stroke`` (three points and a width), ``oval`` (middle,
half axes), ``box`` (left, top, right, bottom, radius), ``star`` (middle, radius); ``same`` is the outline
before, changed by no numbers or by (factor of x, factor of y, shift of x, shift of y). A number may be
``"wide"``, ``"-wide"`` or ``"wide+0.1"``: half the width of the shoulders.

Around rows stand ``["both", rows]``: on the left, then mirrored on the right; ``["inside", rows, change]``:
only inside the outline before, perhaps changed; ``["within", rows]``: only inside the outline given to
``play``; ``["at", [x, y, degrees, scale], rows]``; ``["ring", [x, y, radius, count], rows]``: ovals in a
circle. ``["fade", outline, numbers, [x, y, x, y], colours, places]`` is a gradient.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import skia

from datasets.drawn.colours import INK, WHITE, Colour, colour, glow, mix, shade
from datasets.drawn.curves import box, curve, moved, oval, polygon, route, smooth, star, stroke
from datasets.drawn.pen import Layer, Pen, Style, record

Rows = Sequence[Sequence[Any]]


@cache
def table(name: str) -> dict[str, Any]:
    """Returns the table in ``NAME.toml`` beside the code."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def pairs(numbers: Sequence[float], side: float = 1.0) -> list[tuple[float, float]]:
    """Returns the points (x, y), (x, y) ..., mirrored for side -1."""
    return [(side * x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]


def _number(value: float | str, wide: float) -> float:
    if not isinstance(value, str):
        return value
    sign, _, more = value.partition("wide")
    return (-wide if sign else wide) + float(more or 0.0)


def _outline(kind: str, numbers: Sequence[float], side: float) -> skia.Path:
    points = pairs(numbers, side)
    if kind == "oval":
        return oval(*points[0], numbers[2], numbers[3])
    if kind == "box":
        left, right = sorted((points[0][0], points[1][0]))
        return box(left, numbers[1], right, *numbers[3:])
    if kind == "star":
        return star(*points[0], numbers[2])
    if kind == "stroke":
        return stroke(points[0], points[1], points[2], numbers[6])
    through = {"smooth": smooth, "curve": curve, "polygon": polygon}
    return through[kind](points) if kind in through else route(kind, points)


def _changed(path: skia.Path, change: Sequence[float], side: float) -> skia.Path:
    if not change:
        return path
    matrix = skia.Matrix.Scale(change[0], change[1])
    matrix.postTranslate(side * change[2], change[3])
    return moved(path, matrix)


def _tone(words: str, colours: Mapping[str, Colour], pen: Pen) -> Colour:
    """Returns "NAME", "NAME shadow", "NAME shade 1", "NAME glow 0.5", or "NAME OTHER 0.5": mixed."""

    def named(name: str) -> Colour:
        return colours[name] if name in colours else colour(name)

    first, *change = words.split()
    base = named(first)
    if not change:
        return base
    if change[0] == "shadow":
        return pen.shadow(base)
    amount = float(change[1])
    if change[0] in ("shade", "glow"):
        return (shade if change[0] == "shade" else glow)(base, amount)
    return mix(base, named(change[0]), amount)


def play(
    pen: Pen,
    rows: Rows,
    colours: Mapping[str, Colour],
    *,
    side: float = 1.0,
    within: skia.Path | None = None,
    wide: float = 0.0,
    last: skia.Path | None = None,
) -> None:
    """Draws the rows; ``colours`` are those that they name beside white, ink and hexadecimal ones."""
    colours = {"white": WHITE, "ink": INK, **colours}
    for what, *rest in rows:
        if what == "both":
            for mirrored in (-1.0, 1.0):
                play(pen, rest[0], colours, side=mirrored, within=within, wide=wide)
        elif what in ("inside", "within"):
            inner, *change = rest
            with pen.inside(
                _changed(last, change[0] if change else (), side) if what == "inside" else within
            ):
                play(pen, inner, colours, side=side, within=within, wide=wide, last=last)
        elif what == "at":
            (x, y, degrees, scale), inner = rest
            pen.canvas.save()
            pen.canvas.translate(side * x, y)
            pen.canvas.rotate(side * degrees)
            pen.canvas.scale(scale, scale)
            play(pen, inner, colours, side=side)
            pen.canvas.restore()
        elif what == "ring":
            (x, y, radius, count), inner = rest
            for index in range(count):
                angle = 2 * math.pi * index / count - math.pi / 2
                middle = [x + radius * math.cos(angle), y + radius * math.sin(angle)]
                play(pen, [[how, kind, middle + size, *more] for how, kind, size, *more in inner], colours)
        elif what == "fade":
            kind, numbers, ends, words, places = rest
            last = _outline(kind, numbers, side)
            tones = [(place, colour(word), 1.0) for place, word in zip(places, words.split(), strict=True)]
            pen.gradient(last, ends[:2], ends[2:], tones)
        else:
            kind, numbers, words, *strength = rest
            if kind == "same":
                path = _changed(last, numbers, side)
            else:
                path = last = _outline(kind, [_number(value, wide) for value in numbers], side)
            base, strong = _tone(words, colours, pen), strength[0] if strength else 1.0
            if what == "shape":
                pen.shape(path, base, width=strong)
            else:
                (pen.fill if what == "fill" else pen.line)(path, base, strong)


def accessory_layers(key: str, style: Style, base: Colour) -> list[tuple[str, Layer]]:
    """Returns the sheets of an accessory in its colour, each with its place.

    A place is ``behind`` (under the front hair), ``face`` (on the face, under the fringe) or ``top`` (over
    everything).
    """
    drawings = table("accessories")
    layers = []
    for sheet in drawings[key]:
        rows = sheet["draw"] if isinstance(sheet["draw"], list) else drawings[sheet["draw"]]
        if "at" in sheet:
            rows = [["at", sheet["at"], rows]]
        for side in (-1.0, 1.0) if sheet.get("both") else (1.0,):
            layer = record(
                style,
                lambda pen, rows=rows, side=side: play(pen, rows, {"base": base}, side=side),
                head=sheet.get("head", False),
                depth=sheet.get("depth", 0.0),
            )
            layers.append((sheet["place"], layer))
    return layers
