"""Paths from a few points: smooth outlines, tapered strokes, limbs, stars."""

import math
from collections.abc import Sequence
from itertools import chain, islice

import skia

Point = tuple[float, float]
_STEPS = {"M": ("moveTo", 1), "L": ("lineTo", 1), "Q": ("quadTo", 2), "C": ("cubicTo", 3), "Z": ("close", 0)}


def sides_of(
    spine: Sequence[Point], directions: Sequence[tuple[Point, Point]], widths: Sequence[float]
) -> tuple[list[Point], list[Point]]:
    """Returns the points ``widths`` to the left and right of a spine; a direction is (from, to)."""
    left, right = [], []
    for (x, y), (start, end), width in zip(spine, directions, widths, strict=True):
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = (dx * dx + dy * dy) ** 0.5
        left.append((x - dy / length * width, y + dx / length * width))
        right.append((x + dy / length * width, y - dx / length * width))
    return left, right


def polygon(points: Sequence[Point]) -> skia.Path:
    """Returns the closed path with straight sides through the points."""
    return skia.Path.Polygon(list(points), True)


def smooth(points: Sequence[Point], *, closed: bool = True) -> skia.Path:
    """Returns a smooth path through the points (Catmull-Rom splines, written as cubics)."""
    ends = (points[-1], points[:2]) if closed else (points[0], points[-1:])
    around = [ends[0], *points, *ends[1]]
    path = skia.Path()
    path.moveTo(*points[0])
    for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False):
        leaving = b[0] + (c[0] - a[0]) / 6, b[1] + (c[1] - a[1]) / 6
        path.cubicTo(*leaving, c[0] - (d[0] - b[0]) / 6, c[1] - (d[1] - b[1]) / 6, *c)
    if closed:
        path.close()
    return path


def curve(points: Sequence[Point]) -> skia.Path:
    """Returns the smooth path from the first point to the last one."""
    return smooth(points, closed=False)


def route(steps: str, points: Sequence[Point]) -> skia.Path:
    """Returns the closed path of SVG's steps: M and L take one point each, Q two, C three, Z none."""
    path, rest = skia.Path(), iter(points)
    for step in steps:
        name, count = _STEPS[step]
        getattr(path, name)(*chain.from_iterable(islice(rest, count)))
    path.close()
    return path


def oval(x: float, y: float, half_width: float, half_height: float) -> skia.Path:
    """Returns the ellipse with that middle and those half axes."""
    return skia.Path.Oval(skia.Rect(x - half_width, y - half_height, x + half_width, y + half_height))


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> skia.Path:
    """Returns a rectangle, with round corners on request."""
    path = skia.Path()
    path.addRoundRect(skia.Rect.MakeLTRB(left, top, right, bottom), radius, radius)
    return path


def star(x: float, y: float, radius: float, *, points: int = 5, waist: float = 0.45) -> skia.Path:
    """Returns a star with one point up; ``waist`` is the inner radius as a part of the outer one."""
    corners = []
    for index in range(2 * points):
        angle, reach = math.pi * index / points, radius * (waist if index % 2 else 1.0)
        corners.append((x + math.sin(angle) * reach, y - math.cos(angle) * reach))
    return polygon(corners)


def stroke(start: Point, bend: Point, end: Point, width: float) -> skia.Path:
    """Returns a brush stroke: a curve that bends towards ``bend``, thick in the middle, with pointed ends."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = math.hypot(along_x, along_y) or 1.0
    across_x, across_y = -along_y / length * width, along_x / length * width
    left, right = (bend[0] + across_x, bend[1] + across_y), (bend[0] - across_x, bend[1] - across_y)
    return route("MQQ", [start, left, end, right, start])


def limb(spine: Sequence[Point], widths: Sequence[float]) -> skia.Path:
    """Returns the outline of an arm or leg along a spine."""
    ends = [spine[0], *spine, spine[-1]]
    left, right = sides_of(spine, list(zip(ends, ends[2:], strict=False)), widths)
    return smooth([*left, *reversed(right)])


def together(paths: Sequence[skia.Path]) -> skia.Path:
    """Returns one path that holds them all."""
    result = skia.Path()
    for path in paths:
        result.addPath(path)
    return result


def moved(path: skia.Path, matrix: skia.Matrix) -> skia.Path:
    """Returns the path seen through a matrix."""
    result = skia.Path()
    path.transform(matrix, result)
    return result


def shifted(path: skia.Path, x: float, y: float) -> skia.Path:
    """Returns the path ``x`` further to the right and ``y`` further down."""
    return moved(path, skia.Matrix.Translate(x, y))
