"""Places under the open sky: meadow, cherry trees, sea, forest, snow; and the clouds and hills of others."""

import random
from collections.abc import Iterator, Sequence

import skia

from datasets.drawn.colours import WHITE, Colour, Palette, colour, colours, mix, shade
from datasets.drawn.curves import Point, box, curve, oval, polygon, smooth
from datasets.drawn.pen import Easel

Cluster = tuple[float, float, float]  # (x, y, radius)


def spots(easel: Easel, source: random.Random, n: int, high: float = 0, low: float = 1) -> Iterator[Point]:
    """Yields n points anywhere between two fractions of the height."""
    for _ in range(n):
        yield easel.width * source.random(), easel.height * source.uniform(high, low)


def cloud(easel: Easel, source: random.Random, at: Point, size: float, light: Colour, dark: Colour) -> None:
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


def hills(easel: Easel, source: random.Random, y: float, swell: float, base: Colour) -> None:
    """Draws ground with a wavy edge at ``y``; both numbers are fractions of the height."""
    width, y, swell = easel.width, easel.height * y, easel.height * swell
    waves = [(width * index / 6, y + source.uniform(-swell, swell)) for index in range(7)]
    easel.fill(_ground(easel, [(-20.0, y), *waves, (width + 20.0, y)]), base)


