"""The head of anybody as a body in space, so that it can be drawn from any side.

Skull and hat are hulls of points, hair is locks that run down meridians of the skull, everything on the face
is a flat drawing at a place with a normal. All are turned, and drawn from back to front.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
import skia

from benchmarks.anybody.people import Cut, Row, Somebody, View, turn_of
from datasets.drawn.colours import INK, Colour, glow, line_colour, mix, shade, skin_line, skin_shadow
from datasets.drawn.curves import Point, limb, polygon, shifted, smooth, stroke
from datasets.drawn.face import EyeShape, draw_eye
from datasets.drawn.pen import Pen
from datasets.drawn.strokes import play, table

Array = np.ndarray
SKULL, MIDDLE = np.array([0.84, 0.98, 0.93]), np.array([0.0, -0.12, -0.10])  # half axes, and where
# The face below the skull: (x, y, z) of its right half; x grows with the jaw, y with the chin.
_JAW = (
    (0.80, 0.10, 0.30),
    (0.74, 0.42, 0.34),
    (0.66, 0.68, 0.30),
    (0.42, 0.88, 0.50),
    (0.14, 1.0, 0.62),
    (0.62, 0.5, -0.25),
)
# The line of a profile from forehead to throat (y, z), and how much of the nose's length is added to z.
_PROFILE = (
    (-0.45, 0.76, 0), (-0.1, 0.82, 0), (0.16, 0.76, 0.1), (0.50, 0.80, 1.0), (0.58, 0.78, 0.55),
    (0.63, 0.74, 0), (0.71, 0.79, 0), (0.76, 0.75, 0), (0.82, 0.77, 0), (0.88, 0.71, 0), (0.98, 0.70, 0),
    (1.02, 0.56, 0),
)  # fmt: skip
_LOW = 0.98  # y of the chin, as a part of the face's: hair below it is not a part of the head


@cache
def _ball() -> Array:
    """240 points all over a ball of radius 1, float [240, 3] (a spiral in the golden angle)."""
    y = np.linspace(-1, 1, 240)
    angle = np.arange(240) * math.pi * (3 - math.sqrt(5))
    flat = np.sqrt(1 - y * y)
    return np.stack([flat * np.cos(angle), y, flat * np.sin(angle)], 1)


def _skull(size: float = 1.0) -> Array:
    return MIDDLE + _ball() * SKULL * size


def _ring(radius: float, y: float, degrees: float = 180.0) -> Array:
    """Points of a level circle around the head, from the front to so many degrees on each side."""
    angle = np.radians(np.linspace(-degrees, degrees, 36))
    return np.stack([radius * np.sin(angle) * 0.92, np.full(36, y), radius * np.cos(angle) - 0.1], 1)


def _flat(points: Array) -> list[Point]:
    """Points as they lie in the picture: [N, 2 or 3] -> (x, y) each."""
    return [(x, y) for x, y in points[:, :2].tolist()]


def _hull(points: Array) -> skia.Path:
    """The outline of points in the picture, float [N, 2 or 3]."""
    return polygon(_flat(cv2.convexHull(points[:, :2].astype(np.float32))[:, 0]))


class Head:
    """Somebody's head seen in a view, to be drawn around (0, 0) in head units, before tilt and size.

    Attributes:
        points: float [N, 2] each, around which the head's box is tight once it is drawn.
    """

    def __init__(self, person: Somebody, view: View) -> None:
        self.person, self.view = person, view
        self._turn = np.array(turn_of(view))
        face = _face_points(person)
        if self._turn[2, 2] < -0.5:  # from behind the neck hides the chin
            face = face[face[:, 1] < 0.72]
        self._face = self._turned(face)
        self.chin = float(self._face[:, 1].max()) * _LOW
        self.points = [self._face[:, :2]]
        self._locks = self._make_locks(person.cut) if person.cut else []

    def _turned(self, points: Any) -> Array:
        return np.asarray(points, float) @ self._turn.T

    def _counts(self, points: Array, *, whole: bool = False) -> None:
        """These points are of the head; unless whole, only above the chin."""
        self.points.append(points[:, :2] if whole else points[points[:, 1] < self.chin, :2])

    def _make_locks(self, cut: Cut) -> list[tuple[float, skia.Path, Array]]:
        """The locks: how near each is, its outline, and its points; the farthest first."""
        locks, ends = _locks(cut, self.person.number)
        turned = self._turned(locks)
        whole = (cut.spike > 0.25) & (ends < 0.6)
        self._counts(turned[whole].reshape(-1, 3), whole=True)
        self._counts(turned[~whole].reshape(-1, 3))
        nearness = turned[:, 2:-2, 2].mean(1)
        return [(float(nearness[i]), smooth(_flat(turned[i])), turned[i]) for i in np.argsort(nearness)]

    def draw_behind(self, pen: Pen) -> None:
        """What is behind the body: hair and hats on the far side."""
        hat = self.person.hat
        if hat and "brim" in hat and (self.view.pitch < 0 if hat["brim"][2] == 180 else self._turn[2, 2] < 0):
            self._draw_brim(pen, hat)
        self._draw_tails(pen, near=False)
        dark = mix(self.person.hair, pen.shadow(self.person.hair), 0.8)
        self._draw_locks(pen, [lock for lock in self._locks if lock[0] < 0], dark)

    def draw(self, pen: Pen) -> None:
        """The head itself, in front of the body."""
        person = self.person
        self._draw_face(pen)
        self._draw_locks(pen, [lock for lock in self._locks if lock[0] >= 0], person.hair)
        self._draw_tails(pen, near=True)
        if person.hat:
            self._draw_hat(pen, person.hat)

    def _draw_face(self, pen: Pen) -> None:
        person, rows = self.person, table("anybody")
        skin, ink = person.skin, skin_line(person.skin)
        outline = skia.Op(_hull(self._face), self._profile(), skia.PathOp.kUnion_PathOp)
        self._draw_ears(pen, near=False)
        pen.shape(outline, skin, line=ink)
        colours = {"iris": person.iris, "skin": skin, "dark": skin_shadow(skin, 1.0), "line": ink}
        colours |= {"hair": person.hair, "worn": person.worn}
        with pen.inside(outline):
            away = 0.12 if self.view.yaw % 360 < 180 else -0.12
            dark = skin_shadow(skin, pen.style.shading)
            pen.fill(
                skia.Op(outline, shifted(outline, -away, -0.06), skia.PathOp.kDifference_PathOp), dark, 0.75
            )
            for depth, path, _ in self._locks:
                if depth > 0.25:
                    pen.fill(shifted(path, away * 0.5, 0.10), dark, 0.9)
            under = [mark for mark in person.marks if mark.get("under")]
            for mark in under:
                self._decal(pen, mark["at"], mark["normal"], mark["rows"], colours)
            self._draw_eyes(pen, colours)
            self._decal(pen, (0.0, 0.53, 0.80), (0, 0, 1), rows["noses"][person.nose], colours, fade=0.3)
            mouths = rows["mouths"] | table("face")["mouths"]
            place = (0.0, 0.74 * person.chin, 0.78)
            self._decal(
                pen,
                place,
                (0, 0.15, 1),
                mouths[self.view.mouth],
                colours | {"ink": mix(ink, INK, 0.4)},
                size=self.view.mouth_size,
            )
        self._draw_ears(pen, near=True)
        for mark in person.marks:
            for side in (-1.0, 1.0) if mark.get("both") else (1.0,):
                if not mark.get("under"):
                    self._decal(pen, mark["at"], mark["normal"], mark["rows"], colours, side)

    def _decal(
        self,
        pen: Pen,
        at: Sequence[float],
        normal: Sequence[float],
        rows: Sequence[Any] | EyeShape,
        colours: Any,
        side: float = 1.0,
        size: float = 1.0,
        fade: float = 0.12,
    ) -> None:
        """Plays rows on a flat piece of the face, unless it is turned away from us; an EyeShape is an eye."""
        x, y, _ = self._turned((side * at[0] * self.person.wide, at[1], at[2]))
        across, down, near = self._turned((side * normal[0], normal[1], normal[2]))
        if near > fade:
            narrow, low = (math.sqrt(max(0.0, 1 - slope**2)) for slope in (across, down))
            with pen.at(x, y, across=max(0.25, narrow) * size, down=max(0.4, low) * size):
                if isinstance(rows, EyeShape):
                    gaze = (0.2 * math.sin(self.person.number), 0.0)
                    draw_eye(pen, rows, self.person.iris, side, "open", gaze)
                else:
                    play(pen, rows, colours, side=side)

    def _draw_eyes(self, pen: Pen, colours: dict[str, Colour]) -> None:
        person, state = self.person, self.view.state
        for side in (-1.0, 1.0):
            at, normal = (person.eye_apart, person.eye_down, 0.74), (0.42, 0.0, 0.9)
            kind = person.eyes if state == "open" else state
            eye = kind if isinstance(kind, EyeShape) else table("anybody")["eyes"][kind]
            self._decal(pen, at, normal, eye, colours, side, person.eye_size)
            if person.brow:
                bend = [["fill", "stroke", [-0.2, 0.05, 0.0, -0.06, 0.22, 0.03, person.brow], "hair"]]
                brow = {"hair": mix(shade(person.hair, 1.0), INK, 0.4)}
                self._decal(pen, (at[0], at[1] - 0.36, 0.76), normal, bend, brow, side)

    def _draw_ears(self, pen: Pen, *, near: bool) -> None:
        skin = self.person.skin
        for side in (-1.0, 1.0):
            (x, y, _), (_, _, facing) = self._turned(((side * 0.84, 0.22, -0.08), (side, 0.0, 0.15)))
            if (facing > 0) == near:
                width = 0.10 + 0.12 * abs(facing)
                lobe = np.array(
                    [(x + width * a, y + 0.24 * b) for a, b in ((-1, 0), (0, -1), (1, -0.3), (0.3, 1))]
                )
                path = smooth(_flat(lobe))
                pen.shape(path, skin, 0.8, line=skin_line(skin))
                if near and facing > 0.3:
                    crease = stroke((x - 0.06, y - 0.1), (x + 0.08, y), (x - 0.02, y + 0.12), 0.03)
                    pen.fill(crease, skin_shadow(skin, 1.0))
                self._counts(lobe)

    def _profile(self) -> skia.Path:
        """The line of the profile, closed behind: what stands out of the face's hull."""
        low, out = self.person.chin, self.person.nose_out
        line = [(0.0, y * low if y > 0.6 else y, z + out * more) for y, z, more in _PROFILE]
        turned = self._turned([*line, (0.0, 0.6, 0.1), (0.0, -0.4, 0.1)])
        self._counts(turned[:-2])
        return polygon(_flat(turned))

    def _draw_locks(self, pen: Pen, locks: Iterable[tuple[float, skia.Path, Array]], base: Colour) -> None:
        locks, edge = list(locks), line_colour(base)
        for _, path, _ in locks:
            pen.line(path, edge, 2.0)
        cut, streak = self.person.cut, self.person.streak
        for index, (_, path, _) in enumerate(locks):
            pen.fill(path, mix(base, streak, 0.9) if streak and index % 5 == 2 else base)
        if cut and cut.curls:
            return self._draw_curls(pen, locks, base, edge)
        for depth, path, points in locks:
            if pen.style.soft:
                ends = path.getBounds()
                dark = pen.shadow(base)
                stops = [(0.0, dark, 0.0), (1.0, dark, 0.6)]
                pen.gradient(path, (0.0, ends.top()), (0.0, ends.bottom()), stops)
            tip, middle, root = _flat(points[[4, 5, 7]])
            pen.fill(stroke(tip, middle, root, 0.016), edge, 0.8)
            if depth > 0.2 and pen.style.shine > 0.6:
                bright = polygon(_flat(points[[1, 2, -2, -1]]))
                with pen.at(0.0, 0.25, across=0.96, down=0.35):
                    pen.fill(bright, glow(base, 0.35), 0.25 * pen.style.shine)

    def _draw_curls(self, pen: Pen, locks: Any, base: Colour, edge: Colour) -> None:
        for _, _, points in locks:
            for (x, y), radius in zip(points[1:-1:2, :2], (0.2, 0.24, 0.22, 0.24, 0.2), strict=False):
                pen.shape(skia.Path.Circle(x, y, radius), base, 0.8, line=edge)
                self._counts(np.array([(x - radius, y - radius), (x + radius, y + radius)]))
        for _, path, _ in locks:
            pen.fill(path, base)

    def _draw_tails(self, pen: Pen, *, near: bool) -> None:
        """Tails, ears and horns of the far or of the near side."""
        person = self.person
        for row in (*person.tails, *person.sprouts):
            tone = {"skin": person.skin, "worn": person.worn}.get(row.get("tone", "hair"), person.hair)
            for side in (-1.0, 1.0) if row.get("both") else (1.0,):
                spine = self._turned([(side * x, y, z) for x, y, z in row["spine"]])
                if (float(spine[0, 2]) > -0.05) == near:
                    self._draw_growth(pen, spine, row, tone)
                    if row.get("head") or "tone" in row:
                        self._counts(spine, whole=True)

    def _draw_growth(self, pen: Pen, spine: Array, row: Row, tone: Colour) -> None:
        root, tip = row["width"]
        points = _flat(spine)
        kind = row.get("kind", "tail")
        if kind == "bun":
            pen.shape(skia.Path.Circle(*points[0], root), tone)
        elif kind == "braid":
            for step in np.linspace(0, 1, 9):
                at = [
                    float(np.interp(step * (len(points) - 1), range(len(points)), axis))
                    for axis in zip(*points, strict=True)
                ]
                pen.shape(skia.Path.Circle(*at, root + (tip - root) * step), tone, 0.8)
        else:
            widths = np.interp(
                np.linspace(0, 1, len(points)), (0, 0.6, 1), (root, max(tip, root * 0.8), 0.03)
            )
            pen.shape(limb(points, widths.tolist()), tone)

    def _draw_brim(self, pen: Pen, hat: Row) -> None:
        radius, y, degrees = hat["brim"]
        brim = self._turned(_ring(radius, y, degrees))
        pen.shape(_hull(brim), mix(self.person.worn, pen.shadow(self.person.worn), 0.4))
        self._counts(brim, whole=True)

    def _draw_hat(self, pen: Pen, hat: Row) -> None:
        worn = self.person.worn
        if "brim" in hat and hat["brim"][2] == 180 and self.view.pitch >= 0:
            self._draw_brim(pen, hat)
        solid = []
        if "dome" in hat:
            size, edge, slope = hat["dome"]
            skull = _skull(size * max(1.0, (self.person.cut.full if self.person.cut else 1.0) * 0.95))
            solid.append(skull[skull[:, 1] + slope * skull[:, 2] < edge])
        solid += [_ring(radius, y) for y, radius in hat.get("rings", ())]
        if "apex" in hat:
            solid.append(np.array([hat["apex"]]))
        if solid:
            points = self._turned(np.concatenate(solid))
            path = _hull(points)
            pen.shape(path, worn)
            with pen.inside(path):
                pen.fill(
                    skia.Op(path, shifted(path, -0.15, -0.05), skia.PathOp.kDifference_PathOp),
                    pen.shadow(worn),
                    0.8,
                )
            self._counts(points, whole=True)
        if "brim" in hat and hat["brim"][2] < 180 and self._turn[2, 2] >= 0:
            self._draw_brim(pen, hat)
        if "band" in hat:
            radius, low, high = hat["band"]
            rings = (self._turned(_ring(radius, y)) for y in (low, high))
            near = [ring[ring[:, 2] > -0.12] for ring in rings]
            if all(map(len, near)):
                order = [part[np.argsort(part[:, 0])] for part in near]
                strip = np.concatenate([order[0], order[1][::-1]])
                pen.shape(polygon(_flat(strip)), shade(mix(worn, self.person.iris, 0.7), 0.6), 0.8)
                self._counts(strip, whole=True)


