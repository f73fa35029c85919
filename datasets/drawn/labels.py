"""How much of each head can be seen, and the labels that follow from it, as LabelImg writes them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import skia

from datasets.drawn.crowd import Placed
from datasets.drawn.figure import head_outlines, other_outlines
from datasets.drawn.pen import Style
from datasets.drawn.props import Prop
from datasets.voc import VocObject, touches_border

NEARLY_HIDDEN = 0.20  # a named head of which less can be seen is not placed: nobody would label it
HARD_TO_SEE = 0.45  # below this share a head is labelled difficult
RASTER = 0.35  # resolution at which visibility is measured, relative to the picture
WHOLE = 48  # pixels along the longer side of the raster on which the area of a whole head is measured
OTHER = 255  # grey level of everything that is not a head


@dataclass(frozen=True)
class HeadLabel:
    """A labelled head.

    Attributes:
        name: the character.
        box: (left, top, right, bottom) in pixels, clipped to the picture.
        visible: share of the head's area that can be seen, 0 to 1.
    """

    name: str
    box: tuple[float, float, float, float]
    visible: float


def label_heads(
    figures: tuple[Placed, ...], props: tuple[Prop, ...], style: Style, width: int, height: int
) -> tuple[HeadLabel, ...] | None:
    """Returns the labels, or None when a named head is hidden so far that nobody would label it.

    Args: as `measure_heads`.
    """
    labels = measure_heads(figures, props, style, width, height)
    return None if any(label.visible < NEARLY_HIDDEN for label in labels) else labels


def measure_heads(
    figures: tuple[Placed, ...], props: tuple[Prop, ...], style: Style, width: int, height: int
) -> tuple[HeadLabel, ...]:
    """Returns every named head with the share of it that can be seen, which may be none.

    Args:
        figures: from back to front.
        props: in front of them.
        style: how the figures are drawn.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
    """
    owners = np.zeros((math.ceil(height * RASTER), math.ceil(width * RASTER), 4), np.uint8)  # [H', W', 4]
    canvas = skia.Surface(owners).getCanvas()
    canvas.scale(RASTER, RASTER)
    heads = [head_outlines(figure.person, style, figure.pose) for figure in figures]
    for owner, (figure, head) in enumerate(zip(figures, heads, strict=True), start=1):
        _cover(canvas, other_outlines(figure.person, style, figure.pose), OTHER)
        _cover(canvas, head, owner)
    _cover(canvas, [outline for outline, _ in props], OTHER)

    labels = []
    for owner, (figure, head) in enumerate(zip(figures, heads, strict=True), start=1):
        if figure.person.name is None:
            continue
        seen = np.count_nonzero(owners[:, :, 0] == owner) / RASTER**2
        visible = min(1.0, seen / _area(head, figure.box))
        margin = style.line * figure.pose.unit / 2
        left, top, right, bottom = figure.box
        upper = max(0.0, left - margin), max(0.0, top - margin)
        box = (*upper, min(float(width), right + margin), min(float(height), bottom + margin))
        labels.append(HeadLabel(figure.person.name, box, visible))
    return tuple(labels)


def _cover(canvas: skia.Canvas, paths: list[skia.Path], owner: int) -> None:
    paint = skia.Paint(Color=skia.ColorSetARGB(255, owner, owner, owner), AntiAlias=False)
    for path in paths:
        canvas.drawPath(path, paint)


def _area(head: list[skia.Path], box: tuple[float, float, float, float]) -> float:
    """Returns the area of a whole head, in pixels of the picture."""
    left, top, right, bottom = box
    scale = WHOLE / max(right - left, bottom - top)
    pixels = np.zeros((WHOLE, WHOLE, 4), np.uint8)
    canvas = skia.Surface(pixels).getCanvas()
    canvas.scale(scale, scale)
    canvas.translate(-left, -top)
    _cover(canvas, head, OTHER)
    return np.count_nonzero(pixels[:, :, 0]) / scale**2


def labelled_heads(
    labels: Sequence[HeadLabel], width: int, height: int, *, across: float = 1.0, down: float = 1.0
) -> list[VocObject]:
    """Pixels counted from 1, both ends included, as LabelImg does; a line at the border is left out.

    Args:
        labels: in pixels of the drawing.
        width: of the picture in pixels.
        height: likewise.
        across: how much wider the picture is than the drawing.
        down: how much higher it is.
    """
    objects = []
    for label in labels:
        left, top, right, bottom = label.box
        xmin, ymin = int(left * across) + 1, int(top * down) + 1
        xmax = min(width, max(xmin + 1, round(right * across)))
        ymax = min(height, max(ymin + 1, round(bottom * down)))
        if xmin >= xmax or ymin >= ymax:
            continue
        box = (xmin, ymin, xmax, ymax)
        truncated, difficult = touches_border(box, width, height), label.visible < HARD_TO_SEE
        objects.append(VocObject(label.name, box, truncated=int(truncated), difficult=int(difficult)))
    return objects
