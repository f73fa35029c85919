"""Draws named boxes on pictures, brings pictures to a size and puts them together on one sheet."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from boxes.detections import Detections
from visualization.colours import name_colour, text_colour
from visualization.text import fit, one_line, text_mask, text_width

_DARK, _SHEET = (16, 16, 20), (28, 28, 32)  # around lines and plates; behind the pictures of a sheet
_HALO = 0.55  # how dark the thin line around lines and plates is; without it a light colour is lost on white


class Rectangle(NamedTuple):
    """Whole pixels; `bottom` and `right` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    def grown(self, by: int, canvas: np.ndarray) -> "Rectangle":
        """So many pixels larger on each side, but not larger than the canvas."""
        sides = np.add(self, (-by, -by, by, by)).clip(0, np.tile(canvas.shape[:2], 2))
        return Rectangle(*sides.tolist())


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray,
    names: Sequence[str],
    scores: Sequence[float] | np.ndarray | None = None,
) -> np.ndarray:
    """Draws boxes with their names (and scores in per cent), each name in its own colour.

    Lines and text grow with the picture, a new uint8 [H, W, 3] RGB. A label stands above its box or, where
    there is no room or another label stands already, inside or below it; never outside the picture.

    Args:
        boxes: [N, 4] corners as fractions; what lies outside the picture is cut off.
        names: N names, any script. An empty name leaves the label to the score, in 0...1.
    """
    check_image(image)
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    if len(names) != len(boxes) or (scores is not None and len(scores) != len(boxes)):
        got = f"{len(boxes)} boxes, {len(names)} names, {0 if scores is None else len(scores)} scores"
        raise ValueError(f"draw_boxes needs one name (and score) per box; got {got}.")
    if not np.isfinite(boxes).all():
        raise ValueError(f"draw_boxes needs finite boxes; got {boxes[~np.isfinite(boxes).all(axis=1)][0]}.")

    canvas, (height, width) = image.copy(), image.shape[:2]
    size = _text_size(height, width)
    line = max(1, round(size / 5.5))
    frames = [_pixels(box, height, width) for box in boxes]
    # The best detection comes first: it is drawn last, over the others, and chooses its label's place first.
    for frame, name in reversed(list(zip(frames, names, strict=True))):
        _draw_frame(canvas, frame, line, name_colour(name))
    taken: list[Rectangle] = []
    labels = []
    for index, (frame, name) in enumerate(zip(frames, names, strict=True)):
        label = _make_label(name, None if scores is None else float(scores[index]), size, height, width)
        if label is not None:
            taken.append(_place(frame, label.shape[:2], height, width, taken, frames))
            labels.append(label)
    halo = max(1.0, line / 3)
    for place, label in reversed(list(zip(taken, labels, strict=True))):
        # With rounded corners, and the same thin halo as the lines have.
        around, radius = place.grown(math.ceil(halo), canvas), 0.2 * place.height
        away = _distance(around, place, radius)
        blend(canvas, around, _HALO * np.clip(halo + 0.5 - away, 0, 1), _DARK)
        blend(canvas, place, np.clip(0.5 - _distance(place, place, radius), 0, 1), label)
    return canvas


def draw_detections(image: np.ndarray, detections: Detections) -> np.ndarray:
    """`draw_boxes` for what a detector found."""
    return draw_boxes(image, detections.boxes, detections.names, detections.scores)


