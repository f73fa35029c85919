import io
import warnings
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager

from visualization import text as fonts
from visualization.text import font_runs, shipped_font
from visualization.web_font import web_font


@pytest.fixture
def only_shipped_fonts(monkeypatch):
    """A computer without any font beside the shipped one, that has warned of nothing yet."""
    monkeypatch.setattr(fonts, "_system_fonts", tuple)
    for cached in (fonts._font_with, fonts._warn_of):
        cached.cache_clear()
    yield
    for cached in (fonts._font_with, fonts._warn_of):
        cached.cache_clear()


@pytest.mark.parametrize("text", ["千反田える", "초롱이", "Мария Ёлкина", "Nguyễn", "第1話 (Ep. 1)", "葛󠄀城"])
def test_shipped_font_draws_most_names(text):
    [(run, font)] = font_runs(text, 20)
    assert run == text
    assert Path(str(font.path)) == shipped_font()


def test_nothing_needs_no_font():
    assert font_runs("", 20) == []


def test_each_kanji_has_its_own_glyph_unlike_question_marks():
    [(_, font)] = font_runs("千反田える?", 24)
    drawn = {bytes(font.getmask(character)) for character in "千反田える?"}  # pyright: ignore[reportArgumentType]  # its stubs lack the buffer
    assert len(drawn) == 6


@pytest.mark.parametrize("text", ["سلام", "Ελένη", "אלמה"])
def test_other_script_uses_a_font_that_has_it(text):
    # Matplotlib brings DejaVu Sans, so that this holds on a computer without any font.
    [(run, font)] = font_runs(text, 20)
    assert run == text
    assert Path(str(font.path)) != shipped_font()
    assert font.getmask(text[0]).getbbox() is not None


def test_mixed_scripts_are_drawn_in_several_fonts_and_lose_nothing():
    text = "千反田 سلام Ёж"
    runs = font_runs(text, 20)
    assert "".join(run for run, _ in runs) == text
    assert len({str(font.path) for _, font in runs}) == 2


def test_unknown_script_becomes_code_points_and_warns_once(only_shipped_fonts):
    with pytest.warns(UserWarning, match="No font of this computer can draw Thai characters.*Noto Sans Thai"):
        runs = font_runs("A กข", 20)
    assert "".join(run for run, _ in runs) == "A <0E01 0E02>"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert font_runs("ค ง", 20)[0][0] == "<0E04> <0E07>"


def test_fonts_that_draw_boxes_for_everything_are_not_taken():
    known = {Path(entry.fname) for entry in font_manager.fontManager.ttflist if "Last Resort" in entry.name}
    assert not known & {path for path, _ in fonts._system_fonts()}


def test_damaged_font_file_is_passed_over(tmp_path):
    path = tmp_path / "font.ttf"
    path.write_bytes(b"not a font")
    assert not fonts._has(path, 0, frozenset("a"))
    assert not fonts._has(tmp_path / "gone.ttf", 0, frozenset("a"))


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
