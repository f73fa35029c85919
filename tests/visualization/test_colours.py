import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualization.colours import contrast, hex_colour, luminance, name_colour, text_colour


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("千反田える", "#dc9300"),
        ("Mio", "#e273df"),
        ("", "#edc800"),
        ("折木奉太郎", "#915ee0"),
        ("\ud800", "#a357d2"),
    ],
)
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
    assert contrast(colour, text_colour(colour)) >= 4.5


def test_many_names_have_many_colours():
    assert len({name_colour(f"character {i}") for i in range(100)}) >= 90


def test_contrast_as_in_wcag():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.005)  # the known #777
