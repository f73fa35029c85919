"""A piece of the shipped font for pages, so that names are readable where no font for them is installed."""

import base64
import io

from fontTools import subset

from visualization.fonts import shipped_font

# Every system shows Latin; characters up to here are left out.
_LAST_LATIN = "\u024f"


def web_font(text: str) -> str | None:
    """The glyphs of a text that are not Latin, as far as the shipped font has them.

    Args:
        text: everything that the page says, any script.

    Returns:
        A `data:` URI of a WOFF file for CSS `@font-face`, a few kB; None if no glyph is needed.
    """
    options = subset.Options(flavor="woff", layout_features=[], hinting=False, notdef_outline=True)
    font = subset.load_font(str(shipped_font()), options)
    try:
        characters = {ord(c) for c in text if c > _LAST_LATIN} & set(font.getBestCmap() or ())
        if not characters:
            return None
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=characters)
        subsetter.subset(font)
        file = io.BytesIO()
        subset.save_font(font, file, options)
    finally:
        font.close()
    return f"data:font/woff;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
