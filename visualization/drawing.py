"""Draws named boxes on pictures and puts pictures together on one sheet."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from boxes.detections import Detections
from visualization.colours import name_colour, text_colour
from visualization.text import fit, one_line, text_mask, text_width

_DARK = (16, 16, 20)
_HALO = 0.55  # how dark the thin line around lines and plates is; without it a light colour is lost on white


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray,
    names: Sequence[str],
    scores: Sequence[float] | np.ndarray | None = None,
    *,
    line_width: int | None = None,
) -> np.ndarray:
    """Draws boxes with their names (and scores in per cent), each name in its own colour.

    Lines and text grow with the picture. A label stands above its box or, where there is no room or
    another label stands already, inside or below it; never outside the picture.

    Args:
        image: uint8 [H, W, 3] RGB; not changed.
        boxes: [N, 4] corners as fractions; what lies outside the picture is cut off.
        names: N names, any script. An empty name leaves the label to the score.
        scores: N scores in 0...1, or None.
        line_width: in pixels; chosen by the picture's size if None.

    Returns:
        A new uint8 [H, W, 3].
    """
    _check_image(image)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    if len(names) != len(boxes) or (scores is not None and len(scores) != len(boxes)):
        raise ValueError(
            f"draw_boxes needs one name (and score) per box; got {len(boxes)} boxes, {len(names)} names"
            + ("." if scores is None else f" and {len(scores)} scores.")
        )
    if not np.isfinite(boxes).all():
        raise ValueError(f"draw_boxes needs finite boxes; got {boxes[~np.isfinite(boxes).all(axis=1)][0]}.")

    canvas = image.copy()
    height, width = image.shape[:2]
    size = _text_size(height, width)
    line = line_width or max(1, round(size / 5.5))
    frames = [_pixels(box, height, width) for box in boxes]
    # The best detection comes first: it is drawn last, over the others, and chooses its label's place first.
    for frame, name in reversed(list(zip(frames, names, strict=True))):
        _draw_frame(canvas, frame, line, name_colour(name))
    taken: list[_Rectangle] = []
    labels = []
    for index, (frame, name) in enumerate(zip(frames, names, strict=True)):
        label = _make_label(name, None if scores is None else float(scores[index]), size, height, width)
        if label is not None:
            place = _place(frame, label.shape[:2], height, width, taken, frames)
            taken.append(place)
            labels.append((place, label))
    for place, label in reversed(labels):
        _draw_label(canvas, place, label, max(1.0, line / 3))
    return canvas


def draw_detections(
    image: np.ndarray, detections: Detections, *, line_width: int | None = None
) -> np.ndarray:
    """`draw_boxes` for what a detector found."""
    boxes, names, scores = detections.boxes, detections.names, detections.scores
    return draw_boxes(image, boxes, names, scores, line_width=line_width)


def mosaic(
    images: Sequence[np.ndarray],
    *,
    columns: int | None = None,
    cell: int | None = None,
    gap: int = 8,
    background: tuple[int, int, int] = (28, 28, 32),
    captions: Sequence[str] | None = None,
) -> np.ndarray:
    """Puts pictures of any sizes on one sheet, row by row.

    Args:
        images: uint8 [H, W, 3] RGB each; at least one.
        columns: pictures per row; None makes the sheet a little wider than high.
        cell: longest side in pixels to which pictures are scaled; None takes that of the largest picture,
            at most 480. Small pictures are enlarged to twice their size at most.
        gap: pixels between and around pictures.
        background: RGB.
        captions: one line of text below each picture, in any script.

    Returns:
        uint8 [h, w, 3].
    """
    if not images:
        raise ValueError("A mosaic needs at least one picture; got none.")
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"A mosaic needs one caption per picture; got {len(captions)} for {len(images)}.")
    if columns is not None and columns < 1:
        raise ValueError(f"A mosaic needs at least one column; got columns={columns}.")
    for image in images:
        _check_image(image)
    cell = cell or min(480, max(max(image.shape[:2]) for image in images))
    tiles = [scale_to(image, cell) for image in images]

    tile_width = max(tile.shape[1] for tile in tiles)
    typical_height = float(np.median([tile.shape[0] for tile in tiles]))
    if columns is None:  # about 4:3
        columns = max(1, round(math.sqrt(len(tiles) * 4 / 3 * typical_height / tile_width)))
    columns = min(columns, len(tiles))
    size = max(11, round(tile_width / 24))
    caption_height = math.ceil(1.6 * size) if captions is not None else 0

    rows = [range(start, min(start + columns, len(tiles))) for start in range(0, len(tiles), columns)]
    row_heights = [max(tiles[i].shape[0] for i in row) + caption_height for row in rows]
    sheet = np.empty(
        (sum(row_heights) + gap * (len(rows) + 1), columns * tile_width + gap * (columns + 1), 3), np.uint8
    )
    sheet[:] = background
    y = gap
    for row, row_height in zip(rows, row_heights, strict=True):
        for column, i in enumerate(row):
            x = gap + column * (tile_width + gap)
            height, width = tiles[i].shape[:2]
            top, left = y + (row_height - caption_height - height) // 2, x + (tile_width - width) // 2
            sheet[top : top + height, left : left + width] = tiles[i]
            if captions is not None:
                text = fit(one_line(captions[i]), size, tile_width)
                _draw_caption(sheet, text, size, (y + row_height - caption_height, x, tile_width), background)
        y += row_height + gap
    return sheet


def scale_to(image: np.ndarray, longest: int) -> np.ndarray:
    """The picture with its longest side `longest` pixels long, but never enlarged more than twice."""
    height, width = image.shape[:2]
    factor = min(longest / max(height, width), 2.0)
    if factor == 1:
        return image
    target = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(image, target, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def save_picture(path: Path, image: np.ndarray) -> None:
    """Writes a picture in the format of the path's suffix, under a temporary name first.

    Args:
        path: its folder exists or is made.
        image: uint8 [H, W, 3] RGB.
    """
    _check_image(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")  # keeps the suffix, which decides the format
    try:
        if path.suffix.lower() in (".jpg", ".jpeg"):
            # Full colour resolution: 4:2:0 smears coloured lines and text.
            Image.fromarray(image).save(temporary, quality=92, subsampling=0)
        else:
            Image.fromarray(image).save(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Rectangle:
    """Whole pixels; `bottom` and `right` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        return max(0, self.bottom - self.top) * max(0, self.right - self.left)

    def overlap(self, other: "_Rectangle") -> int:
        return _Rectangle(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        ).area


