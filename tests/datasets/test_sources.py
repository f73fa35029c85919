import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.sources import source_of, sources_of, units_of


@pytest.mark.parametrize(
    ("source", "names"),
    [
        # Numbers, as tools.extract_frames and people write them.
        ("episode03", "episode03_000123|episode03_0012500|episode03.00012|episode03-7"),
        ("hyouka_s01e03", "hyouka_s01e03_000123|hyouka_s01e03_000123_1080p|hyouka_s01e03_00012_1920x1080"),
        ("raccoon", "raccoon-1"), ("frame", "frame_0012_flipped|frame_0012"), ("", "000001|12.345"),
        ("dog", "dog"), ("Show - 01", "Show - 01 - 00001|Show - 01_1080p"), ("千反田", "千反田 (3)"),
        # Moments, as players and labelling programs write them.
        ("b", "b.mp4#t=6.266667|b.mp4#t=6|b#t=71|b.mkv_00.04.13|b.mp4_frame12|b.avi"),
        ("Oka 2", "Oka 2_00.04.13_[2020.07.26_12.37.45]|Oka 2 [01.04.13.123]|Oka 2-00_05_12_789"),
        ("Oka 2", "Oka 2.mkv_snapshot_00.04.28_[2020.01.01_21.13.14]|Oka 2_snapshot_00.04.28|Oka 2 0:04:28"),
        ("Oka 2", "Oka 2-mpv-shot0001|Oka 2-00-05-12|Oka 2_[2020.07.26_12.37.45]|Oka 2_01.02.03 (2)"),
        ("a.02", "a.02.00.05.12|a.02.00.05.12.345"), ("a_12.5", "a_12.5_000123|a_12.5_0012500"),
        ("vlcsnap-2020-01-01", "vlcsnap-2020-01-01-12h13m14s567"), ("shot", "shot_0001|shot_0001 (2)"),
        ("Oka @ 2", "Oka @ 2 4m13s|Oka @ 2_4m13.5s"),
        # Letters by chance in front and behind, but no dates, nor what only begins as chance would.
        ("ep01", "a1b2c3d4-ep01_5|12345678-ep01_5|0f8fad5b-d9cb-469f-a165-70867728950e-ep01_5"),
        ("ep01", "ep01_a1b2c3d4|ep01_5_a1b2c3d4|ep01_12_0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("20200101-ep01", "20200101-ep01_5"), ("facade-2", "facade-2_5"), ("S01E02", "S01E02_a1b2c3d4"),
        ("t", "t_10_jpg.rf.5ae3f0a1b2c3d4e5f6a7b8c9d0e1f2a3|t_10_png.rf.x7Qd|t_10_aug3|t_10_hflip_rot90"),
    ],
)  # fmt: skip
def test_source(source, names):
    for name in names.split("|"):
        assert source_of(name) == source, name


hostile = st.text("a0159_-.[]() #@t=:,hms千/", max_size=14)


@given(st.text() | hostile)
def test_any_name_has_a_source_that_its_frames_have_too(name):
    source = source_of(f"{name}_0000000")
    assert source_of(f"{source}_0001500") == source_of(f"{source}_9999000") == source
    assert source_of(name) in name


def test_folders_tell_what_names_do_not():
    for stems, sources in (
        ("ep01/frame_1 ep02/frame_1 images/ep03/7", "ep01 ep02 ep03"),
        ("a/Oka_1 b/Oka_1 b/Oka_2 train/Oka_1", "a/Oka b/Oka b/Oka Oka"),
        ("a/Oka_1 b/Oka_2 train/x_1 test/x_2", "Oka Oka x x"),
        ("ep01/shot_1/003 ep01/shot_2/003 ep02/vlcsnap-00001", "ep01 ep01 ep02"),
        ("Oka1/S2/0001 Oka2/S2/0001", "Oka1/S2 Oka2/S2"),
    ):
        assert list(sources_of(stems.split()).values()) == sources.split()


@pytest.mark.parametrize(
    ("stems", "unit"),
    [
        ("a/x_jpg.rf.Q1w2|a/x_jpg.rf.99|a/x", "a/x"),
        ("x - Copy|x - Copy (2)|x_flip|x_aug_01|x のコピー|x|x (1)|x_bright1.2|flip_x|c_original_x", "x"),
        ("x_crop_blur|x|x_crop", "x"),
        ("train/x_png.rf.a|valid/x_png.rf.b|augmented/x_hflip", "x"),
    ],
)
def test_copies_are_of_one_unit(stems, unit):
    assert set(units_of(stems.split("|")).values()) == {unit}


def test_what_only_looks_like_a_copy_is_none():
    for stems in (["x (1)", "x (2)"], ["Oka Flip_000123", "flip"], ["x_dark", "y"], ["a/x", "b/x_crop"]):
        assert units_of(stems) == {stem: stem for stem in stems}
