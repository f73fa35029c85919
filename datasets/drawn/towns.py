"""Places that people built: classroom, room, night street, festival, a roof at sunset."""

import math
import random

import skia

from datasets.drawn.brushes import paint, rect, shine, trace, wash
from datasets.drawn.colours import WHITE, argb, colour, glow, mix, shade
from datasets.drawn.curves import box, oval, smooth
from datasets.drawn.landscapes import cloud, hills
from datasets.drawn.palette import Palette


def classroom(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    rect(canvas, 0, 0, width, height, palette.wall)
    floor = height * 0.80
    rect(canvas, 0, floor, width, height, palette.wood)
    rect(canvas, 0, floor - height * 0.025, width, floor, mix(palette.wall, palette.wood, 0.5))
    for index in range(7):
        x = width * (index - 0.5) / 6
        trace(
            canvas,
            smooth([(x, floor), (x + (x - width / 2) * 0.4, height)], closed=False),
            shade(palette.wood, 0.6),
            1.5,
        )
    if source.random() < 0.5:  # the blackboard
        left, right = width * 0.12, width * 0.88
        rect(canvas, left - 8, height * 0.14 - 8, right + 8, height * 0.58 + 8, shade(palette.wood, 0.8))
        rect(canvas, left, height * 0.14, right, height * 0.58, colour("2f5a4a"))
        for _ in range(5):
            x, y = source.uniform(left, right - 60), source.uniform(height * 0.2, height * 0.52)
            points = [(x + 9 * step, y + source.uniform(-5, 5)) for step in range(source.randint(3, 8))]
            trace(canvas, smooth(points, closed=False), WHITE, 1.8, 0.65)
        rect(canvas, left, height * 0.58, right, height * 0.58 + 6, mix(palette.wood, WHITE, 0.4))
    else:  # the windows
        count = source.randint(2, 3)
        for index in range(count):
            left, right = width * (index + 0.07) / count, width * (index + 0.93) / count
            canvas.save()
            canvas.clipRect(skia.Rect.MakeLTRB(left, height * 0.10, right, height * 0.62))
            wash(
                canvas,
                width,
                height,
                [(0.0, palette.sky), (1.0, palette.horizon)],
                top=height * 0.10,
                bottom=height * 0.62,
            )
            cloud(
                canvas,
                source,
                source.uniform(left, right),
                height * source.uniform(0.2, 0.4),
                width * 0.11,
                WHITE,
                mix(WHITE, palette.sky, 0.25),
            )
            hills(canvas, source, width, height, height * 0.58, height * 0.02, palette.leaf)
            canvas.restore()
            middle = (left + right) / 2
            frame = mix(palette.wall, WHITE, 0.6)
            for x in (left, middle, right):
                rect(canvas, x - 4, height * 0.10, x + 4, height * 0.62, frame)
            for y in (0.10, 0.36, 0.62):
                rect(canvas, left - 4, height * y - 4, right + 4, height * y + 4, frame)
        curtain = mix(palette.accent, WHITE, 0.55)
        for left, right in ((-0.02, 0.07), (0.93, 1.02)):
            rect(canvas, width * left, height * 0.06, width * right, height * 0.70, curtain)
            for step in (0.3, 0.6):
                x = width * (left + (right - left) * step)
                rect(canvas, x, height * 0.06, x + 3, height * 0.70, shade(curtain, 0.5))
    for _ in range(source.randint(0, 3)):  # desks at the back
        x = width * source.uniform(0.0, 0.9)
        y = height * source.uniform(0.78, 0.90)
        top = mix(palette.wood, WHITE, 0.25)
        rect(canvas, x + 8, y, x + 14, y + height * 0.2, colour("848a94"))
        rect(canvas, x + width * 0.16 - 14, y, x + width * 0.16 - 8, y + height * 0.2, colour("848a94"))
        paint(canvas, box(x, y - 8, x + width * 0.16, y + 6, 3), top)
        rect(canvas, x, y + 2, x + width * 0.16, y + 6, shade(top, 0.7))


def room(canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette) -> None:
    wall = mix(palette.wall, palette.other, 0.18)
    rect(canvas, 0, 0, width, height, wall)
    stripe = mix(wall, WHITE, 0.25)
    for index in range(0, 16, 2):
        rect(canvas, width * index / 16, 0, width * (index + 1) / 16, height * 0.8, stripe, 0.5)
    rect(canvas, 0, height * 0.82, width, height, palette.wood)
    rect(canvas, 0, height * 0.79, width, height * 0.82, mix(wall, WHITE, 0.6))
    # a window with curtains
    left = width * source.uniform(0.05, 0.45)
    right = left + width * 0.34
    rect(canvas, left - 7, height * 0.12 - 7, right + 7, height * 0.52 + 7, WHITE)
    canvas.save()
    canvas.clipRect(skia.Rect.MakeLTRB(left, height * 0.12, right, height * 0.52))
    wash(
        canvas,
        width,
        height,
        [(0.0, palette.sky), (1.0, palette.horizon)],
        top=height * 0.12,
        bottom=height * 0.52,
    )
    cloud(canvas, source, (left + right) / 2, height * 0.3, width * 0.09, WHITE, mix(WHITE, palette.sky, 0.3))
    canvas.restore()
    rect(canvas, (left + right) / 2 - 3, height * 0.12, (left + right) / 2 + 3, height * 0.52, WHITE)
    curtain = mix(palette.accent, WHITE, 0.35)
    for edge, side in ((left, -1), (right, 1)):
        outer, wide = edge - side * width * 0.03, side * width
        cloth = skia.Path()
        cloth.moveTo(outer, height * 0.08)
        cloth.lineTo(edge + wide * 0.10, height * 0.08)
        cloth.cubicTo(
            edge + wide * 0.09,
            height * 0.26,
            edge + wide * 0.05,
            height * 0.36,
            edge + wide * 0.01,
            height * 0.42,
        )
        cloth.cubicTo(
            edge + wide * 0.04,
            height * 0.48,
            edge + wide * 0.05,
            height * 0.54,
            edge + wide * 0.05,
            height * 0.60,
        )
        cloth.lineTo(outer, height * 0.60)
        cloth.close()
        paint(canvas, cloth, curtain)
        for fold in (0.02, 0.05):
            points = [
                (edge + wide * fold, height * 0.08),
                (edge + wide * fold * 0.5, height * 0.30),
                (edge - wide * 0.01, height * 0.42),
                (edge + wide * fold * 0.5, height * 0.60),
            ]
            trace(canvas, smooth(points, closed=False), shade(curtain, 0.6), width * 0.004)
        left_end, right_end = sorted((outer, edge + wide * 0.018))
        rect(canvas, left_end, height * 0.41, right_end, height * 0.43, palette.other)
    rect(
        canvas,
        left - width * 0.06,
        height * 0.07,
        right + width * 0.06,
        height * 0.085,
        shade(palette.wood, 0.7),
    )
    # a bookshelf
    shelf = width * (0.62 if left < width * 0.25 else 0.02)
    wood = shade(palette.wood, 0.5)
    rect(canvas, shelf, height * 0.20, shelf + width * 0.30, height * 0.82, wood)
    for row in range(3):
        top, low = height * (0.22 + 0.20 * row), height * (0.395 + 0.20 * row)
        rect(canvas, shelf + 5, top, shelf + width * 0.30 - 5, low, shade(wood, 0.9))
        x = shelf + 8
        while x < shelf + width * 0.28 - 14:
            thick = width * source.uniform(0.014, 0.028)
            book = mix(
                source.choice((palette.accent, palette.other, palette.leaf, palette.sky, WHITE)), wood, 0.25
            )
            rect(canvas, x, top + (low - top) * source.uniform(0.1, 0.35), x + thick, low, book)
            x += thick + 1.5


def night_street(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    top, low = colour("141a3c"), mix(colour("3a3568"), palette.accent, 0.25)
    wash(canvas, width, height, [(0.0, top), (0.8, low), (1.0, low)])
    for _ in range(45):
        x, y, size = width * source.random(), height * source.uniform(0, 0.55), source.uniform(0.6, 1.6)
        canvas.drawCircle(
            x, y, size, skia.Paint(Color=argb(WHITE, source.uniform(0.4, 0.95)), AntiAlias=True)
        )
    if source.random() < 0.7:
        x, y = width * source.uniform(0.1, 0.9), height * source.uniform(0.1, 0.25)
        shine(canvas, x, y, width * 0.16, colour("fff2c0"), 0.45)
        paint(canvas, oval(x, y, width * 0.05, width * 0.05), colour("fff4cf"))
    ground = height * 0.84
    for depth, tone in ((0, 0.25), (1, 0.0)):
        x = -width * 0.05
        while x < width:
            wide, tall = (
                width * source.uniform(0.10, 0.22),
                height * source.uniform(0.25, 0.62) * (1 - 0.25 * (1 - depth)),
            )
            base = mix(mix(colour("2a2c55"), palette.other, 0.12), low, tone + 0.1 * source.random())
            rect(canvas, x, ground - tall, x + wide, ground, base)
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
                        rect(
                            canvas,
                            wx,
                            wy,
                            wx + wide * 0.5 / columns,
                            wy + tall * 0.45 / rows,
                            lit if on else shade(base, 0.6),
                            0.95,
                        )
            x += wide * source.uniform(0.95, 1.25)
    wash(canvas, width, height, [(0.0, colour("2c2c48")), (1.0, colour("191a30"))], top=ground)
    x = width * source.uniform(0.05, 0.95)
    rect(canvas, x - 3, height * 0.36, x + 3, ground + 10, colour("15162a"))
    shine(canvas, x, height * 0.36, width * 0.20, colour("ffdf9a"), 0.6)
    paint(canvas, box(x - 12, height * 0.335, x + 12, height * 0.365, 5), colour("fff1c4"))
    paint(canvas, oval(x, ground + height * 0.06, width * 0.16, height * 0.03), colour("ffdf9a"), 0.18)


def festival(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    wash(
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
            shine(canvas, x, y, radius * 1.2, spark, 0.30)
            for index in range(20):
                angle = 2 * math.pi * index / 20
                trace(
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
        trace(canvas, rope, colour("20162c"), 2)
        for index in range(6):
            x = width * (index + 0.5) / 6
            hang = y + sag * (1 - (2 * x / width - 1) ** 2) + height * 0.045
            size = width * 0.032
            base = source.choice((colour("ff6b4a"), colour("ff8f3a"), palette.accent))
            shine(canvas, x, hang, size * 2.2, colour("ffb05a"), 0.5)
            paint(canvas, oval(x, hang, size, size * 1.15), base)
            paint(canvas, oval(x, hang, size * 0.45, size * 1.0), glow(base, 0.55), 0.7)
            rect(
                canvas,
                x - size * 0.5,
                hang - size * 1.25,
                x + size * 0.5,
                hang - size * 1.0,
                colour("2a1a20"),
            )
    for index in range(3):  # stalls
        left, right = width * (index / 3 + 0.015), width * ((index + 1) / 3 - 0.015)
        rect(canvas, left, height * 0.66, right, height * 0.92, mix(colour("7a4a3a"), palette.wood, 0.3))
        rect(canvas, left, height * 0.74, right, height * 0.80, colour("ffcf8a"), 0.8)
        stripes = 6
        for stripe in range(stripes):
            a, b = left + (right - left) * stripe / stripes, left + (right - left) * (stripe + 1) / stripes
            rect(
                canvas,
                a,
                height * 0.58,
                b,
                height * 0.67,
                WHITE if stripe % 2 else source.choice((palette.accent, palette.other)),
            )
    rect(canvas, 0, height * 0.90, width, height, colour("2a1c30"))


def sunset_roof(
    canvas: skia.Canvas, source: random.Random, width: float, height: float, palette: Palette
) -> None:
    wash(
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
    shine(canvas, x, y, width * 0.35, colour("fff0c0"), 0.8)
    paint(canvas, oval(x, y, width * 0.055, width * 0.055), colour("fff6da"))
    for _ in range(3):
        cloud(
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
        rect(
            canvas,
            left,
            ground - tall,
            left + wide,
            ground,
            mix(colour("8a6288"), colour("f2a27a"), source.uniform(0.1, 0.4)),
        )
        left += wide
    rect(canvas, 0, ground, width, height, mix(colour("9a8a94"), palette.wall, 0.3))
    fence = colour("5f4f66")
    for index in range(15):
        fx = width * index / 14
        rect(canvas, fx - 1.5, height * 0.52, fx + 1.5, ground + 4, fence, 0.9)
    for fy in (0.52, 0.66, 0.795):
        rect(canvas, 0, height * fy - 2, width, height * fy + 2, fence, 0.9)