def _check_image(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"A picture must be uint8 [H, W, 3] RGB, not {image.dtype} {list(image.shape)}.")


def _text_size(height: int, width: int) -> int:
    """Pixels per em: 15 on a picture of 512 x 512, 31 on 1920 x 1080; less than in proportion on large ones.

    Never so large that a label is higher than a flat picture.
    """
    size = max(11.0, 15 * (math.sqrt(height * width) / 512) ** 0.7)
    return max(1, round(min(size, height / 1.5)))


def _pixels(box: np.ndarray, height: int, width: int) -> _Rectangle:
    """The pixels that a box covers: inside the picture, at least one."""
    top, left, bottom, right = np.clip(box, 0, 1) * (height, width, height, width)
    top, left = min(round(top), height - 1), min(round(left), width - 1)
    return _Rectangle(top, left, max(round(bottom), top + 1), max(round(right), left + 1))


def _distance(area: _Rectangle, shape: _Rectangle, radius: float) -> np.ndarray:
    """Signed distance of each pixel's centre in `area` to a rounded rectangle, negative inside; [h, w]."""
    y = np.arange(area.top, area.bottom, dtype=np.float32) + 0.5
    x = np.arange(area.left, area.right, dtype=np.float32) + 0.5
    dy = np.abs(y - (shape.top + shape.bottom) / 2) - (shape.bottom - shape.top) / 2 + radius
    dx = np.abs(x - (shape.left + shape.right) / 2) - (shape.right - shape.left) / 2 + radius
    outside = np.hypot(np.maximum(dy, 0)[:, None], np.maximum(dx, 0)[None, :])
    return outside + np.minimum(np.maximum(dy[:, None], dx[None, :]), 0) - radius


def _blend(
    canvas: np.ndarray, area: _Rectangle, cover: np.ndarray, colour: np.ndarray | tuple[int, int, int]
) -> None:
    """Lays a colour ([3] or [h, w, 3]) over an area of the canvas, as much as `cover` [h, w] says."""
    part = canvas[area.top : area.bottom, area.left : area.right]
    mixed = part + cover[..., None] * (np.asarray(colour, np.float32) - part)
    part[:] = (mixed + 0.5).astype(np.uint8)