def _face_points(person: Somebody) -> Array:
    """Points whose hull is the face: the skull, and the jaw below it."""
    half = np.array(_JAW)
    half[1:5, 0] *= 0.72 + 0.4 * person.jaw
    half[:, 1] *= np.where(half[:, 1] > 0.5, person.chin, 1.0)
    both = np.concatenate([half, half * (-1, 1, 1)]) * (person.wide, 1, 1)
    skull = _skull() * (person.wide, 1, 1)
    return np.concatenate([skull[skull[:, 1] < 0.55], both, [[0.0, 1.02 * person.chin, 0.62]]])


def _locks(cut: Cut, number: int) -> tuple[Array, Array]:
    """The locks of a haircut, each down a meridian of the skull.

    Returns:
        float [N, 8, 3] from the crown down one side to the tip and up the other; float [N] y of the tips.
    """
    rng = np.random.default_rng(number)
    apart = 360 / cut.locks
    angle = apart * (np.arange(cut.locks) + rng.uniform(-0.2, 0.2, cut.locks)) - 180  # 0: in front
    if cut.bare:
        angle = angle[np.abs(angle) >= 70]
    count, fringe = len(angle), np.abs(angle) < 62
    front, side, back = cut.ends
    end = np.interp(np.abs(angle), (0, 38, 62, 105, 145, 180), (front, front, side, side, back, back))
    end += rng.uniform(-1, 1, count) * cut.rough * (1 + np.maximum(0.0, end))
    # The fringe leaves the skull at the hairline, and lies on the forehead.
    low = np.where(fringe, np.minimum(-0.35, end), np.minimum(end, 0.05))
    heights = cut.root + (low - cut.root)[:, None] * np.array([1, 2, 3]) / 3  # [N, 3]
    level = np.minimum(1.0, np.abs((heights - MIDDLE[1]) / (SKULL[1] * cut.full)))
    wide = np.where(heights < MIDDLE[1], np.sqrt(1 - level * level), 1.0) * cut.full

    def at(degrees: Array, out: Array, y: Array) -> Array:
        turn = np.radians(degrees)
        return np.stack([out * SKULL[0] * np.sin(turn), y, out * SKULL[2] * np.cos(turn) + MIDDLE[2]], -1)

    sides = [at((angle + way * apart * 0.66)[:, None], wide, heights * cut.full) for way in (-1, 1)]
    fall = np.where(fringe, (angle - cut.parting) / 60 * cut.sweep, rng.uniform(-0.4, 0.4, count) * apart)
    out = cut.full * (1.0 + 0.04 * np.maximum(0.0, end)) + cut.spike
    out = np.where(fringe & (end > -0.4), np.maximum(out - cut.spike, 1.02), out)
    up = -cut.spike * 0.7 * (~fringe | (end < -0.3))
    tip = at(angle + fall, out, end + up)
    crown = np.broadcast_to((0.0, cut.root * cut.full, MIDDLE[2]), (count, 3))
    if cut.root > -0.9:
        crown = sides[0][:, 0]
    return np.concatenate([crown[:, None], sides[0], tip[:, None], sides[1][:, ::-1]], 1), end
