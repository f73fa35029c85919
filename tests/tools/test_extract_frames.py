"""Pictures out of videos: moments, names and sizes; damage and interruptions; what must not be touched."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datasets.drawn.shots import make_shots
from datasets.drawn_video import FilmOptions, draw_video
from datasets.pictures import read_picture
from datasets.sources import source_of
from tests.conftest import tree
from tests.tools.test_doors import TABLES, fill_the_disk
from tests.video.small_videos import scene, write_sound, write_video
from tools import extract_frames
from tools.extract_frames import Options, Outcome, extract_video, main, picture_name
from video.selection import SparseVideo, may_be_wanted
from video.sources import find_videos, name_sources

STEP = 40  # milliseconds between frames


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds, a new scene in every half second, key frames every two seconds, B-frames between."""
    pictures = [scene(at // 500) for at in range(0, 10_000, STEP)]
    return write_video(tmp_path_factory.mktemp("film") / "episode01.mkv", pictures, gop=50)


def drawn(folder: Path, seconds: float) -> Path:
    path = folder / "drawn.mp4"
    draw_video(FilmOptions(path, seconds=seconds, width=192, height=108, sound=False))
    return path


def taken(video: Path, source: str, folder: Path, **changes: Any) -> Outcome:
    return extract_video(video, source, Options(inputs=(), output_dir=folder, **changes))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.jpg"))


def moment(name: str) -> float:
    """The seconds in a picture's name."""
    return int(Path(name).stem[-7:]) / 1000


def pictures_in(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names(folder)}


def of_scene(picture: np.ndarray) -> int:
    """The seed of the `scene` that a picture shows."""
    errors = [np.abs(picture.astype(int) - scene(seed)).mean() for seed in range(20)]
    assert min(errors) < 12
    return int(np.argmin(errors))


def test_one_picture_in_every_interval(film: Path, tmp_path: Path) -> None:
    outcome = taken(film, "episode01", tmp_path)
    assert (outcome.kept, outcome.alike, outcome.error) == (10, 0, "")
    assert names(tmp_path) == [f"episode01_000{second}000.jpg" for second in range(10)]
    shown = [of_scene(read_picture(tmp_path / name)) for name in names(tmp_path)]
    assert shown == list(range(0, 20, 2))


def test_skipping_frames_finds_the_same_moments_as_decoding_all(film: Path, tmp_path: Path) -> None:
    def moments(needed: Callable[[float], bool]) -> list[float]:
        with SparseVideo(film) as video:
            return [frame.seconds for frame in video.frames(needed=needed)]

    every, few = moments(lambda at: True), moments(lambda at: may_be_wanted(at, 2.0))
    assert len(every) == 250
    assert len(few) < 180  # some were really left out
    assert set(few) <= set(every)
    assert [at for at in every if at % 2 < 0.29] == [at for at in few if at % 2 < 0.29]


def test_variable_frame_rate_by_presentation_times(tmp_path: Path) -> None:
    times = [0, 40, 80, 1500, 1540, 2900, 3100, 3140, 6000, 6040]
    video = write_video(tmp_path / "vfr.mp4", [scene(i) for i in range(len(times))], times, gop=4)
    out = tmp_path / "out"
    taken(video, "vfr", out, keep_near_duplicates=True)
    assert names(out) == [f"vfr_{at:07d}.jpg" for at in (0, 1500, 2900, 3100, 6000)]
    for name in names(out):
        assert of_scene(read_picture(out / name)) == times.index(round(1000 * moment(name)))


def test_near_duplicates_are_left_out_also_of_other_videos(tmp_path: Path) -> None:
    pictures = [scene(at // 3000) for at in range(0, 6000, STEP)]
    first = write_video(tmp_path / "a.mp4", pictures)
    second = write_video(tmp_path / "b.mp4", [*pictures[75:], *[scene(7)] * 75])
    out = tmp_path / "out"
    assert taken(first, "a", out).alike == 4
    assert names(out) == ["a_0000000.jpg", "a_0003000.jpg"]
    outcome = taken(second, "b", out)
    assert (outcome.kept, outcome.alike) == (1, 5)
    assert of_scene(read_picture(out / "b_0003000.jpg")) == 7
    everything = taken(first, "a", tmp_path / "all", keep_near_duplicates=True)
    assert (everything.kept, everything.alike) == (6, 0)


def test_blank_pictures_are_left_out_and_pixels_become_square(tmp_path: Path) -> None:
    black = np.zeros((72, 96, 3), np.uint8)
    video = write_video(tmp_path / "fade.mp4", [*[black] * 25, *[scene(1)] * 25])
    outcome = taken(video, "fade", tmp_path / "out")
    assert (outcome.kept, outcome.blank) == (1, 1)
    assert names(tmp_path / "out") == ["fade_0001000.jpg"]
    video = write_video(tmp_path / "dvd.mkv", [scene(3)] * 5, pixel_shape=Fraction(32, 27))
    taken(video, "dvd", tmp_path)
    assert read_picture(tmp_path / "dvd_0000000.jpg").shape == (72, round(96 * 32 / 27), 3)


def test_one_picture_after_every_cut(tmp_path: Path) -> None:
    outcome = taken(drawn(tmp_path, 12.0), "drawn", tmp_path, at="scenes", keep_near_duplicates=True)
    assert outcome.error == ""
    moments = [moment(name) for name in names(tmp_path)]
    starts = [shot.start for shot in make_shots(0, 17, 12.0, 192, 108)]
    assert len(moments) == len(starts)
    assert all(0 < at - start < 0.8 for at, start in zip(moments, starts, strict=True))


def test_pictures_are_made_smaller_never_larger(film: Path, tmp_path: Path) -> None:
    for source, max_side, shape in (("small", 48, (36, 48, 3)), ("large", 4800, (72, 96, 3))):
        taken(film, source, tmp_path, max_side=max_side, interval=5.0, keep_near_duplicates=True)
        assert read_picture(tmp_path / f"{source}_0000000.jpg").shape == shape
    assert "96 x 72" in taken(film, "film", tmp_path / "refused", max_pixels=1000).error
    assert names(tmp_path / "refused") == []


def test_frames_before_and_after_damage_are_kept(tmp_path: Path) -> None:
    video, broken = drawn(tmp_path, 25.0), tmp_path / "broken.mp4"
    data = bytearray(video.read_bytes())
    at = int(len(data) * 0.3)
    data[at : at + 3000] = bytes(3000)
    broken.write_bytes(data)
    taken(video, "film", tmp_path / "whole", keep_near_duplicates=True)
    outcome = taken(broken, "film", tmp_path / "part", keep_near_duplicates=True)
    assert outcome.error.startswith("damaged at ")
    damage = float(outcome.error.split()[2])
    assert 3 < damage < 15
    whole, kept = pictures_in(tmp_path / "whole"), pictures_in(tmp_path / "part")
    # From the next key frame on, and without the grey smear that builds on damage. The first picture there
    # may be of a moment of its own.
    after = [name for name in kept if moment(name) > damage][1:]
    assert len(after) > 5
    for name in [*after, *(name for name in whole if moment(name) < damage - 0.2)]:
        assert kept[name] == whole[name], name
    again = taken(broken, "film", tmp_path / "part", keep_near_duplicates=True)
    assert again.earlier
    assert again.error == outcome.error


def test_end_that_is_missing_is_told(film: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    outcome = taken(cut, "cut", tmp_path)
    assert "it ends there, although it says that it lasts 10.0 s" in outcome.error
    assert 2 <= outcome.kept == len(names(tmp_path)) <= 8


def test_a_run_that_was_interrupted_or_could_not_write_goes_on_and_ends_like_another(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    taken(film, "film", whole)
    calls = iter(range(5))

    def stopping(*arguments: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return perceptual_hash(*arguments)

    perceptual_hash = extract_frames.perceptual_hash
    with monkeypatch.context() as patch:
        patch.setattr(extract_frames, "perceptual_hash", stopping)
        with pytest.raises(KeyboardInterrupt):
            taken(film, "film", part)
    assert names(part) == names(whole)[:5]
    assert taken(film, "film", part).kept == 5
    assert pictures_in(part) == pictures_in(whole)
    first, flags = "episode01_0003000.jpg", [f"--output_dir={tmp_path}", str(film)]
    with monkeypatch.context() as patch:
        fill_the_disk(patch, first, "episode01_0005000.jpg")
        assert main(flags) == 1
    said = capsys.readouterr().err
    assert "8 pictures, " in said
    assert f"2 more can be taken again: picture cannot be written: {tmp_path}/{first}: full" in said
    assert len(names(tmp_path)) == 8
    assert (main(flags), len(names(tmp_path))) == (0, 10)


def test_nothing_is_overwritten_and_what_was_deleted_stays_deleted(film: Path, tmp_path: Path) -> None:
    (tmp_path / "film_0002000.jpg").write_bytes(b"a person's")
    taken(film, "film", tmp_path)
    assert (tmp_path / "film_0002000.jpg").read_bytes() == b"a person's"
    (tmp_path / "film_0003000.jpg").unlink()
    assert taken(film, "film", tmp_path).earlier
    assert taken(film, "film", tmp_path, interval=0.5).kept == 10  # more moments, the same folder
    assert "film_0003000.jpg" not in names(tmp_path)
    assert {"film_0003520.jpg", "film_0003500.jpg"} & {*names(tmp_path)}
    assert (tmp_path / "film_0002000.jpg").read_bytes() == b"a person's"


def test_other_video_or_other_pixels_of_one_name_are_refused(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    taken(film, "film", out)
    other = write_video(tmp_path / "film.mkv", [scene(1)] * 5)
    assert "holds pictures of another video named episode01.mkv" in taken(other, "film", out).error
    smaller = taken(film, "film", out, max_side=48).error
    assert "made with --max_side=0, now it is 48; give another --output_dir" in smaller
    (out / ".extract_frames" / "film.json").write_text("{")
    assert "film.json is damaged" in taken(film, "film", out).error
    assert len(names(out)) == 10


def test_sources_of_several_folders_stay_apart(tmp_path: Path) -> None:
    paths = [tmp_path / season / "01.mkv" for season in ("Season 1", "Season 2")]
    assert list(name_sources(paths).values()) == ["Season 1 01", "Season 2 01"]
    tree(tmp_path, ["Season 1/01.mkv", "Season 2/01.mkv", "notes.txt", ".trash/02.mkv"])
    assert find_videos([tmp_path, paths[0]]) == paths
    with pytest.raises(ValueError, match=r"missing\.mp4 does not exist"):
        find_videos([tmp_path / "missing.mp4"])
    with pytest.raises(ValueError, match="no video in"):
        find_videos([])


@given(stems=st.lists(st.text(max_size=120) | st.binary(max_size=200).map(os.fsdecode), max_size=4))
@example(["episode01", "[Group] Show - 02 [1080p][ABCD]", "千反田 第03話", "a_1_2", "x.rf.y"])
@example(["", "a", "A", "a ", "Re:Zero", "Re?Zero", "100%d", "-x", ".x", "x" * 110, "x" * 111])
@settings(max_examples=30, deadline=None)
def test_no_two_films_share_a_name_and_any_file_system_takes_it(stems: list[str]) -> None:
    names = {f"{stem}.{kind}" for stem in stems for kind in ("mkv", "mp4")}
    paths = [Path("films") / name for name in sorted(names) if "/" not in name and "\0" not in name]
    sources = name_sources(paths)
    assert len({source.casefold() for source in sources.values()}) == len(paths)
    assert sources == name_sources(paths[::-1])
    for source in sources.values():
        pictures = [picture_name(source, seconds) for seconds in (0.0, 0.0405, 12.5, 9_999.0)]
        assert pictures == sorted(pictures)
        assert {source_of(Path(name).stem) for name in pictures} == {source}
        assert len(pictures[0].encode()) <= 255
        assert pictures[0].isprintable()
        assert not set(pictures[0]) & set('\\/:*?"<>|')


def test_films_that_come_later_leave_the_names_of_those_before(tmp_path: Path) -> None:
    out, long = tmp_path / "out", "Kono Title wa Nagai " * 6
    films = f"one/{long}01.mkv", f"one/{long}02.mkv", "one/01.mkv", "two/01.mkv", "two/01.mp4", "six/01.mkv"
    paths = [tmp_path / film for film in films]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        write_video(path, [scene(10 * number + i // 5) for i in range(10)], range(0, 3000, 300))
    for count in range(1, len(paths) + 1):
        assert main(["--output_dir", str(out), *map(str, paths[:count])]) == 0
        assert len(names(out)) == 2 * count
    assert {"01_0000000.jpg", "two 01_0000000.jpg", "six 01_0000000.jpg"} < {*names(out)}


@pytest.mark.parametrize(("wrong", "message"), TABLES["frame_options"])
def test_wrong_options_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(inputs=(), output_dir=Path("out"), **wrong)


def test_command_says_what_it_did(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [f"--output_dir={tmp_path}", "--at=scenes", str(film)]
    assert main(flags) == 0
    assert "20 pictures, left out 0 alike and 0 blank" in capsys.readouterr().err
    assert main(flags) == 0
    assert "done earlier" in capsys.readouterr().err
    song = write_sound(tmp_path / "song.mp4")
    assert main([*flags, str(song)]) == 1
    assert "song.mp4: video has no pictures: there is only sound in it" in capsys.readouterr().err
    assert main([*flags, str(tmp_path / "gone")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
