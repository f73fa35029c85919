"""Who is in a picture, who stands where, and how much of each head can be seen: what the labels say."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import skia

from datasets.drawn.cast import Person, Pose, cast, make_stranger
from datasets.drawn.face import expressions
from datasets.drawn.figure import FEET, bounds, head_outlines, other_outlines
from datasets.drawn.pen import Style
from datasets.drawn.strokes import table
from datasets.voc import VocObject, touches_border

SMALLEST_HEAD, LARGEST_HEAD = 0.08, 0.80  # height of a head, as a fraction of the picture's
FAR = 0.20  # people whose heads are smaller than this are seen from head to foot
STEEPEST = 20.0  # tilt of a head, in degrees
NEARLY_HIDDEN = 0.20  # a named head of which less can be seen is not placed: nobody would label it
HARD_TO_SEE = 0.45  # below this share a head is labelled difficult
RASTER = 0.35  # resolution at which visibility is measured, relative to the picture
WHOLE = 48  # pixels along the longer side of the raster on which the area of a whole head is measured
OTHER = 255  # grey level of everything that is not a head

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Placed:
    """Somebody in a pose, and the box of their head in pixels: (left, top, right, bottom), not clipped."""

    person: Person
    pose: Pose
    box: Box


@dataclass(frozen=True)
class HeadLabel:
    """A labelled head."""

    name: str  # the character
    box: Box  # (left, top, right, bottom) in pixels, clipped to the picture
    visible: float  # share of the head's area that can be seen, 0 to 1


def sample_people(source: random.Random) -> list[Person]:
    """Returns nobody (8 %), strangers (4 %), or one to four of the cast, perhaps with a stranger."""
    kind = source.random()
    if kind < 0.08:
        return []
    if kind < 0.12:
        return [make_stranger(source) for _ in range(source.randint(1, 2))]
    people = source.sample(cast(), source.choices((1, 2, 3, 4), (0.40, 0.32, 0.17, 0.11))[0])
    if source.random() < 0.18:
        people.insert(source.randint(0, len(people)), make_stranger(source))
    return people


def place_people(
    source: random.Random, people: list[Person], style: Style, width: int, height: int, *, on_ground: bool
) -> tuple[Placed, ...]:
    """Returns everybody in a pose, from back to front, in a picture of ``width`` by ``height`` pixels.

    ``on_ground`` says whether distant people stand on something, or float in a pattern.
    """
    count = len(people)
    if not count:
        return ()
    # log-uniform with a leaning to the large; but a crowd does not fit at full size
    largest = LARGEST_HEAD if count == 1 else min(LARGEST_HEAD, 0.98 * width / height / (0.75 + 0.55 * count))
    typical = SMALLEST_HEAD * (largest / SMALLEST_HEAD) ** (source.random() ** 0.75)
    spread = 1.0
    if count > 1:  # people at a distance stand closer together
        spread = min(1.0, source.uniform(0.7, 2.0) * typical * 1.5 * count * height / width)
    middle = source.uniform(spread / 2, 1 - spread / 2)
    ground = source.uniform(0.86, 1.0) if source.random() < 0.7 else source.uniform(1.0, 1.4)
    slots = list(range(count))
    source.shuffle(slots)
    placed = []
    for person, slot in zip(people, slots, strict=True):
        share = typical * math.exp(source.uniform(-0.22, 0.22) if count > 1 else 0.0)
        share = min(largest, max(SMALLEST_HEAD, share))
        pose = _sample_pose(source)
        left, top, right, bottom = bounds(head_outlines(person, style, pose))
        unit = share * height / (bottom - top)

        jitter = source.gauss(0, 0.16 if count == 1 else 0.03)
        x = width * (middle + spread * ((slot + 0.5) / count - 0.5) + jitter)
        standing = on_ground and share < FAR
        if standing:  # the nearer, the lower in the picture
            y = min(height * (ground + 0.8 * (share - typical)) - FEET * unit, height * 0.85 - unit)
        elif share < FAR:
            y = height * source.uniform(0.15, 0.75)
        else:
            y = height * (source.uniform(0.30, 0.62) if share < 0.55 else source.uniform(0.42, 0.58))
        if source.random() < 0.12:  # cut by the border
            side = source.choice(("left", "right") if standing else ("left", "right", "top", "bottom"))
            slip = source.uniform(-0.05, 0.35) * share * height
            x = {"left": slip, "right": width - slip}.get(side, x)
            y = {"top": slip, "bottom": height - slip}.get(side, y)
        elif source.random() < 0.9:  # the face at least is inside
            x, y = _inside(x, 0.8 * unit, width), _inside(y, 0.8 * unit, height)
        box = (x + left * unit, y + top * unit, x + right * unit, y + bottom * unit)
        placed.append(Placed(person, replace(pose, x=x, y=y, unit=unit), box))
    return tuple(sorted(placed, key=lambda item: item.pose.unit))


def _inside(middle: float, half: float, size: float) -> float:
    return min(max(middle, half), size - half) if size > 2 * half else size / 2


def _sample_pose(source: random.Random) -> Pose:
    """Returns a pose at the origin, one pixel to the head unit."""
    tilt = source.gauss(0, 8) if source.random() < 0.8 else source.uniform(-STEEPEST, STEEPEST)
    return Pose(
        tilt=max(-STEEPEST, min(STEEPEST, tilt)),
        turn=source.uniform(-1, 1),
        nod=source.uniform(-0.6, 0.6),
        flip=source.random() < 0.5,
        lean=source.uniform(-4, 4),
        expression=source.choice(sorted(expressions())),
        arms=source.choice(sorted(table("clothes")["arms"])),
        gaze=(source.uniform(-0.7, 0.7), source.uniform(-0.4, 0.5)),
    )


def measure_heads(
    figures: Sequence[Placed], in_front: Sequence[skia.Path], style: Style, width: int, height: int
) -> tuple[HeadLabel, ...]:
    """Returns every named head with the share of it that can be seen, which may be none.

    ``figures`` are ordered from back to front, and stand behind ``in_front``; sizes are in pixels.
    """
    owners = np.zeros((math.ceil(height * RASTER), math.ceil(width * RASTER), 4), np.uint8)  # [H', W', 4]
    canvas = skia.Surface(owners).getCanvas()
    canvas.scale(RASTER, RASTER)
    heads = [head_outlines(figure.person, style, figure.pose) for figure in figures]
    for owner, (figure, head) in enumerate(zip(figures, heads, strict=True), start=1):
        _cover(canvas, other_outlines(figure.person, style, figure.pose), OTHER)
        _cover(canvas, head, owner)
    _cover(canvas, in_front, OTHER)

    labels = []
    for owner, (figure, head) in enumerate(zip(figures, heads, strict=True), start=1):
        if figure.person.name is None:
            continue
        seen = np.count_nonzero(owners[:, :, 0] == owner) / RASTER**2
        visible = min(1.0, seen / _area(head, figure.box))
        margin = style.line * figure.pose.unit / 2
        left, top, right, bottom = figure.box
        upper = max(0.0, left - margin), max(0.0, top - margin)
        box = (*upper, min(float(width), right + margin), min(float(height), bottom + margin))
        labels.append(HeadLabel(figure.person.name, box, visible))
    return tuple(labels)


def _cover(canvas: skia.Canvas, paths: Sequence[skia.Path], owner: int) -> None:
    paint = skia.Paint(Color=skia.ColorSetARGB(255, owner, owner, owner), AntiAlias=False)
    for path in paths:
        canvas.drawPath(path, paint)


def _area(head: Sequence[skia.Path], box: Box) -> float:
    """Returns the area of a whole head, in pixels of the picture."""
    left, top, right, bottom = box
    scale = WHOLE / max(right - left, bottom - top)
    pixels = np.zeros((WHOLE, WHOLE, 4), np.uint8)
    canvas = skia.Surface(pixels).getCanvas()
    canvas.scale(scale, scale)
    canvas.translate(-left, -top)
    _cover(canvas, head, OTHER)
    return np.count_nonzero(pixels[:, :, 0]) / scale**2


def labelled_heads(
    labels: Sequence[HeadLabel], width: int, height: int, *, across: float = 1.0, down: float = 1.0
) -> list[VocObject]:
    """Pixels counted from 1, both ends included, as LabelImg does; a line at the border is left out.

    The picture is ``width`` by ``height`` pixels: ``across`` and ``down`` times the drawing of the labels.
    """
    objects = []
    for label in labels:
        left, top, right, bottom = label.box
        xmin, ymin = int(left * across) + 1, int(top * down) + 1
        xmax = min(width, max(xmin + 1, round(right * across)))
        ymax = min(height, max(ymin + 1, round(bottom * down)))
        if xmin >= xmax or ymin >= ymax:
            continue
        box = (xmin, ymin, xmax, ymax)
        truncated, difficult = touches_border(box, width, height), label.visible < HARD_TO_SEE
        objects.append(VocObject(label.name, box, truncated=int(truncated), difficult=int(difficult)))
    return objects
