"""Who is in a picture, and who stands where: how large, in which pose, cut by the border or not."""

import math
import random
from dataclasses import dataclass, replace

from datasets.drawn.cast import CAST, Person, make_stranger
from datasets.drawn.clothes import FEET, POSES
from datasets.drawn.face import EXPRESSIONS
from datasets.drawn.figure import Pose, bounds, head_outlines
from datasets.drawn.pen import Style

SMALLEST_HEAD, LARGEST_HEAD = 0.08, 0.80  # height of a head, as a fraction of the picture's
FAR = 0.20  # people whose heads are smaller than this are seen from head to foot
STEEPEST = 20.0  # tilt of a head, in degrees


@dataclass(frozen=True)
class Placed:
    """Somebody in a pose, and the box of their head in pixels: (left, top, right, bottom), not clipped."""

    person: Person
    pose: Pose
    box: tuple[float, float, float, float]


def sample_people(source: random.Random) -> list[Person]:
    """Returns nobody (8 %), strangers (4 %), or one to four of the cast, perhaps with a stranger."""
    kind = source.random()
    if kind < 0.08:
        return []
    if kind < 0.12:
        return [make_stranger(source) for _ in range(source.randint(1, 2))]
    people = source.sample(CAST, source.choices((1, 2, 3, 4), (0.40, 0.32, 0.17, 0.11))[0])
    if source.random() < 0.18:
        people.insert(source.randint(0, len(people)), make_stranger(source))
    return people


def place_people(
    source: random.Random, people: list[Person], style: Style, width: int, height: int, *, on_ground: bool
) -> tuple[Placed, ...]:
    """Returns everybody in a pose at a place, from back to front.

    Args:
        source: of everything that is left to chance.
        people: who is there.
        style: how they are drawn; the width of a line moves the edge of a box.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        on_ground: whether distant people stand on something, or float in a pattern.
    """
    count = len(people)
    if not count:
        return ()
    # log-uniform with a leaning to the large; but a crowd does not fit at full size
    largest = LARGEST_HEAD if count == 1 else min(LARGEST_HEAD, 0.98 * width / height / (0.75 + 0.55 * count))
    typical = SMALLEST_HEAD * (largest / SMALLEST_HEAD) ** (source.random() ** 0.75)
    # people at a distance stand closer together
    spread = (
        1.0 if count == 1 else min(1.0, source.uniform(0.7, 2.0) * typical * 1.5 * count * height / width)
    )
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
        pose = replace(pose, x=x, y=y, unit=unit)
        placed.append(
            Placed(person, pose, (x + left * unit, y + top * unit, x + right * unit, y + bottom * unit))
        )
    return tuple(sorted(placed, key=lambda item: item.pose.unit))


def _inside(middle: float, half: float, size: float) -> float:
    return min(max(middle, half), size - half) if size > 2 * half else size / 2


def _sample_pose(source: random.Random) -> Pose:
    """Returns a pose at the origin, one pixel to the head unit."""
    tilt = source.gauss(0, 8) if source.random() < 0.8 else source.uniform(-STEEPEST, STEEPEST)
    return Pose(
        0.0,
        0.0,
        1.0,
        tilt=max(-STEEPEST, min(STEEPEST, tilt)),
        turn=source.uniform(-1, 1),
        nod=source.uniform(-0.6, 0.6),
        flip=source.random() < 0.5,
        lean=source.uniform(-4, 4),
        expression=source.choice(sorted(EXPRESSIONS)),
        arms=source.choice(sorted(POSES)),
        gaze=(source.uniform(-0.7, 0.7), source.uniform(-0.4, 0.5)),
    )