def _draw_frame(canvas: np.ndarray, frame: _Rectangle, line: int, colour: tuple[int, int, int]) -> None:
    """A box's outline, inside the box, with a thin dark halo on both sides."""
    height, width = canvas.shape[:2]
    line = max(1, min(line, (frame.bottom - frame.top) // 8, (frame.right - frame.left) // 8))
    halo = max(1.0, line / 3)
    radius = min(2.0 * line, (frame.bottom - frame.top) / 2, (frame.right - frame.left) / 2)
    out, inner = math.ceil(halo), math.ceil(max(line + halo, radius))
    top, bottom = max(0, frame.top - out), min(height, frame.bottom + out)
    left, right = max(0, frame.left - out), min(width, frame.right + out)
    upper, lower = min(frame.top + inner, bottom), max(frame.bottom - inner, top)
    lower = max(lower, upper)
    west, east = min(frame.left + inner, right), max(frame.right - inner, left)
    east = max(east, west)
    # Only the four strips along the line are computed, not the whole box.
    for strip in (
        _Rectangle(top, left, upper, right),
        _Rectangle(lower, left, bottom, right),
        _Rectangle(upper, left, lower, west),
        _Rectangle(upper, east, lower, right),
    ):
        if strip.area:
            distance = _distance(strip, frame, radius)
            centre = np.abs(distance + line / 2)  # from the middle of the line
            _blend(canvas, strip, _HALO * np.clip(line / 2 + halo + 0.5 - centre, 0, 1), _DARK)
            _blend(canvas, strip, np.clip(line / 2 + 0.5 - centre, 0, 1), colour)


def _make_label(name: str, score: float | None, size: int, height: int, width: int) -> np.ndarray | None:
    """The label as a picture, uint8 [h, w, 3]; None where nothing is to be said or nothing fits."""
    pad_x, pad_y = max(2, round(0.35 * size)), max(1, round(0.18 * size))
    number = "" if score is None else f"{100 * score:.0f}%"
    room = width - 2 * pad_x
    text = one_line(name)
    # A name too long for the picture loses its end; in a very narrow picture the score goes first.
    between = round(0.3 * size) if text and number else 0
    shortened = fit(text, size, room - between - text_width(number, size))
    if text and not shortened:
        number, between, shortened = "", 0, fit(text, size, room)
    if not shortened and not number:
        return None
    mask = np.pad(text_mask(shortened, size, number, between), ((pad_y, pad_y), (pad_x, pad_x)))
    if mask.shape[0] > height or mask.shape[1] > width:
        return None
    plate = name_colour(name)
    back, front = np.asarray(plate, np.float32), np.asarray(text_colour(plate), np.float32)
    return (back + mask[..., None] * (front - back) + 0.5).astype(np.uint8)


def _place(
    frame: _Rectangle,
    label: tuple[int, ...],
    height: int,
    width: int,
    taken: Sequence[_Rectangle],
    frames: Sequence[_Rectangle],
) -> _Rectangle:
    """Where a label of `label` = (height, width) pixels stands: the cheapest of eight places at its box.

    Covering another label costs most, then another box, then its own box; among equals, above and to
    the left is best.
    """
    rows = {
        "above": frame.top - label[0],
        "inside, top": frame.top,
        "below": frame.bottom,
        "inside, bottom": frame.bottom - label[0],
    }
    best, least = None, math.inf
    for order, (row, top) in enumerate(rows.items()):
        if not row.startswith("inside") and not 0 <= top <= height - label[0]:
            continue
        for side, left in enumerate((frame.left, frame.right - label[1])):
            # Boxes at the border or smaller than their label: move it into the picture.
            y, x = min(max(top, 0), height - label[0]), min(max(left, 0), width - label[1])
            place = _Rectangle(y, x, y + label[0], x + label[1])
            covered = sum(place.overlap(other) for other in taken)
            hidden = sum(place.overlap(other) for other in frames if other != frame)
            cost = (10 * covered + hidden + 0.5 * place.overlap(frame)) / place.area + 0.05 * (order + side)
            if cost < least:
                best, least = place, cost
    assert best is not None  # the places inside are always tried
    return best


def _draw_label(canvas: np.ndarray, place: _Rectangle, label: np.ndarray, halo: float) -> None:
    """A label with rounded corners and the same thin halo as the lines have."""
    radius = 0.2 * (place.bottom - place.top)
    out = math.ceil(halo)
    around = _Rectangle(
        max(0, place.top - out),
        max(0, place.left - out),
        min(canvas.shape[0], place.bottom + out),
        min(canvas.shape[1], place.right + out),
    )
    distance = _distance(around, place, radius)
    _blend(canvas, around, _HALO * np.clip(halo + 0.5 - distance, 0, 1), _DARK)
    _blend(canvas, place, np.clip(0.5 - _distance(place, place, radius), 0, 1), label)


def _draw_caption(
    sheet: np.ndarray,
    text: str,
    size: int,
    area: tuple[int, int, int],
    background: tuple[int, int, int],
) -> None:
    """Centred text under a tile; `area` is (top, left, width) in pixels."""
    if not text:
        return
    top, left, width = area
    mask = text_mask(text, size)[: math.ceil(1.6 * size), :width]
    top, left = top + round(0.3 * size), left + (width - mask.shape[1]) // 2
    mask = mask[: sheet.shape[0] - top]
    place = _Rectangle(top, left, top + mask.shape[0], left + mask.shape[1])
    _blend(sheet, place, mask, text_colour(background))
