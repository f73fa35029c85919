"""Places under the open sky: meadow, cherry trees, sea, forest, snow."""

import random

import skia

from datasets.drawn.brushes import paint, trace, wash
from datasets.drawn.colours import WHITE, Colour, argb, colour, mix, shade
from datasets.drawn.curves import box, oval, polygon, smooth
from datasets.drawn.palette import Palette


def cloud(
    canvas: skia.Canvas, source: random.Random, x: float, y: float, size: float, light: Colour, dark: Colour
) -> None:
    puffs = [
        (
            x + size * source.uniform(-1.0, 1.0),
            y + size * source.uniform(-0.16, 0.02),
            size * source.uniform(0.20, 0.42),
        )
        for _ in range(7)
    ]
    for base, drop in ((dark, 0.07), (light, 0.0)):
        body = skia.Path()
        body.addPath(
            box(
                x - size * 1.25,
                y - size * 0.10 + size * drop,
                x + size * 1.25,
                y + size * 0.16 + size * drop,
                size * 0.13,
            )
        )
        paint(canvas, body, base)
        for px, py, radius in puffs:
            paint(canvas, oval(px, py + size * drop * 1.2, radius * 1.15, radius * 0.85), base)


def hills(
    canvas: skia.Canvas,
    source: random.Random,
    width: float,
    height: float,
    y: float,
    swell: float,
    base: Colour,
) -> None:
    points = [(-20.0, y)]
    steps = 6
    for index in range(steps + 1):
        points.append((width * index / steps, y + source.uniform(-swell, swell)))
    points.append((width + 20.0, y))
    path = smooth(points, closed=False)
    path.lineTo(width + 20, height + 20)
    path.lineTo(-20, height + 20)
    path.close()
    paint(canvas, path, base)


def foliage(
    canvas: skia.Canvas,
    source: random.Random,
    clusters: list[tuple[float, float, float]],
    dark: Colour,
    light: Colour,
) -> None:
    """Draws clusters (x, y, radius) of leaves or blossoms, in three tones that get lighter upwards."""
    for tone, size, lift in ((0.0, 1.0, 0.0), (0.5, 0.80, 0.16), (1.0, 0.46, 0.34)):
        for x, y, radius in clusters:
            for _ in range(3):
                dx, dy = source.uniform(-0.45, 0.45) * radius, source.uniform(-0.30, 0.30) * radius
                reach = radius * size * source.uniform(0.55, 0.8)
                blob = oval(x + dx - radius * lift * 0.4, y + dy - radius * lift, reach, reach * 0.85)
                paint(canvas, blob, mix(dark, light, tone))