def foliage(
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


def sky(easel: Easel, source: random.Random, palette: Palette) -> None:
    easel.wash([(0.0, palette.sky), (0.75, palette.horizon), (1.0, palette.horizon)])
    white = mix(palette.horizon, WHITE, 0.85)
    for at in spots(easel, source, source.randint(2, 4), 0.08, 0.5):
        size = easel.width * source.uniform(0.10, 0.24)
        cloud(easel, source, at, size, white, mix(white, palette.sky, 0.30))
    for y, swell, fade in ((0.74, 0.05, 0.55), (0.82, 0.03, 0.2), (0.90, 0.02, 0.0)):
        hills(easel, source, y, swell, mix(palette.leaf, palette.horizon, fade))
    for x, y in spots(easel, source, 40, 0.90, 1.0):
        easel.trace(curve([(x, y), (x + 2, y - easel.height * 0.02)]), shade(palette.leaf, 0.6), 1.5)


def cherry_trees(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height = easel.width, easel.height
    rose, bark, *pinks = colours("ffe9f2 5b4148 f7b7cf fbd0e0 ffe3ee f39cbd")
    easel.wash([(0.0, mix(palette.sky, WHITE, 0.35)), (0.8, mix(palette.horizon, rose, 0.6)), (1.0, rose)])
    hills(easel, source, 0.84, 0.02, mix(palette.leaf, WHITE, 0.15))
    side = source.choice((-1, 1))
    edge, across = width * (0.0 if side > 0 else 1.0), side * width
    trunk = [(edge - side * 30, height * 0.95), (edge + across * 0.10, height * 0.95)]
    trunk += [(edge + across * 0.055, height * 0.55), (edge + across * 0.10, height * 0.2)]
    easel.fill(smooth([*trunk, (edge - side * 30, height * 0.1)]), bark)
    for _ in range(3):
        y = height * source.uniform(0.10, 0.35)
        branch = [(edge + across * 0.05, height * 0.45), (edge + across * 0.25, y + height * 0.06)]
        branch.append((edge + across * source.uniform(0.5, 0.8), y))
        easel.trace(curve(branch), bark, width * 0.012)
    clusters = []
    for _ in range(34):
        away = source.random() ** 1.3
        y = height * (source.uniform(-0.02, 0.24) + 0.10 * (1 - away))
        clusters.append((edge + across * (away * 0.85 - 0.03), y, width * source.uniform(0.035, 0.075)))
    foliage(easel, source, clusters, pinks[3], pinks[2])
    for x, y in spots(easel, source, 40):
        size = width * source.uniform(0.006, 0.013)
        with easel.at(x, y, source.uniform(0, 180)):
            easel.fill(oval(0, 0, size, size * 0.55), source.choice(pinks))


def sea(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height = easel.width, easel.height
    horizon = height * source.uniform(0.45, 0.58)
    easel.wash([(0.0, palette.sky), (1.0, palette.horizon)], bottom=horizon)
    white = mix(palette.horizon, WHITE, 0.85)
    for _ in range(source.randint(1, 3)):
        at = width * source.random(), horizon * source.uniform(0.25, 0.85)
        size = width * source.uniform(0.10, 0.22)
        cloud(easel, source, at, size, white, mix(white, palette.sky, 0.28))
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


def forest(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height, low = easel.width, easel.height, easel.height * 0.89
    light = mix(palette.leaf, colour("f4ffd0"), 0.65)
    easel.wash([(0.0, mix(palette.leaf, light, 0.5)), (0.6, light), (1.0, mix(palette.leaf, light, 0.3))])
    for depth in range(3):
        tone = 0.70 - 0.30 * depth
        trunk = mix(mix(palette.wood, colour("3b3a30"), 0.5), light, tone)
        for _ in range(4):
            x, wide = width * source.random(), width * (0.015 + 0.018 * depth) * source.uniform(0.8, 1.3)
            stem = [(x - wide * 1.5, low), (x - wide, low * 0.9), (x - wide * 0.7, 0), (x + wide * 0.7, 0)]
            easel.fill(polygon([*stem, (x + wide, low * 0.9), (x + wide * 1.5, low)]), trunk)
            bark = [(x + wide * 0.2, 0), (x + wide * 0.7, 0), (x + wide * 1.5, low), (x + wide * 0.4, low)]
            easel.fill(polygon(bark), shade(trunk, 0.5), 0.5)
        leaf = mix(shade(palette.leaf, 0.4 * depth), light, tone * 0.8)
        clusters = []
        for x, y in spots(easel, source, 13, -0.05, 0.14 - 0.03 * depth):
            clusters.append((x, y, width * source.uniform(0.06, 0.10)))
        foliage(easel, source, clusters, leaf, mix(leaf, light, 0.5))
    hills(easel, source, 0.86, 0.02, shade(palette.leaf, 0.35))
    for _ in range(3):
        x = width * source.uniform(0.0, 0.9)
        beam = [(x, 0), (x + width * 0.10, 0), (x - width * 0.12, height), (x - width * 0.32, height)]
        easel.fill(polygon(beam), colour("fffbd8"), 0.16)


def snow(easel: Easel, source: random.Random, palette: Palette) -> None:
    width, height, haze = easel.width, easel.height, colour("dfe9f4")
    easel.wash([(0.0, mix(palette.sky, colour("8296b8"), 0.6)), (0.8, haze), (1.0, haze)])
    for depth in (0, 1):
        for _ in range(7):
            x, size = width * source.random(), width * source.uniform(0.05, 0.10) * (0.7 + 0.5 * depth)
            y, tree = height * (0.78 + 0.05 * depth), mix(colour("3f6a66"), haze, 0.5 - 0.35 * depth)
            for tier in range(3):
                peak, half = y - size * (3.0 - 0.8 * tier), size * (0.55 + 0.22 * tier)
                low = peak + size * 1.3
                easel.fill(polygon([(x, peak), (x + half, low), (x - half, low)]), tree)
                left, right = (x - half * 0.5, peak + size * 0.6), (x + half * 0.5, peak + size * 0.55)
                easel.fill(polygon([(x, peak), right, (x, peak + size * 0.45), left]), WHITE, 0.9)
    hills(easel, source, 0.82, 0.02, colour("f4f8fc"))
    hills(easel, source, 0.91, 0.02, WHITE)
    for x, y in spots(easel, source, 90):
        easel.disc(x, y, source.uniform(1.0, 3.4), WHITE, source.uniform(0.5, 0.95))
