"""Where a scene plays: skies, streets, rooms and the painted nothing of manga panels.

A background is a function ``(canvas, source, width, height, palette)`` that covers the whole canvas; sizes
are in pixels, ``source`` is the picture's own random source.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import skia

from datasets.drawing.colours import WHITE, Colour, argb, colour, glow, mix, shade
from datasets.drawing.curves import box, oval, polygon, smooth


@dataclass(frozen=True)
class Palette:
    """The colours of an episode's world."""

    sky: Colour
    horizon: Colour
    leaf: Colour
    ground: Colour
    wall: Colour
    wood: Colour
    accent: Colour
    other: Colour


def _paint(canvas: skia.Canvas, path: skia.Path, base: Colour, alpha: float = 1.0) -> None:
    canvas.drawPath(path, skia.Paint(Color=argb(base, alpha), AntiAlias=True))


def _trace(canvas: skia.Canvas, path: skia.Path, base: Colour, width: float, alpha: float = 1.0) -> None:
    canvas.drawPath(
        path,
        skia.Paint(
            Color=argb(base, alpha),
            AntiAlias=True,
            Style=skia.Paint.kStroke_Style,
            StrokeWidth=width,
            StrokeCap=skia.Paint.kRound_Cap,
        ),
    )


def _rect(
    canvas: skia.Canvas,
    left: float,
    top: float,
    right: float,
    bottom: float,
    base: Colour,
    alpha: float = 1.0,
) -> None:
    canvas.drawRect(
        skia.Rect.MakeLTRB(left, top, right, bottom), skia.Paint(Color=argb(base, alpha), AntiAlias=True)
    )


def _wash(
    canvas: skia.Canvas,
    width: float,
    height: float,
    stops: list[tuple[float, Colour]],
    *,
    top: float = 0.0,
    bottom: float | None = None,
) -> None:
    """Fills the width with a vertical gradient."""
    low = height if bottom is None else bottom
    shader = skia.GradientShader.MakeLinear(
        [skia.Point(0, top), skia.Point(0, low)],
        [argb(base) for _, base in stops],
        [place for place, _ in stops],
    )
    canvas.drawRect(skia.Rect.MakeLTRB(0, top, width, low), skia.Paint(Shader=shader))


def _glowing(canvas: skia.Canvas, x: float, y: float, radius: float, base: Colour, alpha: float) -> None:
    shader = skia.GradientShader.MakeRadial(skia.Point(x, y), radius, [argb(base, alpha), argb(base, 0.0)])
    canvas.drawCircle(x, y, radius, skia.Paint(Shader=shader, AntiAlias=True))


