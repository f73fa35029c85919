"""What happens to a painted picture: light and tint, blur, film grain."""

import random
from functools import lru_cache

import numpy as np
import skia

from datasets.drawn.colours import BLACK, WHITE, argb, mix
from datasets.drawn.episodes import Light


def soften(surface: skia.Surface, radius: float) -> None:
    """Blurs the picture; ``radius`` is the standard deviation in pixels."""
    image = surface.makeImageSnapshot()
    blur = skia.ImageFilters.Blur(radius, radius, skia.TileMode.kClamp)
    surface.getCanvas().drawImage(image, 0, 0, skia.SamplingOptions(), skia.Paint(ImageFilter=blur))


def shine_light(surface: skia.Surface, light: Light, saturation: float, source: random.Random) -> None:
    """Changes the colours of the picture, and lays a gradient of light or shade over it."""
    keep = light.saturation * saturation
    grey = (0.213, 0.715, 0.072)  # luma of sRGB primaries, ITU-R BT.709
    matrix = []
    for row, gain in enumerate(light.gain):
        matrix += [
            gain * ((1 - keep) * grey[column] + (keep if column == row else 0.0)) for column in range(3)
        ]
        matrix += [0.0, light.lift]
    matrix += [0.0, 0.0, 0.0, 1.0, 0.0]
    canvas, image = surface.getCanvas(), surface.makeImageSnapshot()
    if matrix[:5] != [1.0, 0.0, 0.0, 0.0, 0.0]:
        canvas.drawImage(
            image, 0, 0, skia.SamplingOptions(), skia.Paint(ColorFilter=skia.ColorFilters.Matrix(matrix))
        )
    if light.beam is not None:
        width, height = surface.width(), surface.height()
        start = (
            skia.Point(width * source.random(), 0)
            if source.random() < 0.7
            else skia.Point(0, height * source.random())
        )
        end = skia.Point(width - start.x(), height - start.y())
        neutral = WHITE if light.dark else BLACK
        strong = mix(neutral, light.beam, light.beam_strength)
        shader = skia.GradientShader.MakeLinear([start, end], [argb(strong), argb(neutral)], [0.0, 0.85])
        mode = skia.BlendMode.kMultiply if light.dark else skia.BlendMode.kScreen
        canvas.drawPaint(skia.Paint(Shader=shader, BlendMode=mode))


@lru_cache(maxsize=1)
def _noise() -> tuple[skia.Image, skia.Image]:
    """Returns a tile of noise with a deviation of 16 grey levels: what is above the mean, and below it."""
    values = np.random.default_rng(20).normal(0.0, 16.0, (256, 256))
    tiles = []
    for part in (values, -values):
        pixels = np.full((256, 256, 4), 255, np.uint8)
        pixels[:, :, :3] = np.clip(np.rint(part), 0, 255)[:, :, None].astype(np.uint8)
        tiles.append(skia.Image.fromarray(pixels))
    return tiles[0], tiles[1]


def add_grain(canvas: skia.Canvas, deviation: float, source: random.Random) -> None:
    """Adds film grain with that standard deviation, in grey levels of 255."""
    shift = skia.Matrix.Translate(source.randrange(256), source.randrange(256))
    alpha = min(1.0, deviation / 16.0)
    above, below = _noise()
    for tile, mode in ((above, skia.BlendMode.kPlus), (below, skia.BlendMode.kDifference)):
        shader = tile.makeShader(skia.TileMode.kRepeat, skia.TileMode.kRepeat, skia.SamplingOptions(), shift)
        strength = [alpha if row == column else 0.0 for row in range(4) for column in range(5)]
        strength[18] = 1.0
        canvas.drawPaint(
            skia.Paint(Shader=shader, BlendMode=mode, ColorFilter=skia.ColorFilters.Matrix(strength))
        )
