"""The labels of drawn heads as LabelImg writes them."""

from collections.abc import Sequence

from datasets.drawn.visibility import HARD_TO_SEE, HeadLabel
from datasets.voc import VocObject, touches_border


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
        objects.append(
            VocObject(
                label.name,
                box,
                truncated=int(touches_border(box, width, height)),
                difficult=int(label.visible < HARD_TO_SEE),
            )
        )
    return objects
