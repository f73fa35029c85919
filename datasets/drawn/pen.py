"""The pen, for figures whose outlines it remembers, and the easel, for places and props that have none."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import skia

from datasets.drawn.colours import Colour, argb, line_colour, shade


def nib(colour: int, width: float) -> skia.Paint:
    """Returns what draws lines with round ends and corners; ``width`` in the canvas's units."""
    paint = skia.Paint(Color=colour, AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=width)
    paint.setStrokeCap(skia.Paint.kRound_Cap)
    paint.setStrokeJoin(skia.Paint.kRound_Join)
    return paint


@dataclass(frozen=True)
class Style:
    """How the figures of an episode are drawn.

    Attributes:
        line: width of the outlines, in head units.
        shading: strength of the cel shadows, about 0.6 to 1.2.
        shine: opacity of the highlight on the hair, 0 to 1.
        soft: whether hair gets a soft gradient under its hard shadows.
    """

    line: float = 0.026
    shading: float = 0.9
    shine: float = 0.8
    soft: bool = True


@dataclass(frozen=True, eq=False)
class Layer:
    """One sheet of a figure, recorded once and played back for every picture that needs it.

    Attributes:
        picture: the recorded drawing.
        outlines: of everything on the sheet, to know what it hides.
        head: those outlines of which the head's box is made (may be none).
        depth: how far the sheet slides sideways, in head units, when the head turns fully.
        hang: how much the sheet keeps pointing down when the head tilts: 0 not at all, 1 fully.
        pivot: where it hangs from.
    """

    picture: skia.Picture
    outlines: tuple[skia.Path, ...]
    head: tuple[skia.Path, ...] = ()
    depth: float = 0.0
    hang: float = 0.0
    pivot: tuple[float, float] = (0.0, 0.0)


class Pen:
    """Draws on a canvas in a style; ``outlines`` collects the shapes drawn."""

    def __init__(self, canvas: skia.Canvas, style: Style) -> None:
        self.canvas = canvas
        self.style = style
        self.outlines: list[skia.Path] = []

    def fill(self, path: skia.Path, colour: Colour, alpha: float = 1.0) -> None:
        """Fills a path, without an outline; detail inside a shape, so it is not collected."""
        self.canvas.drawPath(path, skia.Paint(Color=argb(colour, alpha), AntiAlias=True))

    def gradient(
        self,
        path: skia.Path,
        start: tuple[float, float],
        end: tuple[float, float],
        stops: list[tuple[float, Colour, float]],
    ) -> None:
        """Fills a path with a linear gradient; a stop is (place 0...1, colour, alpha)."""
        shader = skia.GradientShader.MakeLinear(
            [skia.Point(*start), skia.Point(*end)],
            [argb(colour, alpha) for _, colour, alpha in stops],
            [place for place, _, _ in stops],
        )
        self.canvas.drawPath(path, skia.Paint(Shader=shader, AntiAlias=True, Dither=False))

    def line(self, path: skia.Path, colour: Colour, width: float = 1.0, alpha: float = 1.0) -> None:
        """Draws along a path with a round nib; width 1 is the style's own line."""
        self.canvas.drawPath(path, nib(argb(colour, alpha), self.style.line * width))

    def shape(
        self, path: skia.Path, colour: Colour, *, line: Colour | None = None, width: float = 1.0
    ) -> None:
        """Fills and outlines a path: the line is heavier below and to the right, as a hand would draw it."""
        edge = line_colour(colour) if line is None else line
        if width > 0:
            slip = self.style.line * 0.45 * width
            self.canvas.save()
            self.canvas.translate(slip * 0.5, slip)
            self.line(path, edge, width)
            self.canvas.restore()
            self.line(path, edge, width)
        self.fill(path, colour)
        outline = skia.Path()
        path.transform(self.canvas.getTotalMatrix(), outline)
        self.outlines.append(outline)

    def shadow(self, colour: Colour) -> Colour:
        """Returns a colour as it looks in shadow in this style."""
        return shade(colour, self.style.shading)

    @contextmanager
    def through(self, matrix: skia.Matrix) -> Iterator[None]:
        """Draws seen through a matrix."""
        self.canvas.save()
        self.canvas.concat(matrix)
        yield
        self.canvas.restore()

    @contextmanager
    def inside(self, path: skia.Path) -> Iterator[None]:
        """Draws only inside a path."""
        self.canvas.save()
        self.canvas.clipPath(path, skia.ClipOp.kIntersect, True)
        yield
        self.canvas.restore()


def record(
    style: Style,
    draw: Callable[[Pen], None],
    *,
    head: bool = False,
    depth: float = 0.0,
    hang: float = 0.0,
    pivot: tuple[float, float] = (0.0, 0.0),
) -> Layer:
    """Returns what ``draw`` draws, as a layer; ``head`` says whether it counts as a part of the head."""
    recorder = skia.PictureRecorder()
    pen = Pen(recorder.beginRecording(skia.Rect.MakeLTRB(-8, -8, 8, 16)), style)
    draw(pen)
    outlines = tuple(pen.outlines)
    return Layer(recorder.finishRecordingAsPicture(), outlines, outlines if head else (), depth, hang, pivot)


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
