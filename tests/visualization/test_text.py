import io
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager

from tests.conftest import tables
from visualization import text as module
from visualization.colours import hex_colour, luminance, name_colour, text_colour
from visualization.text import fit, font_runs, one_line, shipped_font, text_mask, text_width
from visualization.web_font import web_font

TABLES = tables(__file__, "texts")


@pytest.mark.parametrize(("text", "shown"), [*TABLES["one_line"], ("\ud800", "\ufffd")])
def test_one_line(text, shown):
    assert one_line(text) == shown


@given(st.text(max_size=2000))
def test_one_line_is_short_and_has_no_control_characters(text):
    line = one_line(text)
    assert len(line) <= 400
    assert line == one_line(line)
    assert all(character.isprintable() or ord(character) > 0xA0 for character in line)


def test_fit_keeps_what_fits_and_elides_what_does_not():
    assert fit("千反田える", 20, 200) == "千反田える"
    shortened = fit("千反田える" * 20, 20, 200)
    assert shortened.startswith("千反田")
    assert shortened.endswith("…")
    assert 150 < text_width(shortened, 20) <= 200
    assert fit("千反田える", 20, 21) == ""
    accents = "q\u0301\u0301" * 40  # no composed form exists
    shortened = fit(accents, 20, 60)
    assert len(shortened) % 3 == 1  # whole letters and the ellipsis


def test_mask_covers_the_text_and_lines_have_one_height():
    texts = ("千反田える", "Ayg", "—", "초롱이")
    masks = [text_mask(text, 20) for text in texts]
    assert len({mask.shape[0] for mask in masks}) == 1
    for text, mask in zip(texts, masks, strict=True):
        assert mask.dtype == np.float32
        assert mask.max() > 0.9
        [(_, font)] = font_runs(text, 20)
        whole = np.asarray(font.getmask(text), np.float32).sum() / 255
        assert mask.sum() == pytest.approx(whole, rel=0.02)  # nothing is cut off


def test_second_part_stands_on_the_right_also_of_arabic():
    alone, number = text_mask("سلام", 20), text_mask("97%", 20)
    both = text_mask("سلام", 20, "97%", 10)
    assert both.shape[1] == pytest.approx(alone.shape[1] + number.shape[1] + 10, abs=2)
    tail = both[:, -number.shape[1] :]
    top = both.shape[0] - alone.shape[0]
    assert np.abs(both[top:, : alone.shape[1]] - alone).mean() < 0.01
    assert tail.sum() == pytest.approx(number.sum(), rel=0.1)


def test_stacked_marks_do_not_make_the_line_endlessly_high():
    assert text_mask("Z" + "\u0301" * 100, 20).shape[0] <= 2.4 * 20
    # and nothing needs no font
    assert text_mask("", 20).sum() == 0
    assert font_runs("", 20) == []


# Fonts


@pytest.mark.parametrize(("texts", "shipped"), TABLES["fonts"])
def test_shipped_font_draws_most_names_and_others_have_one_of_their_own(texts, shipped):
    for text in texts:
        [(run, font)] = font_runs(text, 20)
        assert run == text
        assert (Path(str(font.path)) == shipped_font()) == shipped
        assert font.getmask(text[0]).getbbox() is not None


def test_each_kanji_has_its_own_glyph_unlike_question_marks():
    [(_, font)] = font_runs("千反田える?", 24)
    drawn = {bytes(font.getmask(character)) for character in "千反田える?"}  # pyright: ignore[reportArgumentType]  # its stubs lack the buffer
    assert len(drawn) == 6


def test_mixed_scripts_are_drawn_in_several_fonts_and_lose_nothing():
    text = "千反田 سلام Ёж"
    runs = font_runs(text, 20)
    assert "".join(run for run, _ in runs) == text
    assert len({str(font.path) for _, font in runs}) == 2


@pytest.fixture
def only_shipped_fonts(monkeypatch):
    """A computer without any font beside the shipped one, that has warned of nothing yet."""

    def forget():
        module._font_with.cache_clear()
        module._warn_of.cache_clear()

    monkeypatch.setattr(module, "_system_fonts", tuple)
    forget()
    yield
    forget()


def test_unknown_script_becomes_code_points_and_warns_once(only_shipped_fonts):
    with pytest.warns(UserWarning, match="No font of this computer can draw Thai characters.* Noto font"):
        runs = font_runs("A กข", 20)
    assert "".join(run for run, _ in runs) == "A <0E01 0E02>"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert font_runs("ค ง", 20)[0][0] == "<0E04> <0E07>"


def test_fonts_that_draw_boxes_for_everything_or_are_damaged_are_not_taken(tmp_path):
    known = {Path(entry.fname) for entry in font_manager.fontManager.ttflist if "Last Resort" in entry.name}
    assert not known & {path for path, _ in module._system_fonts()}
    (tmp_path / "font.ttf").write_bytes(b"not a font")
    assert not module._has(tmp_path / "font.ttf", 0, frozenset("a"))
    assert not module._has(tmp_path / "gone.ttf", 0, frozenset("a"))


def test_font_for_a_page_has_what_the_text_needs_and_is_small():
    file = web_font("Captain Fen, 千反田える, 千尋 <b>")
    assert file is not None
    assert len(file) < 15_000
    with TTFont(io.BytesIO(file)) as font:
        assert font.flavor == "woff"
        assert "".join(map(chr, sorted(font.getBestCmap()))) == "".join(sorted("千反田える尋"))
    assert web_font("千反田") == web_font("田反千")
    # Latin needs none, and unknown scripts have none.
    assert web_font("Captain Fen, Zoë") is None
    assert web_font("\U00012000") is None  # cuneiform


@pytest.mark.parametrize(("name", "colour"), [*TABLES["colours"], ("\ud800", "#a357d2")])
def test_colour_never_changes_between_processes_and_versions(name, colour):
    # A project's pictures, plots and pages of last year and of today show a character in one colour.
    assert hex_colour(name) == colour
    assert tuple(bytes.fromhex(colour[1:])) == name_colour(name)


def test_spelling_of_accents_does_not_matter():
    name = "Élise ガガ"
    assert name_colour(unicodedata.normalize("NFD", name)) == name_colour(unicodedata.normalize("NFC", name))


@given(st.text(max_size=30))
def test_colour_is_neither_dark_nor_pale_and_its_text_is_readable(name):
    colour = name_colour(name)
    assert all(isinstance(channel, int) and 0 <= channel <= 255 for channel in colour)
    assert 0.1 < luminance(colour) < 0.85
    assert max(colour) - min(colour) > 40  # a colour, not a grey
    darker, lighter = sorted(luminance(one) + 0.05 for one in (colour, text_colour(colour)))
    assert lighter / darker >= 4.5


def test_many_names_have_many_colours():
    assert len({name_colour(f"character {i}") for i in range(100)}) >= 90


def test_luminance_as_in_wcag():
    assert (luminance((0, 0, 0)), luminance((255, 255, 255))) == pytest.approx((0, 1))
    assert 1.05 / (luminance((119, 119, 119)) + 0.05) == pytest.approx(4.48, abs=0.005)  # white on #777
