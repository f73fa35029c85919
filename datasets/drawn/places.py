"""Where a scene plays: landscapes, rooms, streets, and the painted nothing of manga panels.

A place is a function ``(easel, source, palette)`` that covers the whole canvas; ``source`` is the picture's
own random source.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import skia

from datasets.drawn.colours import WHITE, Colour, Palette, argb, colour, colours, mix, shade
from datasets.drawn.curves import Point, box, curve, oval, polygon, star
from datasets.drawn.pen import Easel
from datasets.drawn.strokes import play, table

NO_GROUND = ("dots", "speed lines")  # places where nobody need stand on anything
NIGHT_PLACES = ("night street", "festival")

Cluster = tuple[float, float, float]  # (x, y, radius)


def put(easel: Easel, paints: Mapping[str, Colour], thing: str, **sizes: float) -> None:
    """Draws something of places.toml; sizes are in pixels, paints those of a palette and others."""
    canvas = {"width": easel.width, "height": easel.height}
    play(easel, table("places")[thing], paints, sizes=canvas | sizes)


def _spots(easel: Easel, source: random.Random, n: int, high: float = 0, low: float = 1) -> Iterator[Point]:
    """Yields n points anywhere between two fractions of the height."""
    for _ in range(n):
        yield easel.width * source.random(), easel.height * source.uniform(high, low)


def _cloud(easel: Easel, source: random.Random, at: Point, size: float, light: Colour, dark: Colour) -> None:
    """Draws a cloud of half-width ``size``, in pixels."""
    (x, y), chance = at, source.uniform
    puffs = [
        (x + size * chance(-1.0, 1.0), y + size * chance(-0.16, 0.02), size * chance(0.20, 0.42))
        for _ in range(7)
    ]
    for base, drop in ((dark, 0.07), (light, 0.0)):
        top, low = y - size * 0.10 + size * drop, y + size * 0.16 + size * drop
        easel.fill(box(x - size * 1.25, top, x + size * 1.25, low, size * 0.13), base)
        for px, py, radius in puffs:
            easel.fill(oval(px, py + size * drop * 1.2, radius * 1.15, radius * 0.85), base)


def _ground(easel: Easel, points: Sequence[Point]) -> skia.Path:
    """Returns everything below a line of hills."""
    path = curve(points)
    path.lineTo(easel.width + 20, easel.height + 20)
    path.lineTo(-20, easel.height + 20)
    path.close()
    return path


def _hills(easel: Easel, source: random.Random, y: float, swell: float, base: Colour) -> None:
    """Draws ground with a wavy edge at ``y``; both numbers are fractions of the height."""
    width, y, swell = easel.width, easel.height * y, easel.height * swell
    waves = [(width * index / 6, y + source.uniform(-swell, swell)) for index in range(7)]
    easel.fill(_ground(easel, [(-20.0, y), *waves, (width + 20.0, y)]), base)


def _foliage(
    easel: Easel, source: random.Random, clusters: list[Cluster], dark: Colour, light: Colour
) -> None:
    """Draws clusters of leaves or blossoms, in three tones that get lighter upwards."""
    for tone, size, lift in ((0.0, 1.0, 0.0), (0.5, 0.80, 0.16), (1.0, 0.46, 0.34)):
        for x, y, radius in clusters:
            for _ in range(3):
                dx, dy = source.uniform(-0.45, 0.45) * radius, source.uniform(-0.30, 0.30) * radius
                reach = radius * size * source.uniform(0.55, 0.8)
                blob = oval(x + dx - radius * lift * 0.4, y + dy - radius * lift, reach, reach * 0.85)
                easel.fill(blob, mix(dark, light, tone))


def _sky(easel: Easel, source: random.Random, palette: Palette) -> None:
    easel.wash([(0.0, palette.sky), (0.75, palette.horizon), (1.0, palette.horizon)])
    white = mix(palette.horizon, WHITE, 0.85)
    for at in _spots(easel, source, source.randint(2, 4), 0.08, 0.5):
        size = easel.width * source.uniform(0.10, 0.24)
        _cloud(easel, source, at, size, white, mix(white, palette.sky, 0.30))
    for y, swell, fade in ((0.74, 0.05, 0.55), (0.82, 0.03, 0.2), (0.90, 0.02, 0.0)):
        _hills(easel, source, y, swell, mix(palette.leaf, palette.horizon, fade))
    for x, y in _spots(easel, source, 40, 0.90, 1.0):
        easel.trace(curve([(x, y), (x + 2, y - easel.height * 0.02)]), shade(palette.leaf, 0.6), 1.5)


def _cherry_trees(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height = easel.width, easel.height
    rose, *pinks = colours("ffe9f2 f7b7cf fbd0e0 ffe3ee f39cbd")
    easel.wash([(0.0, mix(palette.sky, WHITE, 0.35)), (0.8, mix(palette.horizon, rose, 0.6)), (1.0, rose)])
    _hills(easel, source, 0.84, 0.02, mix(palette.leaf, WHITE, 0.15))
    side = source.choice((-1, 1))
    edge, across = width * (0.0 if side > 0 else 1.0), side * width
    put(easel, {}, "cherry trunk", edge=edge, across=across, side=side)
    for _ in range(3):
        y, tip = height * source.uniform(0.10, 0.35), edge + across * source.uniform(0.5, 0.8)
        put(easel, {}, "cherry branch", edge=edge, across=across, tip=tip, y=y)
    clusters = []
    for _ in range(34):
        away = source.random() ** 1.3
        y = height * (source.uniform(-0.02, 0.24) + 0.10 * (1 - away))
        clusters.append((edge + across * (away * 0.85 - 0.03), y, width * source.uniform(0.035, 0.075)))
    _foliage(easel, source, clusters, pinks[3], pinks[2])
    for x, y in _spots(easel, source, 40):
        size = width * source.uniform(0.006, 0.013)
        with easel.at(x, y, source.uniform(0, 180)):
            easel.fill(oval(0, 0, size, size * 0.55), source.choice(pinks))


def _sea(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height = easel.width, easel.height
    horizon = height * source.uniform(0.45, 0.58)
    easel.wash([(0.0, palette.sky), (1.0, palette.horizon)], bottom=horizon)
    white = mix(palette.horizon, WHITE, 0.85)
    for _ in range(source.randint(1, 3)):
        at = width * source.random(), horizon * source.uniform(0.25, 0.85)
        size = width * source.uniform(0.10, 0.22)
        _cloud(easel, source, at, size, white, mix(white, palette.sky, 0.28))
    deep = mix(palette.sky, colour("1c6fb0"), 0.55)
    near = mix(deep, colour("6fd8d8"), 0.65)
    easel.wash([(0.0, mix(deep, palette.horizon, 0.2)), (1.0, near)], top=horizon)
    for _ in range(28):
        y = horizon + (height - horizon) * source.random() ** 1.4
        length = width * 0.02 * (1 + 5 * (y - horizon) / (height - horizon))
        easel.fill(oval(width * source.random(), y, length, 1.2), WHITE, 0.55)
    beach = [(-20.0, height * 0.90), (width * 0.3, height * source.uniform(0.84, 0.9))]
    beach += [(width * 0.65, height * 0.90), (width + 20.0, height * source.uniform(0.84, 0.92))]
    for lift, base, alpha in ((0.025, WHITE, 0.5), (0.008, WHITE, 0.9), (0.0, colour("f3deb0"), 1.0)):
        easel.fill(_ground(easel, [(x, y - height * lift) for x, y in beach]), base, alpha)


def _forest(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, low = easel.width, easel.height * 0.89
    light = mix(palette.leaf, colour("f4ffd0"), 0.65)
    easel.wash([(0.0, mix(palette.leaf, light, 0.5)), (0.6, light), (1.0, mix(palette.leaf, light, 0.3))])
    for depth in range(3):
        tone = 0.70 - 0.30 * depth
        trunk = mix(mix(palette.wood, colour("3b3a30"), 0.5), light, tone)
        for _ in range(4):
            x, wide = width * source.random(), width * (0.015 + 0.018 * depth) * source.uniform(0.8, 1.3)
            put(easel, {"bark": trunk}, "trunk", x=x, wide=wide, low=low)
        leaf = mix(shade(palette.leaf, 0.4 * depth), light, tone * 0.8)
        clusters = []
        for x, y in _spots(easel, source, 13, -0.05, 0.14 - 0.03 * depth):
            clusters.append((x, y, width * source.uniform(0.06, 0.10)))
        _foliage(easel, source, clusters, leaf, mix(leaf, light, 0.5))
    _hills(easel, source, 0.86, 0.02, shade(palette.leaf, 0.35))
    for _ in range(3):
        put(easel, {}, "beam of light", x=width * source.uniform(0.0, 0.9))


def _snow(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height, haze = easel.width, easel.height, colour("dfe9f4")
    easel.wash([(0.0, mix(palette.sky, colour("8296b8"), 0.6)), (0.8, haze), (1.0, haze)])
    for depth in (0, 1):
        for _ in range(7):
            x, size = width * source.random(), width * source.uniform(0.05, 0.10) * (0.7 + 0.5 * depth)
            y, tree = height * (0.78 + 0.05 * depth), mix(colour("3f6a66"), haze, 0.5 - 0.35 * depth)
            for tier in range(3):
                peak, half = y - size * (3.0 - 0.8 * tier), size * (0.55 + 0.22 * tier)
                put(easel, {"tree": tree}, "snowy branch", x=x, peak=peak, half=half, size=size)
    _hills(easel, source, 0.82, 0.02, colour("f4f8fc"))
    _hills(easel, source, 0.91, 0.02, WHITE)
    for x, y in _spots(easel, source, 90):
        easel.disc(x, y, source.uniform(1.0, 3.4), WHITE, source.uniform(0.5, 0.95))


@contextmanager
def _pane(easel: Easel, palette: Palette, pane: skia.Rect) -> Iterator[None]:
    """Draws what is seen through a window, from the sky on."""
    with skia.AutoCanvasRestore(easel.canvas):
        easel.canvas.clipRect(pane)
        easel.wash([(0.0, palette.sky), (1.0, palette.horizon)], pane.top(), pane.bottom())
        yield


def _classroom(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height = easel.width, easel.height
    put(easel, vars(palette), "classroom")
    for index in range(7):
        x = width * (index - 0.5) / 6
        put(easel, vars(palette), "gap of the floor", x=x, near=x + (x - width / 2) * 0.4)
    (_blackboard if source.random() < 0.5 else _windows)(easel, source, palette)
    for _ in range(source.randint(0, 3)):  # desks at the back
        x, y = width * source.uniform(0.0, 0.9), height * source.uniform(0.78, 0.90)
        put(easel, vars(palette), "school desk", x=x, y=y, right=x + width * 0.16)


def _blackboard(easel: Easel, source: random.Random, palette: Palette) -> None:
    height, left, right = easel.height, easel.width * 0.12, easel.width * 0.88
    put(easel, vars(palette), "blackboard", left=left, right=right)
    for _ in range(5):
        x, y = source.uniform(left, right - 60), source.uniform(height * 0.2, height * 0.52)
        points = [(x + 9 * step, y + source.uniform(-5, 5)) for step in range(source.randint(3, 8))]
        easel.trace(curve(points), WHITE, 1.8, 0.65)
    put(easel, vars(palette), "ledge", left=left, right=right)


def _windows(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height, count = easel.width, easel.height, source.randint(2, 3)
    for index in range(count):
        left, right = width * (index + 0.07) / count, width * (index + 0.93) / count
        with _pane(easel, palette, skia.Rect.MakeLTRB(left, height * 0.10, right, height * 0.62)):
            at = source.uniform(left, right), height * source.uniform(0.2, 0.4)
            _cloud(easel, source, at, width * 0.11, WHITE, mix(WHITE, palette.sky, 0.25))
            _hills(easel, source, 0.58, 0.02, palette.leaf)
        put(easel, vars(palette), "window", left=left, right=right, middle=(left + right) / 2)
    put(easel, vars(palette), "curtains")


def _room(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height = easel.width, easel.height
    paints = vars(palette) | {"paper": mix(palette.wall, palette.other, 0.18)}
    put(easel, paints, "room")
    left = width * source.uniform(0.05, 0.45)
    right = left + width * 0.34
    middle, top, low = (left + right) / 2, height * 0.12, height * 0.52
    easel.rect(left - 7, top - 7, right + 7, low + 7, WHITE)
    with _pane(easel, palette, skia.Rect.MakeLTRB(left, top, right, low)):
        _cloud(easel, source, (middle, height * 0.3), width * 0.09, WHITE, mix(WHITE, palette.sky, 0.3))
    easel.rect(middle - 3, top, middle + 3, low, WHITE)
    for edge, side in ((left, -1), (right, 1)):
        outer, wide = edge - side * width * 0.03, side * width
        start, end = sorted((outer, edge + wide * 0.018))
        put(easel, paints, "curtain", edge=edge, outer=outer, wide=wide, start=start, end=end)
    put(easel, paints, "rail", left=left, right=right)
    _bookshelf(easel, source, palette, width * (0.62 if left < width * 0.25 else 0.02))


def _bookshelf(easel: Easel, source: random.Random, palette: Palette, shelf: float) -> None:
    width, height, wood = easel.width, easel.height, shade(palette.wood, 0.5)
    easel.rect(shelf, height * 0.20, shelf + width * 0.30, height * 0.82, wood)
    for row in range(3):
        top, low = height * (0.22 + 0.20 * row), height * (0.395 + 0.20 * row)
        easel.rect(shelf + 5, top, shelf + width * 0.30 - 5, low, shade(wood, 0.9))
        x = shelf + 8
        while x < shelf + width * 0.28 - 14:
            thick = width * source.uniform(0.014, 0.028)
            book = source.choice((palette.accent, palette.other, palette.leaf, palette.sky, WHITE))
            upper = top + (low - top) * source.uniform(0.1, 0.35)
            easel.rect(x, upper, x + thick, low, mix(book, wood, 0.25))
            x += thick + 1.5


def _night_street(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height, chance, ground = easel.width, easel.height, source.uniform, easel.height * 0.84
    dusk, blue = colours("3a3568 2a2c55")
    haze, wall = mix(dusk, palette.accent, 0.25), mix(blue, palette.other, 0.12)
    easel.wash([(0.0, colour("141a3c")), (0.8, haze), (1.0, haze)])
    for x, y in _spots(easel, source, 45, 0.0, 0.55):
        easel.disc(x, y, chance(0.6, 1.6), WHITE, chance(0.4, 0.95))
    if source.random() < 0.7:
        x, y = width * chance(0.1, 0.9), height * chance(0.1, 0.25)
        put(easel, {}, "moon", x=x, y=y)
    for depth, tone in ((0, 0.25), (1, 0.0)):
        x = -width * 0.05
        while x < width:
            wide = width * chance(0.10, 0.22)
            tall = height * chance(0.25, 0.62) * (1 - 0.25 * (1 - depth))
            base = mix(wall, haze, tone + 0.1 * source.random())
            easel.rect(x, ground - tall, x + wide, ground, base)
            if depth:
                _lit_windows(easel, source, (x, ground - tall, wide, tall), base, palette.accent)
            x += wide * chance(0.95, 1.25)
    easel.wash([(0.0, colour("2c2c48")), (1.0, colour("191a30"))], top=ground)
    put(easel, {}, "street lamp", x=width * chance(0.05, 0.95), ground=ground)


def _lit_windows(
    easel: Easel, source: random.Random, house: tuple[float, float, float, float], wall: Colour, tint: Colour
) -> None:
    """Draws the windows of a house given by (left, top, width, height)."""
    left, top, wide, tall = house
    lit = mix(colour("ffd98a"), tint, 0.15)
    columns, rows = max(2, int(wide / 18)), max(2, int(tall / 24))
    for column in range(columns):
        for row in range(rows):
            base = lit if source.random() < 0.42 else shade(wall, 0.6)
            x, y = left + wide * (column + 0.25) / columns, top + tall * (row + 0.25) / rows
            easel.rect(x, y, x + wide * 0.5 / columns, y + tall * 0.45 / rows, base, 0.95)


def _festival(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height = easel.width, easel.height
    dusk = mix(colour("6a2f68"), palette.accent, 0.2)
    easel.wash([(0.0, colour("1d1a44")), (0.7, dusk), (1.0, colour("3a2040"))])
    if source.random() < 0.7:
        _fireworks(easel, source)
    for row in (0, 1):
        y, sag = height * (0.16 + 0.20 * row), height * 0.06
        easel.trace(curve([(-10, y), (width * 0.5, y + sag), (width + 10, y)]), colour("20162c"), 2)
        for index in range(6):  # lanterns
            x, size = width * (index + 0.5) / 6, width * 0.032
            hang = y + sag * (1 - (2 * x / width - 1) ** 2) + height * 0.045
            base = source.choice((*colours("ff6b4a ff8f3a"), palette.accent))
            put(easel, {"base": base}, "lantern", x=x, y=hang, size=size)
    for index in range(3):  # stalls
        left, right = width * (index / 3 + 0.015), width * ((index + 1) / 3 - 0.015)
        put(easel, vars(palette), "stall", left=left, right=right)
        for stripe in range(6):
            start, end = (left + (right - left) * (stripe + step) / 6 for step in (0, 1))
            base = WHITE if stripe % 2 else source.choice((palette.accent, palette.other))
            easel.rect(start, height * 0.58, end, height * 0.67, base)
    put(easel, {}, "trodden ground")


def _fireworks(easel: Easel, source: random.Random) -> None:
    for x, y in _spots(easel, source, 2, 0.1, 0.35):
        radius = easel.width * source.uniform(0.10, 0.18)
        spark = source.choice(colours("ffd86b ff8fb8 8fe0ff b8ff9a"))
        easel.shine(x, y, radius * 1.2, spark, 0.30)
        for index in range(20):
            angle = 2 * math.pi * index / 20
            across, down = math.cos(angle) * radius, math.sin(angle) * radius
            ray = [(x + across * 0.35, y + down * 0.35), (x + across, y + down + 3)]
            easel.trace(curve(ray), spark, 2.0, 0.9)


def _sunset_roof(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height = easel.width, easel.height
    glowing, low = colours("f2a27a ffd59a")
    easel.wash([(0.0, mix(colour("5a5fa8"), palette.sky, 0.3)), (0.45, glowing), (0.7, low), (1.0, low)])
    x, y = width * source.uniform(0.2, 0.8), height * 0.58
    put(easel, {}, "sun", x=x, y=y)
    for at in _spots(easel, source, 3, 0.1, 0.42):
        size = width * source.uniform(0.08, 0.2)
        _cloud(easel, source, at, size, colour("f7bfa4"), colour("c887a0"))
    ground, left = height * 0.80, -10.0
    while left < width:
        wide, tall = width * source.uniform(0.06, 0.14), height * source.uniform(0.06, 0.24)
        house = mix(colour("8a6288"), glowing, source.uniform(0.1, 0.4))
        easel.rect(left, ground - tall, left + wide, ground, house)
        left += wide
    put(easel, vars(palette), "roof")
    for index in range(15):
        put(easel, {}, "post of the fence", x=width * index / 14, ground=ground)
    put(easel, {}, "rails of the fence")


def _dots(easel: Easel, source: random.Random, palette: Palette) -> None:
    ends = [argb(mix(palette.accent, WHITE, 0.45)), argb(mix(palette.other, WHITE, 0.55))]
    corners = [skia.Point(0, 0), skia.Point(easel.width, easel.height)]
    easel.canvas.drawPaint(skia.Paint(Shader=skia.GradientShader.MakeLinear(corners, ends)))
    step, kind = easel.width / source.choice((8, 10, 14)), source.choice(("dots", "stars", "checks"))
    for row in range(int(easel.height / step) + 2):
        for column in range(int(easel.width / step) + 2):
            x, y = (column + 0.5 * (row % 2)) * step, row * step
            if kind == "dots":
                easel.disc(x, y, step * 0.20, WHITE, 0.5)
            elif kind == "checks" and (row + column) % 2:
                easel.rect(column * step, row * step, (column + 1) * step, (row + 1) * step, WHITE, 0.25)
            elif kind == "stars" and (row + column) % 2:
                easel.fill(star(x, y, step * 0.34, points=4, waist=0.3), WHITE, 0.7)


def _speed_lines(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height, dark = easel.width, easel.height, colour("2a2a36")
    coloured = mix(palette.accent, WHITE, 0.2), mix(palette.other, WHITE, 0.1), mix(palette.sky, WHITE, 0.3)
    base = source.choice((*coloured, WHITE))
    ink = dark if base == WHITE else source.choice((WHITE, shade(base, 1.2), dark))
    easel.canvas.drawColor(argb(base))
    x, y = width * source.uniform(0.35, 0.65), height * source.uniform(0.3, 0.6)
    easel.shine(x, y, width * 0.6, WHITE, 0.9)
    far = width + height
    for _ in range(70):
        angle, spread = source.uniform(0, 2 * math.pi), source.uniform(0.004, 0.02)
        corners = ((angle, width * source.uniform(0.32, 0.55)), (angle - spread, far), (angle + spread, far))
        wedge = polygon([(x + math.cos(turn) * reach, y + math.sin(turn) * reach) for turn, reach in corners])
        easel.fill(wedge, ink, 0.8)


PLACES: dict[str, Callable[[Easel, random.Random, Palette], None]] = {
    "sky": _sky, "cherry": _cherry_trees, "sea": _sea, "forest": _forest, "snow": _snow,
    "classroom": _classroom, "room": _room,
    "night street": _night_street, "festival": _festival, "sunset roof": _sunset_roof,
    "dots": _dots, "speed lines": _speed_lines,
}  # fmt: skip
