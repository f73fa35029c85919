"""Strokes of paint on a canvas, for everything that has no outline of its own: places and props."""

from collections.abc import Sequence
from dataclasses import dataclass

import skia

from datasets.drawn.colours import Colour, argb


def nib(colour: int, width: float) -> skia.Paint:
    """Returns what draws lines with round ends and corners; ``width`` in the canvas's units."""
    paint = skia.Paint(Color=colour, AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=width)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    paint.setStrokeJoin(skia.Paint.kRound_Join)
    return paint


@dataclass(frozen=True)
class Easel:
    """A canvas of ``width`` by ``height`` pixels, and the ways of painting on it."""

    canvas: skia.Canvas
    width: float
    height: float

    def paint(self, path: skia.Path, base: Colour, alpha: float = 1.0) -> None:
        """Fills a path."""
        self.canvas.drawPath(path, skia.Paint(Color=argb(base, alpha), AntiAlias=True))

    def trace(self, path: skia.Path, base: Colour, width: float, alpha: float = 1.0) -> None:
        """Draws along a path with a round nib; ``width`` in pixels."""
        self.canvas.drawPath(path, nib(argb(base, alpha), width))

    def rect(
        self, left: float, top: float, right: float, bottom: float, base: Colour, alpha: float = 1.0
    ) -> None:
        """Fills a rectangle."""
        paint = skia.Paint(Color=argb(base, alpha), AntiAlias=True)
        self.canvas.drawRect(skia.Rect.MakeLTRB(left, top, right, bottom), paint)

    def area(
        self, left: float, top: float, right: float, bottom: float, base: Colour, alpha: float = 1.0
    ) -> None:
        """Fills a rectangle whose sides are fractions of the width and height."""
        width, height = self.width, self.height
        self.rect(width * left, height * top, width * right, height * bottom, base, alpha)

    def disc(self, x: float, y: float, radius: float, base: Colour, alpha: float) -> None:
        """Fills a circle."""
        self.canvas.drawCircle(x, y, radius, skia.Paint(Color=argb(base, alpha), AntiAlias=True))

    def wash(
        self, stops: Sequence[tuple[float, Colour]], top: float = 0.0, bottom: float | None = None
    ) -> None:
        """Fills the width with a vertical gradient; a stop is (place 0...1, colour)."""
        low = self.height if bottom is None else bottom
        shader = skia.GradientShader.MakeLinear(
            [skia.Point(0, top), skia.Point(0, low)],
            [argb(base) for _, base in stops],
            [place for place, _ in stops],
        )
        self.canvas.drawRect(skia.Rect.MakeLTRB(0, top, self.width, low), skia.Paint(Shader=shader))

    def shine(self, x: float, y: float, radius: float, base: Colour, alpha: float) -> None:
        """Draws a glow that fades out towards ``radius``."""
        ends = [argb(base, alpha), argb(base, 0.0)]
        shader = skia.GradientShader.MakeRadial(skia.Point(x, y), radius, ends)
        self.canvas.drawCircle(x, y, radius, skia.Paint(Shader=shader, AntiAlias=True))
