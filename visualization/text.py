"""One line of text, whatever it says: what can be shown of it, in which fonts, how wide, and as a mask.

Noto Sans CJK, shipped through PyPI, draws Chinese, Japanese, Korean, Latin and Cyrillic. For other scripts a
font of the system (or of Matplotlib, whose DejaVu Sans knows Greek, Arabic, Hebrew, Armenian...) is looked up
by the characters it has.
"""

import bisect
import functools
import math
import unicodedata
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from files.reading import as_utf8

_JOINERS = "\u200c\u200d"  # they shape letters in Persian and in the scripts of India
# Longer than any picture is wide; keeps the work on a hostile name small.
_MOST_CHARACTERS = 400
# These have a glyph for characters they cannot show (boxes, blanks) or map letters to symbols.
_NOT_FOR_TEXT = ("last resort", "lastresort", "blank", "unifont", "stix", "symbol", "color", "dingbats")


def one_line(text: str) -> str:
    """The text as it can be shown in one line.

    Line breaks and tabs become spaces; control characters and marks that turn the writing direction
    (they could reverse what stands beside them) disappear; a file name's bytes that are no text are escaped.
    """
    shown = unicodedata.normalize("NFC", as_utf8(text[: 2 * _MOST_CHARACTERS]))
    hidden = {one for one in shown if unicodedata.category(one) in ("Cc", "Cf") and not one.isspace()}
    line = " ".join("".join(one for one in shown if one in _JOINERS or one not in hidden).split())
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
    """A line of what `one_line` returns, drawn with `size` pixels per em.

    And `gap` pixels to its right, whatever its writing direction, more of it.

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


@functools.lru_cache(maxsize=1)
def shipped_font() -> Path:
    """The file of the font that comes with the project."""
    import noto_cjk

    return Path(noto_cjk.font_path("sans", "jp", "bold"))


def font_runs(text: str, size: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
    """The text cut into runs with a font each, in the order of writing.

    Mostly this is one run. Text that mixes scripts takes several fonts; a character that no font has
    is replaced by its code point (`<0E01>`), so that different names still look different, and a
    warning says once what to install. Of one line, any script, with `size` pixels per em; no run is empty.
    """
    whole = _font_with(_needed(text))
    if whole is not None:
        return [(text, _load(*whole, size))] if text else []

    runs: list[tuple[str, tuple[Path, int] | None]] = []
    for character in text:
        # Marks, joiners and spaces stay with what they follow, so that shaping sees them together.
        clings = unicodedata.category(character)[0] in "MZ" or not _needed(character)
        found = runs[-1][1] if runs and clings else _font_with(frozenset(character))
        if runs and runs[-1][1] == found:
            runs[-1] = (runs[-1][0] + character, found)
        else:
            runs.append((character, found))
    for run in (run for run, found in runs if found is None):
        first = next(character for character in run if not character.isspace())
        _warn_of(unicodedata.name(first, "unnamed").split()[0].title())
    return [
        (run, _load(*found, size)) if found else (_code_points(run), _load(shipped_font(), 0, size))
        for run, found in runs
    ]


def _needed(text: str) -> frozenset[str]:
    """The characters that need a glyph: not joiners, variation selectors and other invisible ones."""
    return frozenset(c for c in text if unicodedata.category(c) != "Cf" and not "\ufe00" <= c <= "\ufe0f")


def _code_points(text: str) -> str:
    """`<0E01 0E02>` for each word."""
    words = (" ".join(f"{ord(character):04X}" for character in word) for word in text.split())
    return " ".join(f"<{word}>" for word in words) + (" " if text[-1:].isspace() else "")


@functools.lru_cache(maxsize=1024)
def _font_with(characters: frozenset[str]) -> tuple[Path, int] | None:
    """The best font (file, index in the file) that has all the characters; None if there is none."""
    if all(c.isascii() for c in characters) or _has(shipped_font(), 0, characters):
        return shipped_font(), 0
    return next((font for font in _system_fonts() if _has(*font, characters)), None)


@functools.lru_cache(maxsize=1)
def _system_fonts() -> tuple[tuple[Path, int], ...]:
    """Every outline font of the system and of Matplotlib, the likeliest to look right first."""
    from matplotlib import font_manager

    def rank(entry: font_manager.FontEntry) -> tuple[object, ...]:
        name = entry.name.lower()
        family = 0 if name.startswith("noto sans") else 1 if name.startswith("dejavu sans") else 2
        plain = entry.stretch == "normal" and "mono" not in name and "display" not in name
        weight = entry.weight if isinstance(entry.weight, int) else 400
        return entry.style != "normal", not plain, family, abs(weight - 700), name, entry.fname

    entries = [
        entry
        for entry in font_manager.fontManager.ttflist
        if not any(word in entry.name.lower() for word in _NOT_FOR_TEXT)
        and not entry.name.startswith("cm")  # Computer Modern: letters under other code points
    ]
    entries.sort(key=rank)
    return tuple((Path(entry.fname), int(getattr(entry, "index", 0))) for entry in entries)


def _has(path: Path, index: int, characters: frozenset[str]) -> bool:
    face = _face(path, index)
    return face is not None and all(face.get_char_index(ord(character)) for character in characters)


@functools.lru_cache(maxsize=256)
def _face(path: Path, index: int):
    """The font's character map through Matplotlib's FreeType; None for a file that cannot be used."""
    # Not through fontTools: reading the whole map of a CJK font takes it 250 ms, FreeType looks one up.
    from matplotlib.ft2font import FT2Font

    try:
        face = FT2Font(str(path), face_index=index) if index else FT2Font(str(path))
    except (OSError, RuntimeError, TypeError):  # gone since the list was cached, damaged, or no index here
        return None
    return face if face.scalable else None


@functools.lru_cache(maxsize=256)
def _load(path: Path, index: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size=size, index=index)


@functools.lru_cache(maxsize=256)
def _warn_of(script: str) -> None:
    """Warns, once per script in a process; what a character is called begins with the name of its script."""
    said = f"No font of this computer can draw {script} characters; their code points are drawn instead."
    warnings.warn(f"{said} Install one that can, for example a Noto font.", stacklevel=2)
