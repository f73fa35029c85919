"""Where a scene plays: skies, streets, rooms and the painted nothing of manga panels.

A background is a function ``(easel, source, palette)`` that covers the whole canvas; ``source`` is the
picture's own random source.
"""

import math
import random
from collections.abc import Callable

import skia

from datasets.drawn.colours import WHITE, Palette, argb, colour, mix, shade
from datasets.drawn.curves import polygon, star
from datasets.drawn.landscapes import cherry_trees, forest, sea, sky, snow
from datasets.drawn.pen import Easel
from datasets.drawn.towns import classroom, festival, night_street, room, sunset_roof


def dots(easel: Easel, source: random.Random, palette: Palette) -> None:
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
                easel.paint(star(x, y, step * 0.34, points=4, waist=0.3), WHITE, 0.7)


def speed_lines(easel: Easel, source: random.Random, palette: Palette) -> None:
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
        easel.paint(wedge, ink, 0.8)


BACKGROUNDS: dict[str, Callable[[Easel, random.Random, Palette], None]] = {
    "sky": sky,
    "classroom": classroom,
    "night street": night_street,
    "cherry": cherry_trees,
    "sea": sea,
    "room": room,
    "dots": dots,
    "speed lines": speed_lines,
    "forest": forest,
    "festival": festival,
    "sunset roof": sunset_roof,
    "snow": snow,
}