def _cloud(
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
        _paint(canvas, body, base)
        for px, py, radius in puffs:
            _paint(canvas, oval(px, py + size * drop * 1.2, radius * 1.15, radius * 0.85), base)


def _hills(
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
    _paint(canvas, path, base)


def _sky(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    _wash(canvas, width, height, [(0.0, palette.sky), (0.75, palette.horizon), (1.0, palette.horizon)])
    white = mix(palette.horizon, WHITE, 0.85)
    for _ in range(source.randint(2, 4)):
        _cloud(
            canvas,
            source,
            width * source.random(),
            height * source.uniform(0.08, 0.5),
            width * source.uniform(0.10, 0.24),
            white,
            mix(white, palette.sky, 0.30),
        )
    _hills(
        canvas, source, width, height, height * 0.74, height * 0.05, mix(palette.leaf, palette.horizon, 0.55)
    )
    _hills(
        canvas, source, width, height, height * 0.82, height * 0.03, mix(palette.leaf, palette.horizon, 0.2)
    )
    _hills(canvas, source, width, height, height * 0.90, height * 0.02, palette.leaf)
    for _ in range(40):
        x, y = width * source.random(), height * source.uniform(0.90, 1.0)
        _trace(
            canvas, smooth([(x, y), (x + 2, y - height * 0.02)], closed=False), shade(palette.leaf, 0.6), 1.5
        )


def _classroom(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    _rect(canvas, 0, 0, width, height, palette.wall)
    floor = height * 0.80
    _rect(canvas, 0, floor, width, height, palette.wood)
    _rect(canvas, 0, floor - height * 0.025, width, floor, shade(palette.wall, 0.9))
    for index in range(7):
        x = width * (index - 0.5) / 6
        _trace(
            canvas,
            smooth([(x, floor), (x + (x - width / 2) * 0.4, height)], closed=False),
            shade(palette.wood, 0.6),
            1.5,
        )
    if source.random() < 0.5:  # the blackboard
        left, right = width * 0.12, width * 0.88
        _rect(canvas, left - 8, height * 0.14 - 8, right + 8, height * 0.58 + 8, shade(palette.wood, 0.8))
        _rect(canvas, left, height * 0.14, right, height * 0.58, colour("2f5a4a"))
        for _ in range(5):
            x, y = source.uniform(left, right - 60), source.uniform(height * 0.2, height * 0.52)
            points = [(x + 9 * step, y + source.uniform(-5, 5)) for step in range(source.randint(3, 8))]
            _trace(canvas, smooth(points, closed=False), WHITE, 1.8, 0.65)
        _rect(canvas, left, height * 0.58, right, height * 0.58 + 6, mix(palette.wood, WHITE, 0.4))
    else:  # the windows
        count = source.randint(2, 3)
        for index in range(count):
            left, right = width * (index + 0.07) / count, width * (index + 0.93) / count
            canvas.save()
            canvas.clipRect(skia.Rect.MakeLTRB(left, height * 0.10, right, height * 0.62))
            _wash(
                canvas,
                width,
                height,
                [(0.0, palette.sky), (1.0, palette.horizon)],
                top=height * 0.10,
                bottom=height * 0.62,
            )
            _cloud(
                canvas,
                source,
                source.uniform(left, right),
                height * source.uniform(0.2, 0.4),
                width * 0.11,
                WHITE,
                mix(WHITE, palette.sky, 0.25),
            )
            _hills(canvas, source, width, height, height * 0.58, height * 0.02, palette.leaf)
            canvas.restore()
            middle = (left + right) / 2
            frame = mix(palette.wall, WHITE, 0.6)
            for x in (left, middle, right):
                _rect(canvas, x - 4, height * 0.10, x + 4, height * 0.62, frame)
            for y in (0.10, 0.36, 0.62):
                _rect(canvas, left - 4, height * y - 4, right + 4, height * y + 4, frame)
        curtain = mix(palette.accent, WHITE, 0.55)
        for left, right in ((-0.02, 0.07), (0.93, 1.02)):
            _rect(canvas, width * left, height * 0.06, width * right, height * 0.70, curtain)
            for step in (0.3, 0.6):
                x = width * (left + (right - left) * step)
                _rect(canvas, x, height * 0.06, x + 3, height * 0.70, shade(curtain, 0.5))
    for _ in range(source.randint(0, 3)):  # desks at the back
        x = width * source.uniform(0.0, 0.9)
        y = height * source.uniform(0.78, 0.90)
        top = mix(palette.wood, WHITE, 0.25)
        _rect(canvas, x + 8, y, x + 14, y + height * 0.2, shade(palette.wall, 1.3))
        _rect(
            canvas, x + width * 0.16 - 14, y, x + width * 0.16 - 8, y + height * 0.2, shade(palette.wall, 1.3)
        )
        _paint(canvas, box(x, y - 8, x + width * 0.16, y + 6, 3), top)
        _rect(canvas, x, y + 2, x + width * 0.16, y + 6, shade(top, 0.7))


def _night_street(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    top, low = colour("141a3c"), mix(colour("3a3568"), palette.accent, 0.25)
    _wash(canvas, width, height, [(0.0, top), (0.8, low), (1.0, low)])
    for _ in range(45):
        x, y, size = width * source.random(), height * source.uniform(0, 0.55), source.uniform(0.6, 1.6)
        canvas.drawCircle(
            x, y, size, skia.Paint(Color=argb(WHITE, source.uniform(0.4, 0.95)), AntiAlias=True)
        )
    if source.random() < 0.7:
        x, y = width * source.uniform(0.1, 0.9), height * source.uniform(0.1, 0.25)
        _glowing(canvas, x, y, width * 0.16, colour("fff2c0"), 0.45)
        _paint(canvas, oval(x, y, width * 0.05, width * 0.05), colour("fff4cf"))
    ground = height * 0.84
    for depth, tone in ((0, 0.25), (1, 0.0)):
        x = -width * 0.05
        while x < width:
            wide, tall = (
                width * source.uniform(0.10, 0.22),
                height * source.uniform(0.25, 0.62) * (1 - 0.25 * (1 - depth)),
            )
            base = mix(mix(colour("2a2c55"), palette.other, 0.12), low, tone + 0.1 * source.random())
            _rect(canvas, x, ground - tall, x + wide, ground, base)
            if depth:
                lit = mix(colour("ffd98a"), palette.accent, 0.15)
                columns, rows = max(2, int(wide / 18)), max(2, int(tall / 24))
                for column in range(columns):
                    for row in range(rows):
                        on = source.random() < 0.42
                        wx, wy = (
                            x + wide * (column + 0.25) / columns,
                            ground - tall + tall * (row + 0.25) / rows,
                        )
                        _rect(
                            canvas,
                            wx,
                            wy,
                            wx + wide * 0.5 / columns,
                            wy + tall * 0.45 / rows,
                            lit if on else shade(base, 0.6),
                            0.95,
                        )
            x += wide * source.uniform(0.95, 1.25)
    _wash(canvas, width, height, [(0.0, colour("2c2c48")), (1.0, colour("191a30"))], top=ground)
    x = width * source.uniform(0.05, 0.95)
    _rect(canvas, x - 3, height * 0.36, x + 3, ground + 10, colour("15162a"))
    _glowing(canvas, x, height * 0.36, width * 0.20, colour("ffdf9a"), 0.6)
    _paint(canvas, box(x - 12, height * 0.335, x + 12, height * 0.365, 5), colour("fff1c4"))
    _paint(canvas, oval(x, ground + height * 0.06, width * 0.16, height * 0.03), colour("ffdf9a"), 0.18)


def _cherry(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    _wash(
        canvas,
        width,
        height,
        [
            (0.0, mix(palette.sky, WHITE, 0.35)),
            (0.8, mix(palette.horizon, colour("ffe9f2"), 0.6)),
            (1.0, colour("ffe9f2")),
        ],
    )
    _hills(canvas, source, width, height, height * 0.84, height * 0.02, mix(palette.leaf, WHITE, 0.15))
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
    _paint(canvas, path, trunk)
    for _ in range(3):
        y = height * source.uniform(0.10, 0.35)
        _trace(
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
    for layer in range(3):
        for _ in range(16):
            along = source.random() ** 1.3
            x = edge + side * width * (along * 0.85 - 0.03)
            y = height * (source.uniform(-0.02, 0.24) + 0.10 * (1 - along)) + layer * 4
            radius = width * source.uniform(0.03, 0.075)
            _paint(canvas, oval(x, y, radius, radius * 0.8), pinks[(layer + source.randint(0, 1)) % 3])
    for _ in range(40):
        x, y, size = width * source.random(), height * source.random(), width * source.uniform(0.006, 0.013)
        canvas.save()
        canvas.translate(x, y)
        canvas.rotate(source.uniform(0, 180))
        _paint(canvas, oval(0, 0, size, size * 0.55), source.choice(pinks))
        canvas.restore()


def _sea(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    horizon = height * source.uniform(0.45, 0.58)
    _wash(canvas, width, height, [(0.0, palette.sky), (1.0, palette.horizon)], bottom=horizon)
    white = mix(palette.horizon, WHITE, 0.85)
    for _ in range(source.randint(1, 3)):
        _cloud(
            canvas,
            source,
            width * source.random(),
            horizon * source.uniform(0.25, 0.85),
            width * source.uniform(0.10, 0.22),
            white,
            mix(white, palette.sky, 0.28),
        )
    deep = mix(palette.sky, colour("1c6fb0"), 0.55)
    _wash(
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
        _paint(canvas, oval(x, y, length, 1.2), WHITE, 0.55)
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
        _paint(canvas, shore, base, alpha)


def _room(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    wall = mix(palette.wall, palette.other, 0.18)
    _rect(canvas, 0, 0, width, height, wall)
    stripe = mix(wall, WHITE, 0.25)
    for index in range(0, 16, 2):
        _rect(canvas, width * index / 16, 0, width * (index + 1) / 16, height * 0.8, stripe, 0.5)
    _rect(canvas, 0, height * 0.82, width, height, palette.wood)
    _rect(canvas, 0, height * 0.79, width, height * 0.82, mix(wall, WHITE, 0.6))
    # a window with curtains
    left = width * source.uniform(0.05, 0.45)
    right = left + width * 0.34
    _rect(canvas, left - 7, height * 0.12 - 7, right + 7, height * 0.52 + 7, WHITE)
    canvas.save()
    canvas.clipRect(skia.Rect.MakeLTRB(left, height * 0.12, right, height * 0.52))
    _wash(
        canvas,
        width,
        height,
        [(0.0, palette.sky), (1.0, palette.horizon)],
        top=height * 0.12,
        bottom=height * 0.52,
    )
    _cloud(
        canvas, source, (left + right) / 2, height * 0.3, width * 0.09, WHITE, mix(WHITE, palette.sky, 0.3)
    )
    canvas.restore()
    _rect(canvas, (left + right) / 2 - 3, height * 0.12, (left + right) / 2 + 3, height * 0.52, WHITE)
    curtain = mix(palette.accent, WHITE, 0.35)
    for edge, side in ((left, -1), (right, 1)):
        cloth = smooth(
            [
                (edge - side * 14, height * 0.08),
                (edge + side * width * 0.07, height * 0.08),
                (edge + side * width * 0.08, height * 0.58),
                (edge - side * 4, height * 0.58),
                (edge + side * width * 0.02, height * 0.30),
            ]
        )
        _paint(canvas, cloth, curtain)
    # a bookshelf
    shelf = width * (0.62 if left < width * 0.25 else 0.02)
    wood = shade(palette.wood, 0.5)
    _rect(canvas, shelf, height * 0.20, shelf + width * 0.30, height * 0.82, wood)
    for row in range(3):
        top, low = height * (0.22 + 0.20 * row), height * (0.395 + 0.20 * row)
        _rect(canvas, shelf + 5, top, shelf + width * 0.30 - 5, low, shade(wood, 0.9))
        x = shelf + 8
        while x < shelf + width * 0.28 - 14:
            thick = width * source.uniform(0.014, 0.028)
            book = mix(
                source.choice((palette.accent, palette.other, palette.leaf, palette.sky, WHITE)), wood, 0.25
            )
            _rect(canvas, x, top + (low - top) * source.uniform(0.1, 0.35), x + thick, low, book)
            x += thick + 1.5


def _dots(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    one, other = mix(palette.accent, WHITE, 0.45), mix(palette.other, WHITE, 0.55)
    shader = skia.GradientShader.MakeLinear(
        [skia.Point(0, 0), skia.Point(width, height)], [argb(one), argb(other)]
    )
    canvas.drawPaint(skia.Paint(Shader=shader))
    step = width / source.choice((8, 10, 14))
    kind = source.choice(("dots", "stars", "checks"))
    for row in range(int(height / step) + 2):
        for column in range(int(width / step) + 2):
            x, y = (column + 0.5 * (row % 2)) * step, row * step
            if kind == "dots":
                canvas.drawCircle(x, y, step * 0.20, skia.Paint(Color=argb(WHITE, 0.5), AntiAlias=True))
            elif kind == "checks" and (row + column) % 2:
                _rect(canvas, column * step, row * step, (column + 1) * step, (row + 1) * step, WHITE, 0.25)
            elif kind == "stars" and (row + column) % 2:
                points = [
                    (
                        x + math.sin(math.pi * index / 4) * step * (0.34 if index % 2 == 0 else 0.10),
                        y - math.cos(math.pi * index / 4) * step * (0.34 if index % 2 == 0 else 0.10),
                    )
                    for index in range(8)
                ]
                _paint(canvas, polygon(points), WHITE, 0.7)


def _speed_lines(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    base = source.choice(
        (
            mix(palette.accent, WHITE, 0.2),
            mix(palette.other, WHITE, 0.1),
            mix(palette.sky, WHITE, 0.3),
            mix(WHITE, palette.horizon, 0.15),
        )
    )
    canvas.drawColor(argb(base))
    x, y = width * source.uniform(0.35, 0.65), height * source.uniform(0.3, 0.6)
    _glowing(canvas, x, y, width * 0.6, WHITE, 0.9)
    ink = source.choice((WHITE, shade(base, 1.2), colour("2a2a36")))
    far = width + height
    for _ in range(70):
        angle, spread = source.uniform(0, 2 * math.pi), source.uniform(0.004, 0.02)
        near = width * source.uniform(0.32, 0.55)
        _paint(
            canvas,
            polygon(
                [
                    (x + math.cos(angle) * near, y + math.sin(angle) * near),
                    (x + math.cos(angle - spread) * far, y + math.sin(angle - spread) * far),
                    (x + math.cos(angle + spread) * far, y + math.sin(angle + spread) * far),
                ]
            ),
            ink,
            0.8,
        )


def _forest(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    light = mix(palette.leaf, colour("f4ffd0"), 0.65)
    _wash(
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
            _paint(
                canvas,
                polygon(
                    [
                        (x - wide, height * 0.9),
                        (x - wide * 0.7, 0),
                        (x + wide * 0.7, 0),
                        (x + wide, height * 0.9),
                    ]
                ),
                trunk,
            )
        leaf = mix(shade(palette.leaf, 0.4 * depth), light, tone * 0.8)
        for _ in range(14):
            radius = width * source.uniform(0.05, 0.11)
            _paint(
                canvas,
                oval(
                    width * source.random(),
                    height * source.uniform(-0.04, 0.16 - 0.03 * depth),
                    radius,
                    radius * 0.7,
                ),
                leaf,
            )
    _hills(canvas, source, width, height, height * 0.86, height * 0.02, shade(palette.leaf, 0.35))
    for _ in range(3):
        x = width * source.uniform(0.0, 0.9)
        beam = polygon(
            [(x, 0), (x + width * 0.10, 0), (x - width * 0.12, height), (x - width * 0.32, height)]
        )
        _paint(canvas, beam, colour("fffbd8"), 0.16)


def _festival(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    _wash(
        canvas,
        width,
        height,
        [(0.0, colour("1d1a44")), (0.7, mix(colour("6a2f68"), palette.accent, 0.2)), (1.0, colour("3a2040"))],
    )
    if source.random() < 0.7:  # fireworks
        for _ in range(2):
            x, y, radius = (
                width * source.random(),
                height * source.uniform(0.1, 0.35),
                width * source.uniform(0.10, 0.18),
            )
            spark = source.choice((colour("ffd86b"), colour("ff8fb8"), colour("8fe0ff"), colour("b8ff9a")))
            _glowing(canvas, x, y, radius * 1.2, spark, 0.30)
            for index in range(20):
                angle = 2 * math.pi * index / 20
                _trace(
                    canvas,
                    smooth(
                        [
                            (x + math.cos(angle) * radius * 0.35, y + math.sin(angle) * radius * 0.35),
                            (x + math.cos(angle) * radius, y + math.sin(angle) * radius + 3),
                        ],
                        closed=False,
                    ),
                    spark,
                    2.0,
                    0.9,
                )
    for row in range(2):
        y, sag = height * (0.16 + 0.20 * row), height * 0.06
        rope = smooth([(-10, y), (width * 0.5, y + sag), (width + 10, y)], closed=False)
        _trace(canvas, rope, colour("20162c"), 2)
        for index in range(6):
            x = width * (index + 0.5) / 6
            hang = y + sag * (1 - (2 * x / width - 1) ** 2) + height * 0.045
            size = width * 0.032
            base = source.choice((colour("ff6b4a"), colour("ff8f3a"), palette.accent))
            _glowing(canvas, x, hang, size * 2.2, colour("ffb05a"), 0.5)
            _paint(canvas, oval(x, hang, size, size * 1.15), base)
            _paint(canvas, oval(x, hang, size * 0.45, size * 1.0), glow(base, 0.55), 0.7)
            _rect(
                canvas,
                x - size * 0.5,
                hang - size * 1.25,
                x + size * 0.5,
                hang - size * 1.0,
                colour("2a1a20"),
            )
    for index in range(3):  # stalls
        left, right = width * (index / 3 + 0.015), width * ((index + 1) / 3 - 0.015)
        _rect(canvas, left, height * 0.66, right, height * 0.92, mix(colour("7a4a3a"), palette.wood, 0.3))
        _rect(canvas, left, height * 0.74, right, height * 0.80, colour("ffcf8a"), 0.8)
        stripes = 6
        for stripe in range(stripes):
            a, b = left + (right - left) * stripe / stripes, left + (right - left) * (stripe + 1) / stripes
            _rect(
                canvas,
                a,
                height * 0.58,
                b,
                height * 0.67,
                WHITE if stripe % 2 else source.choice((palette.accent, palette.other)),
            )
    _rect(canvas, 0, height * 0.90, width, height, colour("2a1c30"))


def _sunset_roof(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    _wash(
        canvas,
        width,
        height,
        [
            (0.0, mix(colour("5a5fa8"), palette.sky, 0.3)),
            (0.45, colour("f2a27a")),
            (0.7, colour("ffd59a")),
            (1.0, colour("ffd59a")),
        ],
    )
    x, y = width * source.uniform(0.2, 0.8), height * 0.58
    _glowing(canvas, x, y, width * 0.35, colour("fff0c0"), 0.8)
    _paint(canvas, oval(x, y, width * 0.055, width * 0.055), colour("fff6da"))
    for _ in range(3):
        _cloud(
            canvas,
            source,
            width * source.random(),
            height * source.uniform(0.1, 0.42),
            width * source.uniform(0.08, 0.2),
            colour("f7bfa4"),
            colour("c887a0"),
        )
    ground = height * 0.80
    left = -10.0
    while left < width:
        wide, tall = width * source.uniform(0.06, 0.14), height * source.uniform(0.06, 0.24)
        _rect(
            canvas,
            left,
            ground - tall,
            left + wide,
            ground,
            mix(colour("8a6288"), colour("f2a27a"), source.uniform(0.1, 0.4)),
        )
        left += wide
    _rect(canvas, 0, ground, width, height, mix(colour("9a8a94"), palette.wall, 0.3))
    fence = colour("5f4f66")
    for index in range(15):
        fx = width * index / 14
        _rect(canvas, fx - 1.5, height * 0.52, fx + 1.5, ground + 4, fence, 0.9)
    for fy in (0.52, 0.66, 0.795):
        _rect(canvas, 0, height * fy - 2, width, height * fy + 2, fence, 0.9)


def _snow(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    _wash(
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
                _paint(
                    canvas,
                    polygon([(x, peak), (x + half, peak + size * 1.3), (x - half, peak + size * 1.3)]),
                    tree,
                )
                _paint(
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
    _hills(canvas, source, width, height, height * 0.82, height * 0.02, colour("f4f8fc"))
    _hills(canvas, source, width, height, height * 0.91, height * 0.02, WHITE)
    for _ in range(90):
        canvas.drawCircle(
            width * source.random(),
            height * source.random(),
            source.uniform(1.0, 3.4),
            skia.Paint(Color=argb(WHITE, source.uniform(0.5, 0.95)), AntiAlias=True),
        )


BACKGROUNDS: dict[str, Callable[[skia.Canvas, random.Random, float, float, Palette], None]] = {
    "sky": _sky,
    "classroom": _classroom,
    "night street": _night_street,
    "cherry": _cherry,
    "sea": _sea,
    "room": _room,
    "dots": _dots,
    "speed lines": _speed_lines,
    "forest": _forest,
    "festival": _festival,
    "sunset roof": _sunset_roof,
    "snow": _snow,
}
