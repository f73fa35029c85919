"""One line of text, whatever it says, as a mask to blend onto a picture."""

import bisect
import math
import unicodedata

import numpy as np
from PIL import Image, ImageDraw

from visualization.fonts import font_runs

_JOINERS = "\u200c\u200d"  # they shape letters in Persian and in the scripts of India
# Longer than any picture is wide; keeps the work on a hostile name small.
_MOST_CHARACTERS = 400


def one_line(text: str) -> str:
    """The text as it can be shown in one line.

    Line breaks and tabs become spaces; control characters and marks that turn the writing direction
    (they could reverse what stands beside them) disappear; half surrogates become U+FFFD.
    """
    kept = []
    for character in unicodedata.normalize("NFC", text[: 2 * _MOST_CHARACTERS]):
        category = unicodedata.category(character)
        if category in ("Zl", "Zp", "Zs") or character in "\t\n\v\f\r":
            kept.append(" ")
        elif category == "Cs":
            kept.append("\ufffd")
        elif category not in ("Cc", "Cf") or character in _JOINERS:
            kept.append(character)
    line = " ".join("".join(kept).split())
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + "…"


def text_width(text: str, size: int) -> int:
    """Width in pixels of a line of clean text."""
    return math.ceil(sum(font.getlength(run) for run, font in font_runs(text, size)))


def fit(text: str, size: int, width: float) -> str:
    """The text, its end replaced by an ellipsis if it is wider than `width` pixels; "" if no letter fits."""
    if text_width(text, size) <= width:
        return text
    # The most characters before the ellipsis.
    low = bisect.bisect(range(len(text)), width, key=lambda count: text_width(text[:count] + "…", size)) - 1
    while low > 0 and (unicodedata.category(text[low])[0] == "M" or text[low] in _JOINERS):
        low -= 1  # do not part a letter from its marks
    return text[:low].rstrip() + "…" if low > 0 else ""


def text_mask(text: str, size: int, after: str = "", gap: int = 0) -> np.ndarray:
    """A line of clean text, drawn.

    Args:
        text: what `one_line` returns.
        size: pixels per em.
        after: more clean text to the right, whatever the writing direction of the first.
        gap: pixels between the two.

    Returns:
        float32 [h, w], 1 where the text covers the pixel. The height is that of the line, the same for
        all Latin, Greek, Cyrillic, Chinese, Japanese and Korean text of a size.
    """
    x, placed = 0.0, []
    for part, then in ((text, gap), (after, 0)):
        for run, font in font_runs(part, size):
            placed.append((x, run, font))
            x += font.getlength(run)
        x += then
    # Capital letters, kanji and descenders of the shipped font lie within these; other scripts can reach
    # further, and stacked marks are cut off at one and a half ems.
    top, bottom = 0.90 * size, 0.26 * size
    for _, run, font in placed:
        box = font.getbbox(run, anchor="ls")
        top, bottom = max(top, min(-box[1], 1.5 * size)), max(bottom, min(box[3], 0.8 * size))
    top, bottom = math.ceil(top), math.ceil(bottom)
    mask = Image.new("L", (max(1, math.ceil(x)), top + bottom))
    draw = ImageDraw.Draw(mask)
    for left, run, font in placed:
        draw.text((left, top), run, fill=255, font=font, anchor="ls")
    return np.asarray(mask, np.float32) / 255
