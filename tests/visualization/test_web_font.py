import io

from fontTools.ttLib import TTFont

from visualization.web_font import web_font


def test_font_for_a_page_has_what_the_text_needs_and_is_small():
    file = web_font("Captain Fen, 千反田える, 千尋 <b>")
    assert file is not None
    assert len(file) < 15_000
    with TTFont(io.BytesIO(file)) as font:
        assert font.flavor == "woff"
        assert "".join(map(chr, sorted(font.getBestCmap()))) == "".join(sorted("千反田える尋"))
    assert web_font("千反田") == web_font("田反千")


def test_latin_needs_no_font_and_unknown_scripts_have_none():
    assert web_font("Captain Fen, Zoë") is None
    assert web_font("\U00012000") is None  # cuneiform
