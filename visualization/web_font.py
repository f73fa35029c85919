"""A piece of the shipped font for a page."""

import io

from visualization.text import shipped_font

_LAST_LATIN = "\u024f"  # every system shows characters up to here


def web_font(text: str) -> bytes | None:
    """The glyphs of all that a page says that are not Latin, as far as the shipped font has them.

    A WOFF file of a few kB, so that names are readable where no font for them is installed; None if no glyph
    is needed.
    """
    from fontTools import subset  # no --help waits for it

    options = subset.Options(flavor="woff", layout_features=[], hinting=False, notdef_outline=True)
    with subset.load_font(str(shipped_font()), options) as font:
        characters = {ord(c) for c in text if c > _LAST_LATIN} & set(font.getBestCmap() or ())
        if not characters:
            return None
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=characters)
        subsetter.subset(font)
        file = io.BytesIO()
        subset.save_font(font, file, options)
    return file.getvalue()
