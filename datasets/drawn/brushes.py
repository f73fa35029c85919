"""Strokes of paint on a canvas, for everything that has no outline of its own: places and props."""

import skia

from datasets.drawn.colours import Colour, argb


def paint(canvas: skia.Canvas, path: skia.Path, base: Colour, alpha: float = 1.0) -> None:
    """Fills a path."""
    canvas.drawPath(path, skia.Paint(Color=argb(base, alpha), AntiAlias=True))


def trace(canvas: skia.Canvas, path: skia.Path, base: Colour, width: float, alpha: float = 1.0) -> None:
    """Draws along a path with a round nib; ``width`` in pixels."""
    canvas.drawPath(
        path,
        skia.Paint(
            Color=argb(base, alpha),
            AntiAlias=True,
            Style=skia.Paint.kStroke_Style,
            StrokeWidth=width,
            StrokeCap=skia.Paint.kRound_Cap,
            StrokeJoin=skia.Paint.kRound_Join,
        ),
    )


def rect(
    canvas: skia.Canvas,
    left: float,
    top: float,
    right: float,
    bottom: float,
    base: Colour,
    alpha: float = 1.0,
) -> None:
    """Fills a rectangle."""
    canvas.drawRect(
        skia.Rect.MakeLTRB(left, top, right, bottom), skia.Paint(Color=argb(base, alpha), AntiAlias=True)
    )


def wash(
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


def shine(canvas: skia.Canvas, x: float, y: float, radius: float, base: Colour, alpha: float) -> None:
    """Draws a glow that fades out towards ``radius``."""
    shader = skia.GradientShader.MakeRadial(skia.Point(x, y), radius, [argb(base, alpha), argb(base, 0.0)])
    canvas.drawCircle(x, y, radius, skia.Paint(Shader=shader, AntiAlias=True))
