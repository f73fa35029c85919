"""The pen, for figures whose outlines it remembers, and the easel, for places and props that have none."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import skia

from datasets.drawn.colours import Colour, argb, line_colour, shade
from datasets.drawn.curves import Point, moved

# (place 0...1, colour, alpha)
Stop = tuple[float, Colour, float]


def _fading(start: Point, end: Point, stops: Sequence[Stop]) -> skia.Shader:
    places, tones = [place for place, _, _ in stops], [argb(tone, alpha) for _, tone, alpha in stops]
    return skia.GradientShader.MakeLinear([skia.Point(*start), skia.Point(*end)], tones, places)


@lru_cache(maxsize=4096)
def _paint(colour: Colour, alpha: float, width: float | None = None) -> skia.Paint:
    """Of one colour; a width is that of a round nib."""
    if width is None:
        return skia.Paint(Color=argb(colour, alpha), AntiAlias=True)
    nib = {"Style": skia.Paint.kStroke_Style, "StrokeWidth": width}
    nib |= {"StrokeCap": skia.Paint.kRound_Cap, "StrokeJoin": skia.Paint.kRound_Join}
    return skia.Paint(Color=argb(colour, alpha), AntiAlias=True, **nib)


class Brush:
    """The ways of painting on a canvas."""

    def __init__(self, canvas: skia.Canvas) -> None:
        self.canvas = canvas

    def fill(self, path: skia.Path, colour: Colour, alpha: float = 1.0) -> None:
        """Fills a path, without an outline."""
        self.canvas.drawPath(path, _paint(colour, alpha))

    def trace(self, path: skia.Path, colour: Colour, width: float, alpha: float = 1.0) -> None:
        """Draws along a path with a round nib; ``width`` in the canvas's units."""
        self.canvas.drawPath(path, _paint(colour, alpha, width))

    def gradient(self, path: skia.Path, start: Point, end: Point, stops: Sequence[Stop]) -> None:
        """Fills a path with a linear gradient."""
        self.canvas.drawPath(path, skia.Paint(Shader=_fading(start, end, stops), AntiAlias=True))

    def shine(self, x: float, y: float, radius: float, base: Colour, alpha: float) -> None:
        """Draws a glow that fades out towards ``radius``."""
        ends = [argb(base, alpha), argb(base, 0.0)]
        shader = skia.GradientShader.MakeRadial(skia.Point(x, y), radius, ends)
        self.canvas.drawCircle(x, y, radius, skia.Paint(Shader=shader, AntiAlias=True))

    @contextmanager
    def through(self, matrix: skia.Matrix) -> Iterator[None]:
        """Draws seen through a matrix."""
        with skia.AutoCanvasRestore(self.canvas):
            self.canvas.concat(matrix)
            yield

    @contextmanager
    def at(self, x: float, y: float, turn: float = 0, across: float = 1, down: float = 1) -> Iterator[None]:
        """Draws around (x, y), turned by degrees and scaled."""
        with skia.AutoCanvasRestore(self.canvas):
            self.canvas.translate(x, y)
            self.canvas.rotate(turn)
            self.canvas.scale(across, down)
            yield

    @contextmanager
    def inside(self, path: skia.Path) -> Iterator[None]:
        """Draws only inside a path."""
        with skia.AutoCanvasRestore(self.canvas):
            self.canvas.clipPath(path, skia.ClipOp.kIntersect, True)
            yield


@dataclass(frozen=True)
class Style:
    """How the figures of an episode are drawn."""

    line: float = 0.026  # width of the outlines, in head units
    shading: float = 0.9  # strength of the cel shadows, about 0.6 to 1.2
    shine: float = 0.8  # opacity of the highlight on the hair, 0 to 1
    soft: bool = True  # whether hair gets a soft gradient under its hard shadows


class Pen(Brush):
    """Draws on a canvas in a style; ``outlines`` collects the shapes, not what is filled inside them."""

    def __init__(self, canvas: skia.Canvas, style: Style) -> None:
        super().__init__(canvas)
        self.style = style
        self.outlines: list[skia.Path] = []

    def line(self, path: skia.Path, colour: Colour, width: float = 1.0, alpha: float = 1.0) -> None:
        """Draws along a path; width 1 is the style's own line."""
        self.trace(path, colour, self.style.line * width, alpha)

    def shape(self, path: skia.Path, colour: Colour, width: float = 1.0, line: Colour | None = None) -> None:
        """Fills and outlines a path: the line is heavier below and to the right, as a hand would draw it."""
        edge = line_colour(colour) if line is None else line
        slip = self.style.line * 0.45 * width
        with self.at(slip * 0.5, slip):
            self.line(path, edge, width)
        self.line(path, edge, width)
        self.fill(path, colour)
        self.outlines.append(moved(path, self.canvas.getTotalMatrix()))

    def shadow(self, colour: Colour) -> Colour:
        """Returns a colour as it looks in shadow in this style."""
        return shade(colour, self.style.shading)


@dataclass(frozen=True, eq=False)
class Layer:
    """One sheet of a figure, recorded once and played back for every picture that needs it."""

    picture: skia.Picture  # the recorded drawing
    outlines: tuple[skia.Path, ...]  # of everything on the sheet, to know what it hides
    head: tuple[skia.Path, ...] = ()  # those outlines of which the head's box is made (may be none)
    depth: float = 0.0  # how far the sheet slides sideways, in head units, when the head turns fully
    hang: float = 0.0  # how much the sheet keeps pointing down when the head tilts: 0 not at all, 1 fully
    pivot: Point = (0.0, 0.0)  # where it hangs from


def record(style: Style, draw: Callable[[Pen], None], *, head: bool = False, **place: Any) -> Layer:
    """Returns what ``draw`` draws, as a layer; ``head`` says whether it counts as a part of the head."""
    recorder = skia.PictureRecorder()
    pen = Pen(recorder.beginRecording(skia.Rect.MakeLTRB(-8, -8, 8, 16)), style)
    draw(pen)
    outlines = tuple(pen.outlines)
    return Layer(recorder.finishRecordingAsPicture(), outlines, outlines if head else (), **place)


class Easel(Brush):
    """A canvas of ``width`` by ``height`` pixels, and what is painted of it in one stroke."""

    def __init__(self, canvas: skia.Canvas, width: float, height: float) -> None:
        super().__init__(canvas)
        self.width, self.height = width, height

    def rect(
        self, left: float, top: float, right: float, bottom: float, base: Colour, alpha: float = 1.0
    ) -> None:
        self.canvas.drawRect(skia.Rect.MakeLTRB(left, top, right, bottom), _paint(base, alpha))

    def disc(self, x: float, y: float, radius: float, base: Colour, alpha: float) -> None:
        self.canvas.drawCircle(x, y, radius, _paint(base, alpha))

    def wash(self, stops: Sequence[tuple[float, Colour]], top: float = 0, bottom: float = 0) -> None:
        """Fills the width with a vertical gradient, to the bottom if not told; a stop is (place, colour)."""
        low = bottom or self.height
        shader = _fading((0, top), (0, low), [(place, base, 1.0) for place, base in stops])
        self.canvas.drawRect(skia.Rect.MakeLTRB(0, top, self.width, low), skia.Paint(Shader=shader))