def sky(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    wash(canvas, width, height, [(0.0, palette.sky), (0.75, palette.horizon), (1.0, palette.horizon)])
    white = mix(palette.horizon, WHITE, 0.85)
    for _ in range(source.randint(2, 4)):
        cloud(
            canvas,
            source,
            width * source.random(),
            height * source.uniform(0.08, 0.5),
            width * source.uniform(0.10, 0.24),
            white,
            mix(white, palette.sky, 0.30),
        )
    hills(
        canvas, source, width, height, height * 0.74, height * 0.05, mix(palette.leaf, palette.horizon, 0.55)
    )
    hills(
        canvas, source, width, height, height * 0.82, height * 0.03, mix(palette.leaf, palette.horizon, 0.2)
    )
    hills(canvas, source, width, height, height * 0.90, height * 0.02, palette.leaf)
    for _ in range(40):
        x, y = width * source.random(), height * source.uniform(0.90, 1.0)
        trace(
            canvas, smooth([(x, y), (x + 2, y - height * 0.02)], closed=False), shade(palette.leaf, 0.6), 1.5
        )


def cherry_trees(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    wash(
        canvas,
        width,
        height,
        [
            (0.0, mix(palette.sky, WHITE, 0.35)),
            (0.8, mix(palette.horizon, colour("ffe9f2"), 0.6)),
            (1.0, colour("ffe9f2")),
        ],
    )
    hills(canvas, source, width, height, height * 0.84, height * 0.02, mix(palette.leaf, WHITE, 0.15))
    pinks = [colour("f7b7cf"), colour("fbd0e0"), colour("ffe3ee"), colour("f39cbd")]
    side = source.choice((-1, 1))
    edge = width * (0.0 if side > 0 else 1.0)
    trunk = colour("5b4148")
    path = smooth(
        [
            (edge - side * 30, height * 0.95),
            (edge + side * width * 0.10, height * 0.95),
            (edge + side * width * 0.055, height * 0.55),
            (edge + side * width * 0.10, height * 0.2),
            (edge - side * 30, height * 0.1),
        ]
    )
    paint(canvas, path, trunk)
    for _ in range(3):
        y = height * source.uniform(0.10, 0.35)
        trace(
            canvas,
            smooth(
                [
                    (edge + side * width * 0.05, height * 0.45),
                    (edge + side * width * 0.25, y + height * 0.06),
                    (edge + side * width * source.uniform(0.5, 0.8), y),
                ],
                closed=False,
            ),
            trunk,
            width * 0.012,
        )
    clusters = []
    for _ in range(34):
        along = source.random() ** 1.3
        x = edge + side * width * (along * 0.85 - 0.03)
        y = height * (source.uniform(-0.02, 0.24) + 0.10 * (1 - along))
        clusters.append((x, y, width * source.uniform(0.035, 0.075)))
    foliage(canvas, source, clusters, pinks[3], pinks[2])
    for _ in range(40):
        x, y, size = width * source.random(), height * source.random(), width * source.uniform(0.006, 0.013)
        canvas.save()
        canvas.translate(x, y)
        canvas.rotate(source.uniform(0, 180))
        paint(canvas, oval(0, 0, size, size * 0.55), source.choice(pinks))
        canvas.restore()


def sea(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    horizon = height * source.uniform(0.45, 0.58)
    wash(canvas, width, height, [(0.0, palette.sky), (1.0, palette.horizon)], bottom=horizon)
    white = mix(palette.horizon, WHITE, 0.85)
    for _ in range(source.randint(1, 3)):
        cloud(
            canvas,
            source,
            width * source.random(),
            horizon * source.uniform(0.25, 0.85),
            width * source.uniform(0.10, 0.22),
            white,
            mix(white, palette.sky, 0.28),
        )
    deep = mix(palette.sky, colour("1c6fb0"), 0.55)
    wash(
        canvas,
        width,
        height,
        [(0.0, mix(deep, palette.horizon, 0.2)), (1.0, mix(deep, colour("6fd8d8"), 0.65))],
        top=horizon,
    )
    for _ in range(28):
        y = horizon + (height - horizon) * source.random() ** 1.4
        length = width * 0.02 * (1 + 5 * (y - horizon) / (height - horizon))
        x = width * source.random()
        paint(canvas, oval(x, y, length, 1.2), WHITE, 0.55)
    beach = [
        (-20.0, height * 0.90),
        (width * 0.3, height * source.uniform(0.84, 0.9)),
        (width * 0.65, height * 0.90),
        (width + 20.0, height * source.uniform(0.84, 0.92)),
    ]
    for lift, base, alpha in ((0.025, WHITE, 0.5), (0.008, WHITE, 0.9), (0.0, colour("f3deb0"), 1.0)):
        shore = smooth([(x, y - height * lift) for x, y in beach], closed=False)
        shore.lineTo(width + 20, height + 20)
        shore.lineTo(-20, height + 20)
        shore.close()
        paint(canvas, shore, base, alpha)


def forest(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    light = mix(palette.leaf, colour("f4ffd0"), 0.65)
    wash(
        canvas,
        width,
        height,
        [(0.0, mix(palette.leaf, light, 0.5)), (0.6, light), (1.0, mix(palette.leaf, light, 0.3))],
    )
    for depth in range(3):
        tone = 0.70 - 0.30 * depth
        trunk = mix(mix(palette.wood, colour("3b3a30"), 0.5), light, tone)
        for _ in range(4):
            x, wide = width * source.random(), width * (0.015 + 0.018 * depth) * source.uniform(0.8, 1.3)
            low = height * 0.89
            stem = [(x - wide * 1.5, low), (x - wide, low * 0.9), (x - wide * 0.7, 0), (x + wide * 0.7, 0)]
            stem += [(x + wide, low * 0.9), (x + wide * 1.5, low)]
            paint(canvas, polygon(stem), trunk)
            bark = polygon(
                [(x + wide * 0.2, 0), (x + wide * 0.7, 0), (x + wide * 1.5, low), (x + wide * 0.4, low)]
            )
            paint(canvas, bark, shade(trunk, 0.5), 0.5)
        leaf = mix(shade(palette.leaf, 0.4 * depth), light, tone * 0.8)
        clusters = [
            (
                width * source.random(),
                height * source.uniform(-0.05, 0.14 - 0.03 * depth),
                width * source.uniform(0.06, 0.10),
            )
            for _ in range(13)
        ]
        foliage(canvas, source, clusters, leaf, mix(leaf, light, 0.5))
    hills(canvas, source, width, height, height * 0.86, height * 0.02, shade(palette.leaf, 0.35))
    for _ in range(3):
        x = width * source.uniform(0.0, 0.9)
        beam = polygon(
            [(x, 0), (x + width * 0.10, 0), (x - width * 0.12, height), (x - width * 0.32, height)]
        )
        paint(canvas, beam, colour("fffbd8"), 0.16)


def snow(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    wash(
        canvas,
        width,
        height,
        [(0.0, mix(palette.sky, colour("8296b8"), 0.6)), (0.8, colour("dfe9f4")), (1.0, colour("dfe9f4"))],
    )
    for depth in range(2):
        for _ in range(7):
            x, size = width * source.random(), width * source.uniform(0.05, 0.10) * (0.7 + 0.5 * depth)
            y = height * (0.78 + 0.05 * depth)
            tree = mix(colour("3f6a66"), colour("dfe9f4"), 0.5 - 0.35 * depth)
            for tier in range(3):
                peak = y - size * (3.0 - 0.8 * tier)
                half = size * (0.55 + 0.22 * tier)
                paint(
                    canvas,
                    polygon([(x, peak), (x + half, peak + size * 1.3), (x - half, peak + size * 1.3)]),
                    tree,
                )
                paint(
                    canvas,
                    polygon(
                        [
                            (x, peak),
                            (x + half * 0.5, peak + size * 0.55),
                            (x, peak + size * 0.45),
                            (x - half * 0.5, peak + size * 0.6),
                        ]
                    ),
                    WHITE,
                    0.9,
                )
    hills(canvas, source, width, height, height * 0.82, height * 0.02, colour("f4f8fc"))
    hills(canvas, source, width, height, height * 0.91, height * 0.02, WHITE)
    for _ in range(90):
        canvas.drawCircle(
            width * source.random(),
            height * source.random(),
            source.uniform(1.0, 3.4),
            skia.Paint(Color=argb(WHITE, source.uniform(0.5, 0.95)), AntiAlias=True),
        )
