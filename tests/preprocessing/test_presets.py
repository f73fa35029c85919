import dataclasses

import pytest

from preprocessing.presets import get_preset, presets


def test_unknown_preset_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"augmentation 'strong'.*none, ssd, anime"):
        get_preset("strong")


def test_anime_keeps_colours_within_the_design():
    anime = get_preset("anime")
    assert 0.0 < anime.hue <= 0.02
    assert anime.saturation == (0.9, 1.1)
    assert anime.brightness < get_preset("ssd").brightness
    assert anime.zoom_out_limit <= 2.5


def test_ssd_has_the_numbers_of_the_paper():
    ssd = get_preset("ssd")
    assert ssd.crop_overlaps == (0.1, 0.3, 0.5, 0.7, 0.9, 0.0)
    assert (ssd.zoom_out_probability, ssd.zoom_out_limit, ssd.crop_trials) == (0.5, 4.0, 50)
    assert (ssd.brightness, ssd.contrast, ssd.saturation) == (32.0, (0.5, 1.5), (0.5, 1.5))
    assert ssd.hue == pytest.approx(0.1)


def test_what_options_change_and_nothing_else():
    anime = presets()["anime"]
    assert get_preset("anime") == anime
    assert get_preset("anime", paste_probability=0.3) == dataclasses.replace(anime, paste_probability=0.3)
    wider = get_preset("anime", zoom_out_max=3.0)
    assert (wider.zoom_out_limit, wider.zoom_out_probability) == (3.0, anime.zoom_out_probability)
    assert get_preset("anime", zoom_out_max=1.0).zoom_out_probability == 0.0
