"""Brings pictures to a size and puts them together on one sheet."""

import math
from collections.abc import Sequence

import numpy as np

from boxes.detections import Detections
from visualization.colours import text_colour
from visualization.drawing import Rectangle, blend, check_image, draw_detections
from visualization.text import fit, one_line, text_mask

_SHEET = (28, 28, 32)  # behind the pictures


def contact_sheet(
    images: Sequence[np.ndarray],
    *,
    columns: int | None = None,
    cell: int | None = None,
    gap: int = 8,
    captions: Sequence[str] | None = None,
    detections: Sequence[Detections] | None = None,
) -> np.ndarray:
    """Puts pictures of any sizes on one sheet, row by row in a grid: uint8 [h, w, 3].

    Args:
        images: uint8 [H, W, 3] RGB each; at least one.
        columns: pictures per row; None makes the sheet a little wider than high.
        cell: longest side in pixels to which pictures are scaled, small ones at most doubled; None takes that
            of the largest picture, at most 480.
        gap: pixels between and around pictures.
        captions: one line of text below each picture, in any script.
        detections: drawn on each picture after it is scaled, so that the labels have a readable size.
    """
    if not images:
        raise ValueError("A contact sheet needs at least one picture; got none.")
    for what, given in (("caption", captions), ("Detections", detections)):
        if given is not None and len(given) != len(images):
            raise ValueError(f"A sheet needs one {what} per picture; got {len(given)} for {len(images)}.")
    if columns is not None and columns < 1:
        raise ValueError(f"A contact sheet needs at least one column; got columns={columns}.")
    for image in images:
        check_image(image)
    cell = cell or min(480, max(max(image.shape[:2]) for image in images))
    size = max(11, round(cell / 26))
    below = math.ceil(1.6 * size) if captions is not None else 0
    slots = _grid([_scaled_shape(image, cell) for image in images], columns, gap, below)

    height, width = max(slot.bottom for slot in slots) + below + gap, max(slot.right for slot in slots) + gap
    sheet = np.full((height, width, 3), _SHEET, np.uint8)
    for i, (image, slot) in enumerate(zip(images, slots, strict=True)):
        tile = scale_to(image, cell)
        if detections is not None:
            tile = draw_detections(tile, detections[i])
        top = slot.top + (slot.height - tile.shape[0]) // 2
        left = slot.left + (slot.width - tile.shape[1]) // 2
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
        if captions is not None:
            top = slot.bottom + round(0.3 * size)
            mask = text_mask(fit(one_line(captions[i]), size, slot.width), size)[: min(below, height - top)]
            left = slot.left + (slot.width - mask.shape[1]) // 2
            place = Rectangle(top, left, top + mask.shape[0], left + mask.shape[1])
            blend(sheet, place, mask, text_colour(_SHEET))
    return sheet


def _grid(shapes: Sequence[tuple[int, int]], columns: int | None, gap: int, below: int) -> list[Rectangle]:
    """Slots of equal width, and of equal height in a row, for pictures of these (height, width) pixels."""
    width = max(shape[1] for shape in shapes)
    if columns is None:  # about 4:3
        height = float(np.median([shape[0] for shape in shapes]))
        columns = max(1, round(math.sqrt(len(shapes) * 4 / 3 * height / width)))
    slots, top = [], gap
    for start in range(0, len(shapes), columns):
        row = shapes[start : start + columns]
        height = max(shape[0] for shape in row)
        lefts = [gap + column * (width + gap) for column in range(len(row))]
        slots += [Rectangle(top, left, top + height, left + width) for left in lefts]
        top += height + below + gap
    return slots


def scale_to(image: np.ndarray, longest: int) -> np.ndarray:
    """The picture with its longest side `longest` pixels long, but never enlarged more than twice."""
    height, width = _scaled_shape(image, longest)
    if (height, width) == image.shape[:2]:
        return image
    import cv2  # no --help waits for it

    smaller = height * width < image.shape[0] * image.shape[1]
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def _scaled_shape(image: np.ndarray, longest: int) -> tuple[int, int]:
    """(height, width) with the longest side `longest` pixels long, but at most twice the picture's size."""
    height, width = image.shape[:2]
    factor = min(longest / max(height, width), 2.0)
    return max(1, round(height * factor)), max(1, round(width * factor))