def check_image(image: np.ndarray) -> None:
    """Demands that a picture is uint8 [H, W, 3] with pixels."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"A picture must be uint8 [H, W, 3] RGB, not {image.dtype} {list(image.shape)}.")


def _text_size(height: int, width: int) -> int:
    """Pixels per em: 15 on a picture of 512 x 512, 31 on 1920 x 1080; less than in proportion on large ones.

    Never so large that a label is higher than a flat picture.
    """
    size = max(11.0, 15 * (math.sqrt(height * width) / 512) ** 0.7)
    return max(1, round(min(size, height / 1.5)))


def _pixels(box: np.ndarray, height: int, width: int) -> Rectangle:
    """The pixels that a box covers: inside the picture, at least one."""
    top, left, bottom, right = np.clip(box, 0, 1) * (height, width, height, width)
    top, left = min(round(top), height - 1), min(round(left), width - 1)
    return Rectangle(top, left, max(round(bottom), top + 1), max(round(right), left + 1))


def _draw_frame(canvas: np.ndarray, frame: Rectangle, line: int, colour: tuple[int, int, int]) -> None:
    """A box's outline, inside the box, with a thin dark halo on both sides."""
    line = max(1, min(line, frame.height // 8, frame.width // 8))
    halo = max(1.0, line / 3)
    radius = min(2.0 * line, frame.height / 2, frame.width / 2)
    inner = math.ceil(max(line + halo, radius))
    top, left, bottom, right = frame.grown(math.ceil(halo), canvas)
    upper, west = min(frame.top + inner, bottom), min(frame.left + inner, right)
    lower, east = max(frame.bottom - inner, upper), max(frame.right - inner, west)
    # Only the four strips along the line are computed, not the whole box.
    for strip in (
        Rectangle(top, left, upper, right),
        Rectangle(lower, left, bottom, right),
        Rectangle(upper, left, lower, west),
        Rectangle(upper, east, lower, right),
    ):
        if strip.height > 0 < strip.width:
            centre = np.abs(_distance(strip, frame, radius) + line / 2)  # from the middle of the line
            blend(canvas, strip, _HALO * np.clip(line / 2 + halo + 0.5 - centre, 0, 1), _DARK)
            blend(canvas, strip, np.clip(line / 2 + 0.5 - centre, 0, 1), colour)


def _make_label(name: str, score: float | None, size: int, height: int, width: int) -> np.ndarray | None:
    """The label as a picture, uint8 [h, w, 3]; None where nothing is to be said or nothing fits."""
    pad_x, pad_y = max(2, round(0.35 * size)), max(1, round(0.18 * size))
    number = "" if score is None else f"{100 * score:.0f}%"
    room, text = width - 2 * pad_x, one_line(name)
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
    frame: Rectangle,
    label: tuple[int, ...],
    height: int,
    width: int,
    taken: Sequence[Rectangle],
    frames: Sequence[Rectangle],
) -> Rectangle:
    """Where a label of `label` = (height, width) pixels stands: the cheapest of eight places at its box.

    Covering another label costs most, then another box, then its own box; among equals, above and to
    the left is best.
    """
    places, preference = [], []
    # Above, inside, below, inside at the foot.
    for row, top in enumerate((frame.top - label[0], frame.top, frame.bottom, frame.bottom - label[0])):
        if row in (0, 2) and not 0 <= top <= height - label[0]:
            continue
        for side, left in enumerate((frame.left, frame.right - label[1])):
            # Boxes at the border or smaller than their label: move it into the picture.
            y, x = min(max(top, 0), height - label[0]), min(max(left, 0), width - label[1])
            places.append(Rectangle(y, x, y + label[0], x + label[1]))
            preference.append(0.05 * (row + side))
    # `frames` has the label's own box too, which counts half.
    covered = 10 * _overlaps(places, taken) + _overlaps(places, frames) - 0.5 * _overlaps(places, [frame])
    return places[int(np.argmin(covered / (label[0] * label[1]) + np.array(preference)))]


def _overlaps(places: Sequence[Rectangle], others: Sequence[Rectangle]) -> np.ndarray:
    """How many pixels of each place the others cover, counted once for each of them: float64 [places]."""
    a, b = (np.array(some, np.float64).reshape(-1, 4) for some in (places, others))
    sides = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])  # [places, others, 2]
    return np.prod(np.maximum(sides, 0), axis=-1).sum(axis=-1)


def _distance(area: Rectangle, shape: Rectangle, radius: float) -> np.ndarray:
    """Signed distance of each pixel's centre in `area` to a rounded rectangle, negative inside; [h, w]."""
    y = np.arange(area.top, area.bottom, dtype=np.float32) + 0.5
    x = np.arange(area.left, area.right, dtype=np.float32) + 0.5
    dy = np.abs(y - (shape.top + shape.bottom) / 2) - shape.height / 2 + radius
    dx = np.abs(x - (shape.left + shape.right) / 2) - shape.width / 2 + radius
    outside = np.hypot(np.maximum(dy, 0)[:, None], np.maximum(dx, 0)[None, :])
    return outside + np.minimum(np.maximum(dy[:, None], dx[None, :]), 0) - radius


def blend(
    canvas: np.ndarray, area: Rectangle, cover: np.ndarray, colour: np.ndarray | tuple[int, int, int]
) -> None:
    """Lays a colour ([3] or [h, w, 3]) over an area of the canvas, as much as `cover` [h, w] says."""
    part = canvas[area.top : area.bottom, area.left : area.right]
    mixed = part + cover[..., None] * (np.asarray(colour, np.float32) - part)
    part[:] = (mixed + 0.5).astype(np.uint8)


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
    for image in images:
        check_image(image)
    cell = cell or min(480, max(max(image.shape[:2]) for image in images))
    size = max(11, round(cell / 26))
    below = math.ceil(1.6 * size) if captions is not None else 0
    tiles = [scale_to(image, cell) for image in images]
    slots = _grid([tile.shape[:2] for tile in tiles], columns, gap, below)

    height, width = max(slot.bottom for slot in slots) + below + gap, max(slot.right for slot in slots) + gap
    sheet = np.full((height, width, 3), _SHEET, np.uint8)
    for i, (tile, slot) in enumerate(zip(tiles, slots, strict=True)):
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
    factor = min(longest / max(image.shape[:2]), 2.0)
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    import cv2  # no --help waits for it

    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
