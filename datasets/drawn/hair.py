"""Hair: the sheets of a haircut (hair.toml), from the back of the head to the tip of the fringe."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import skia

from datasets.drawn.cast import Person
from datasets.drawn.colours import Colour, glow, line_colour, mix
from datasets.drawn.curves import shifted
from datasets.drawn.pen import Layer, Pen, Style, record
from datasets.drawn.strokes import outline, pairs, play, table

CHIN = 1.0
Cut = Mapping[str, Any]  # a table in hair.toml


@dataclass(frozen=True, eq=False)
class Hair:
    """The sheets of a haircut."""

    behind: tuple[Layer, ...]  # drawn before the body (tails and long hair), first to last
    front: Layer  # the fringe and the hair over the skull
    over: tuple[Layer, ...]  # drawn after the front and the body (braids that fall over the shoulders)
    fringe: skia.Path  # outline of the front hair, whose shadow falls on the face
    covers_ears: bool  # whether they are drawn


@lru_cache(maxsize=64)
def make_hair(person: Person, style: Style) -> Hair:
    """Returns somebody's haircut, drawn in a style."""
    cut, hair = table("hair")[person.hair], person.hair_colour
    named, shine = {"hair": hair, "line": line_colour(hair)}, {"shine": style.shine * 0.8}
    behind = tuple(layer for sheet in cut["behind"] for layer in _back_layers(style, hair, sheet))
    fringe = outline(*cut["fringe"])
    front = record(style, partial(_draw_front, named=named, path=fringe, cut=cut), head=True, depth=0.09)
    over = []
    for sheet in cut.get("over", ()):
        draw = partial(play, rows=sheet["draw"], named=named, sizes=shine)
        over.append(record(style, draw, depth=0.03, hang=0.85, pivot=tuple(sheet["pivot"])))
    return Hair(behind, _counted(front), tuple(over), fringe, cut["covers_ears"])


def _counted(layer: Layer) -> Layer:
    """Returns the layer with its share of the head cut at the chin."""
    above, common = skia.Path.Rect(skia.Rect.MakeLTRB(-4, -6, 4, CHIN)), skia.PathOp.kIntersect_PathOp
    return replace(layer, head=tuple(skia.Op(path, above, common) for path in layer.head))


def _draw_front(pen: Pen, named: Mapping[str, Colour], path: skia.Path, cut: Cut) -> None:
    hair, dark = named["hair"], pen.shadow(named["hair"])
    play(pen, cut.get("under", ()), named)
    pen.shape(path, hair)
    with pen.inside(path):
        if pen.style.soft:
            pen.gradient(path, (0.0, -0.55), (0.0, 0.55), [(0.0, dark, 0.0), (1.0, dark, 0.75)])
        pen.fill(outline(*cut["shades"]), dark, 0.85)
        pen.fill(skia.Op(path, shifted(path, -0.10, -0.03), skia.PathOp.kDifference_PathOp), dark, 0.6)
        pen.fill(outline(*cut["halo"]), glow(hair, 0.45), pen.style.shine)
    play(pen, cut["lines"], named)


def _back_layers(style: Style, hair: Colour, sheet: Cut) -> Iterator[Layer]:
    """Yields the sheets of hair behind the face: darker than the front, but for tails."""
    for side in (1.0, -1.0) if sheet.get("both") else (1.0,):
        path, pivot = outline(*sheet["outline"], side=side), pairs(sheet.get("tail", (0.0, 0.0)), side)[0]
        draw = partial(_draw_back, hair=hair, path=path, sheet=sheet, side=side)
        depth, hang = sheet.get("depth", -0.06), sheet.get("hang", 0.0)
        yield _counted(record(style, draw, head="tail" not in sheet, depth=depth, hang=hang, pivot=pivot))


def _draw_back(pen: Pen, hair: Colour, path: skia.Path, sheet: Cut, side: float) -> None:
    is_tail, dark, line = "tail" in sheet, pen.shadow(hair), line_colour(hair)
    base = hair if is_tail else mix(hair, dark, 0.72)
    pen.shape(path, base, line=line)
    with pen.inside(path):
        if is_tail and pen.style.soft:
            bounds = path.computeTightBounds()
            stops = [(0.0, dark, 0.55), (0.25, dark, 0.0), (0.6, dark, 0.0), (1.0, dark, 0.7)]
            pen.gradient(path, (0.0, bounds.top()), (0.0, bounds.bottom()), stops)
        play(pen, sheet.get("strands", ()), {"base": base, "line": line}, side=side)
