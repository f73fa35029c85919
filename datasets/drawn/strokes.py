"""Drawings as tables: rows of strokes in the TOML files beside the code, played with a pen.

A row is ``[what, outline, numbers, colour, strength, line]``. What: ``shape`` (strength is the width of its
line, which may have its own colour), ``fill`` (alpha) or ``line`` (width, then alpha). Outline: ``smooth``,
``curve`` (open), ``polygon`` or SVG's steps as in ``curves.route`` through points (x, y, x, y ...); ``limb``
(points, each with a width), ``stroke`` (three points and a width), ``oval`` (middle, half axes), ``box``
(left, top, right, bottom, radius), ``star`` (middle, radius); ``same`` is the outline before, changed by no
numbers or by (factor of x, factor of y, shift of x, shift of y). A number may be ``"wide"``, ``"-wide"`` or
``"wide+0.1"``: a size that ``play`` is given; a strength may be one too.

Around rows stand ``["both", rows]``: on the left, then mirrored on the right; ``["inside", rows, change]``:
only inside the outline before, perhaps changed; ``["within", rows]``: only inside the outline given to
``play``; ``["at", [x, y, degrees, scale], rows]``. ``["fade", outline, numbers, [x, y, x, y], colours,
places]`` is a gradient.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import skia

from datasets.drawn.colours import INK, WHITE, Colour, colour, colours, glow, mix, shade
from datasets.drawn.curves import Point, box, curve, limb, moved, oval, polygon, route, smooth, star, stroke
from datasets.drawn.pen import Pen

THROUGH = {"smooth": smooth, "curve": curve, "polygon": polygon}


@cache
def table(name: str) -> dict[str, Any]:
    """Returns the table in ``NAME.toml`` beside the code."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def pairs(numbers: Sequence[float], side: float = 1.0) -> list[Point]:
    """Returns the points (x, y), (x, y) ..., mirrored for side -1."""
    return [(side * x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]


def _number(value: float | str, sizes: Mapping[str, float]) -> float:
    if not isinstance(value, str):
        return value
    sign, name, more = re.split(r"([a-z]+)", value)
    return (-sizes[name] if sign else sizes[name]) + float(more or 0.0)


def outline(
    kind: str, values: Sequence[float | str], side: float = 1.0, sizes: Mapping[str, float] | None = None
) -> skia.Path:
    numbers = [_number(value, sizes or {}) for value in values]
    if kind == "limb":
        return limb([(side * x, y) for x, y in zip(numbers[::3], numbers[1::3], strict=True)], numbers[2::3])
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
    return THROUGH[kind](points) if kind in THROUGH else route(kind, points)


def _changed(path: skia.Path, change: Sequence[float], side: float) -> skia.Path:
    if not change:
        return path
    matrix = skia.Matrix.Scale(change[0], change[1])
    matrix.postTranslate(side * change[2], change[3])
    return moved(path, matrix)


def _tone(words: str, named: Mapping[str, Colour], pen: Pen) -> Colour:
    """Returns "NAME", "NAME shadow", "NAME shade 1", "NAME glow 0.5", or "NAME OTHER 0.5": mixed."""
    name, *change = words.split()
    base = named[name] if name in named else colour(name)
    if not change:
        return base
    if change[0] == "shadow":
        return pen.shadow(base)
    how, amount = change[0], float(change[1])
    if how in ("shade", "glow"):
        return (shade if how == "shade" else glow)(base, amount)
    return mix(base, named[how] if how in named else colour(how), amount)


def play(
    pen: Pen,
    rows: Sequence[Sequence[Any]],
    named: Mapping[str, Colour],
    *,
    side: float = 1.0,
    within: skia.Path | None = None,
    sizes: Mapping[str, float] | None = None,
    last: skia.Path | None = None,
) -> None:
    """Draws the rows; ``named`` are the colours that they name beside white, ink and hexadecimal ones."""
    named = {"white": WHITE, "ink": INK, **named}
    again = partial(play, pen, named=named, within=within, sizes=sizes)
    for what, *rest in rows:
        if what == "both":
            for mirror in (-1.0, 1.0):
                again(rest[0], side=mirror)
        elif what in ("inside", "within"):
            inner, *change = rest
            area = within if what == "within" else _changed(last, change[0] if change else (), side)
            with pen.inside(area):
                again(inner, side=side, last=last)
        elif what == "at":
            (x, y, degrees, scale), inner = rest
            with pen.at(side * x, y, side * degrees, scale, scale):
                again(inner, side=side)
        elif what == "fade":
            kind, numbers, ends, words, places = rest
            last = outline(kind, numbers, side)
            stops = [(place, tone, 1.0) for place, tone in zip(places, colours(words), strict=True)]
            pen.gradient(last, ends[:2], ends[2:], stops)
        else:
            kind, numbers, words, *more = rest
            if kind == "same":
                path = _changed(last, numbers, side)
            else:
                path = last = outline(kind, numbers, side, sizes)
            draw = {"shape": pen.shape, "fill": pen.fill, "line": pen.line}[what]
            tone = partial(_tone, named=named, pen=pen)
            more = [sizes[one] if sizes and one in sizes else one for one in more]
            draw(path, tone(words), *(tone(one) if isinstance(one, str) else one for one in more))
