"""The font for pages has the glyphs that a text needs, and no more."""

import base64
import io

from fontTools.ttLib import TTFont

from visualization.web_font import web_font


def characters(uri: str | None) -> str:
    assert uri is not None
    kind, data = uri.split(";base64,")
    assert kind == "data:font/woff"
    with TTFont(io.BytesIO(base64.b64decode(data))) as font:
        return "".join(map(chr, sorted(font.getBestCmap())))


def test_has_what_the_text_needs_and_is_small():
    uri = web_font("Captain Fen, 千反田える, 千尋 <b>")
    assert characters(uri) == "".join(sorted("千反田える尋"))
    assert len(uri or "") < 20_000


def test_latin_needs_none_and_unknown_scripts_have_none():
    assert web_font("Captain Fen, Zoë") is None
    assert web_font("\U00012000") is None  # cuneiform


def test_same_text_same_bytes():
    assert web_font("千反田") == web_font("田反千")
