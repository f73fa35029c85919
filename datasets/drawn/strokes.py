"""Drawings as tables: rows of strokes in the TOML files beside the code, played with a pen.

A row is ``[what, outline, numbers, colour, strength, line]``. What: ``shape`` (strength is the width of its
line, which may have its own colour), ``fill`` (alpha), ``line`` or ``trace`` (width, in the style's lines or
as it is, then alpha). Outline: ``smooth``, ``curve`` (open), ``polygon`` or SVG's steps as in
``curves.route`` through points (x, y, x, y ...); ``limb`` (points, each with a width), ``stroke`` (three
points and a width), ``oval`` (middle, half axes), ``box`` (left, top, right, bottom, radius), ``star``
(middle, radius); ``same`` is the outline before, changed by no numbers or by (factor of x, factor of y, shift
of x, shift of y). An easel's are ``["rect" or "shine", numbers, colour, alpha]``, of ``pen.py``.

A number may be a sum of sizes that ``play`` is given: ``"wide"``, ``"x-0.5wide+8"``; so may a strength, but
not a shape's. A colour is changed from left to right: ``"wood white 0.2 shade 0.5"`` is wood mixed with a
little white, then shaded.

Around rows stand ``["both", rows]``: on the left, then mirrored on the right; ``["inside", rows, change]``:
only inside the outline before, perhaps changed; ``["within", rows]``: only inside the outline given to
``play``; ``["at", [x, y, degrees, scale], rows]``. ``["fade", outline, numbers, [x, y, x, y], colours,
places]`` is a gradient of colours with commas between.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import skia

from datasets.drawn.colours import INK, WHITE, Colour, colour, glow, mix, shade
from datasets.drawn.curves import Point, box, curve, limb, moved, oval, polygon, route, smooth, star, stroke
from datasets.drawn.pen import Brush
from files.reading import table_beside

# A term of a sum: its sign and factor, either of which may be missing, and the name of a size, or none.
_TERM = re.compile(r"([+-]?[\d.]+|[+-]?(?=[a-z]))([a-z]*)")
THROUGH = {"smooth": smooth, "curve": curve, "polygon": polygon}
_WAYS = {"shade": shade, "glow": glow}


@cache
def table(name: str) -> dict[str, Any]:
    """Returns the table in ``NAME.toml`` beside the code."""
    return table_beside(__file__, name)


def pairs(numbers: Sequence[float], side: float = 1.0) -> list[Point]:
    """Returns the points (x, y), (x, y) ..., mirrored for side -1."""
    return [(side * x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]


def _number(value: float | str, sizes: Mapping[str, float]) -> float:
    """Returns a number, or what the sum comes to that a text says, from left to right."""
    if not isinstance(value, str):
        return value
    total = 0.0
    for number, name in _terms(value):
        total += number * sizes[name] if name else number
    return total


@cache
def _terms(text: str) -> list[tuple[float, str]]:
    """Of a sum: factors, and the names of sizes or none."""
    found = _TERM.findall(text)
    return [(float(factor if factor[-1:].isdigit() else f"{factor}1"), name) for factor, name in found]


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


def _tone(words: str, named: Mapping[str, Colour], pen: Any) -> Colour:
    """Returns "NAME", changed by each "shadow", "shade 1", "glow 0.5" or "OTHER 0.5" (mixed) behind it."""
    name, *changes = words.split()
    base, change = named[name] if name in named else colour(name), iter(changes)
    for how in change:
        if how == "shadow":
            base = pen.shadow(base)
        elif how in _WAYS:
            base = _WAYS[how](base, float(next(change)))
        else:
            base = mix(base, named[how] if how in named else colour(how), float(next(change)))
    return base


def play(
    pen: Brush,
    rows: Sequence[Sequence[Any]],
    named: Mapping[str, Colour],
    *,
    side: float = 1.0,
    within: skia.Path | None = None,
    sizes: Mapping[str, float] | None = None,
    last: skia.Path | None = None,
) -> None:
    """Draws the rows; ``named`` are the colours that they name beside white, ink and hexadecimal ones."""
    named, sizes = {"white": WHITE, "ink": INK, **named}, sizes or {}
    again = partial(play, pen, named=named, within=within, sizes=sizes)
    tone = partial(_tone, named=named, pen=pen)
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
            last = outline(kind, numbers, side, sizes)
            stops = [(place, tone(one), 1.0) for place, one in zip(places, words.split(","), strict=True)]
            start, end = pairs([_number(one, sizes) for one in ends])
            pen.gradient(last, start, end, stops)
        elif what in ("rect", "shine"):
            numbers, words, *alpha = rest
            getattr(pen, what)(*(_number(one, sizes) for one in numbers), tone(words), *alpha)
        else:
            kind, numbers, words, *more = rest
            if kind == "same":
                path = _changed(last, numbers, side)
            else:
                path = last = outline(kind, numbers, side, sizes)
            worth = tone if what == "shape" else partial(_number, sizes=sizes)
            more = [worth(one) if isinstance(one, str) else one for one in more]
            getattr(pen, what)(path, tone(words), *more)
