"""A figure: the body in its clothes, hair, face and what is worn, sheet by sheet, in a pose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import skia

from datasets.drawn.cast import Outfit, Person, Pose
from datasets.drawn.colours import Colour, glow, line_colour, mix, shade, skin_line, skin_shadow
from datasets.drawn.curves import box, moved, shifted
from datasets.drawn.face import draw_brows, draw_ear, draw_face, face_path
from datasets.drawn.pen import Layer, Pen, Style, record
from datasets.drawn.strokes import outline, pairs, play, table

NECK = (0.0, 0.85)  # the point about which a head tilts
FEET = 8.75  # y of the soles
CHIN = 1.0
Cut = Mapping[str, Any]  # a table in hair.toml


@dataclass(frozen=True, eq=False)
class Hair:
    """The sheets of a haircut (hair.toml), from the back of the head to the tip of the fringe."""

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


@lru_cache(maxsize=64)
def worn_layers(person: Person, style: Style) -> tuple[tuple[str, Layer], ...]:
    """Returns the sheets of what is worn on the head, each with its place (accessories.toml)."""
    drawings, layers = table("accessories"), []
    for key, base in person.accessories:
        for sheet in drawings[key]:
            rows = sheet["draw"] if isinstance(sheet["draw"], list) else drawings[sheet["draw"]]
            if "at" in sheet:
                rows = [["at", sheet["at"], rows]]
            for side in (-1.0, 1.0) if sheet.get("both") else (1.0,):
                draw = partial(play, rows=rows, named={"base": base}, side=side)
                head, depth = sheet.get("head", False), sheet.get("depth", 0.0)
                layers.append((sheet["place"], record(style, draw, head=head, depth=depth)))
    return tuple(layers)


def _draw_legs(pen: Pen, outfit: Outfit, skin: Colour) -> None:
    dark, legs = skin_shadow(skin, pen.style.shading), table("clothes")["legs"]
    for side in (-1.0, 1.0):
        if outfit.below != "trousers":
            leg = outline(*legs["leg"], side=side)
            pen.shape(leg, skin, line=skin_line(skin))
            with pen.inside(leg):
                pen.fill(shifted(leg, 0.22, 0.0), dark, 0.8)
                pen.fill(box(-1.2, 4.6, 1.2, 5.35), dark)
            if outfit.socks is not None:
                sock = skia.Op(leg, box(-2, 6.0, 2, 8.6), skia.PathOp.kIntersect_PathOp)
                pen.shape(sock, outfit.socks, 0.7)
                with pen.inside(sock):
                    pen.fill(shifted(leg, 0.24, 0.0), pen.shadow(outfit.socks), 0.8)
        pen.shape(outline(*legs["shoe"], side=side), outfit.shoes)


@lru_cache(maxsize=128)
def body_layer(person: Person, style: Style, arms: str) -> Layer:
    """Returns the sheet with everything below the head; ``arms`` are one of the poses in clothes.toml."""
    return record(style, partial(_draw_body, person=person, arms=arms))


def _draw_body(pen: Pen, person: Person, arms: str) -> None:
    outfit, skin, clothes = person.outfit, person.skin, table("clothes")
    sizes = {"wide": 1.16, "thick": 0.28} if person.boy else {"wide": 0.98, "thick": 0.225}  # shoulders, neck
    named = {key: getattr(outfit, key) for key in ("top", "accent", "bottom", "shoes")}
    named |= {"dark": shade(outfit.top, 1.0), "skin": skin, "skin-line": skin_line(skin)}
    named["skin-shadow"] = skin_shadow(skin, pen.style.shading)

    def draw_arms() -> None:
        """Each from its shoulder to its fingers, the left one mirrored."""
        rows, sx = [*clothes["hand"], *clothes["sleeves"][outfit.sleeves]], sizes["wide"] - 0.20
        for side, ((ex, ey), (hx, hy)) in zip((-1.0, 1.0), clothes["arms"][arms], strict=True):
            dx, dy = hx - ex, hy - ey
            length = (dx * dx + dy * dy) ** 0.5
            arm = {"ex": ex, "ey": ey, "hx": hx, "hy": hy, "fx": dx / length, "fy": dy / length, "sx": sx}
            arm |= {"mx": ex * 0.5 + sx * 0.5 + 0.03, "my": ey * 0.5 + 0.86 - 0.02}
            with pen.at(0.0, 0.0, across=side):
                play(pen, rows, named, sizes=arm)

    _draw_legs(pen, outfit, skin)
    if arms != "together":
        draw_arms()
    play(pen, clothes["below"][outfit.below], named)
    torso = outline(*clothes["body"]["torso"], sizes=sizes)
    pen.shape(torso, outfit.top)
    rows = [*clothes["body"]["front"], *clothes["collars"][outfit.collar]]
    play(pen, rows, named, within=torso, sizes=sizes)
    if arms == "together":
        draw_arms()


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
    hair, matrix = make_hair(person, style), head_matrix(pose)
    layers = [*hair.behind, hair.front, *hair.over, *(layer for _, layer in worn_layers(person, style))]
    outlines = [moved(face_path(person, pose), matrix)]
    for layer in layers:
        placed = skia.Matrix.Concat(matrix, _layer_matrix(layer, pose))
        outlines.extend(moved(path, placed) for path in layer.head)
    return outlines


def other_outlines(person: Person, style: Style, pose: Pose) -> list[skia.Path]:
    """Returns what else somebody covers, in pixels: body, tails and long hair."""
    hair = make_hair(person, style)
    outlines = [moved(path, body_matrix(pose)) for path in body_layer(person, style, pose.arms).outlines]
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
    hair, head, pen = make_hair(person, style), head_matrix(pose), Pen(canvas, style)
    worn: dict[str, list[Layer]] = {"behind": [], "face": [], "top": []}
    for place, layer in worn_layers(person, style):
        worn[place].append(layer)

    def show(layers: Sequence[Layer]) -> None:
        for layer in layers:
            with pen.through(head):
                canvas.concat(_layer_matrix(layer, pose))
                canvas.drawPicture(layer.picture)

    show(hair.behind)
    with pen.through(body_matrix(pose)):
        canvas.drawPicture(body_layer(person, style, pose.arms).picture)
    with pen.through(head):
        for side in () if hair.covers_ears else (-1.0, 1.0):
            if pose.turn * side < 0.55:
                draw_ear(pen, side * 0.80 - 0.06 * pose.turn, person.skin)
        draw_face(pen, person, pose, hair.fringe)
    show([*worn["face"], *worn["behind"], hair.front])
    with pen.through(head):
        draw_brows(pen, person, pose)
    show([*hair.over, *worn["top"]])
