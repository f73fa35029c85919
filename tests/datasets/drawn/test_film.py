"""The drawn film: as asked for, the same again, and with true boxes."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from datasets.drawn.shots import make_shots, shot_at
from datasets.drawn_video import FilmOptions, draw_video, heads_in, main, write_true_boxes
from datasets.sources import source_of
from datasets.voc import read_xml
from tests.conftest import tables
from tests.video.small_videos import frame_at

SIZE: Any = {"width": 192, "height": 108}


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> FilmOptions:
    path = tmp_path_factory.mktemp("film") / "episode17.mp4"
    made = FilmOptions(path, seconds=4.0, **SIZE)
    assert draw_video(made)
    return made


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_film_has_its_length_its_sound_and_its_cuts(options: FilmOptions) -> None:
    with av.open(str(options.output_path)) as container:
        (video,), (audio,) = container.streams.video, container.streams.audio
        assert (video.codec_context.width, video.codec_context.height) == (192, 108)
        assert video.average_rate == 24
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio)])
    assert sound.size / 48_000 == pytest.approx(4.0, abs=0.05)
    assert 0.05 < np.abs(sound).max() < 0.2
    frames = decoded(options.output_path)
    assert len(frames) == 96
    changes = np.array([np.abs(a.astype(float) - b).mean() for a, b in itertools.pairwise(frames)])
    shots = make_shots(0, 17, 4.0, **SIZE)
    assert len(shots) >= 2
    assert changes.argmax() + 1 == pytest.approx(shots[1].start * 24, abs=2)  # the cut is the largest change
    assert np.median(changes[1::2]) > 4 * np.median(changes[::2])  # drawn on twos


def test_film_shows_what_the_boxes_are_of(options: FilmOptions) -> None:
    frames = decoded(options.output_path)
    for number in (30, 60, 95):
        shown = frames[number].astype(float)
        drawn = frame_at(options, number / 24)
        assert np.array_equal(drawn, frame_at(options, round(1000 * number / 24) / 1000))
        # What compression changes is less than what two frames do.
        away = [np.abs(shown - frame_at(options, (number + step) / 24)).mean() for step in (0, -2, 2)]
        assert away[0] < 6, number
        assert away[0] < min(away[1:]), number
    boxes = [heads_in(options, second)[0].box for second in (0.0, 1.0)]
    assert boxes[0] != boxes[1]  # somebody moves


def test_same_options_draw_the_same_bytes_and_a_longer_film_begins_like_a_short_one(tmp_path: Path) -> None:
    one, two = (FilmOptions(tmp_path / f"{name}.mp4", seconds=0.5, **SIZE) for name in ("one", "two"))
    assert draw_video(one)
    assert draw_video(two)
    assert one.output_path.read_bytes() == two.output_path.read_bytes()
    long = replace(one, seconds=60.0)
    assert heads_in(long, 0.25) == heads_in(one, 0.25)
    assert np.array_equal(frame_at(long, 0.25), frame_at(one, 0.25))
    assert heads_in(replace(one, seed=1), 0.25) != heads_in(one, 0.25)


def test_shot_at_takes_the_new_shot_at_a_cut() -> None:
    shots = make_shots(0, 17, 20.0, **SIZE)
    assert shot_at(shots, 0.0) is shots[0]
    assert shot_at(shots, shots[1].start) is shots[1]
    assert shot_at(shots, shots[1].start - 0.001) is shots[0]
    assert shot_at(shots, 1e6) is shots[-1]


def test_heads_stay_inside_and_hidden_ones_are_not_labelled() -> None:
    film = FilmOptions(Path("x.mp4"), seconds=60.0, **SIZE)
    counts = []
    for second in range(60):
        labels = heads_in(film, second)
        counts.append(len(labels))
        for label in labels:
            left, top, right, bottom = label.box
            assert 0 <= left < right <= 192, second
            assert 0 <= top < bottom <= 108, second
            assert 0.2 <= label.visible <= 1
        assert len({label.name for label in labels}) == len(labels)
    assert max(counts) >= 3
    assert sum(counts) >= 40


def test_true_boxes_for_moments(options: FilmOptions, tmp_path: Path) -> None:
    asked = replace(options, annotations_dir=tmp_path, annotation_interval=1.5)
    assert write_true_boxes(asked) == 3
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["episode17_0000000.xml", "episode17_0001500.xml", "episode17_0003000.xml"]
    assert {source_of(name[:-4]) for name in names} == {"episode17"}
    found = read_xml(tmp_path / names[1])
    assert found.size == (192, 108)
    assert [item.name for item in found.objects] == [label.name for label in heads_in(options, 1.5)]
    assert write_true_boxes(asked) == 3  # again: the same files
    (tmp_path / names[1]).write_text("a person's")
    with pytest.raises(ValueError, match=r"_0001500\.xml is there already with other boxes; it is kept"):
        write_true_boxes(asked)
    assert (tmp_path / names[1]).read_text() == "a person's"
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_true_boxes_for_pictures_scale_with_them(options: FilmOptions, tmp_path: Path) -> None:
    pictures, truth = tmp_path / "pictures", tmp_path / "truth"
    pictures.mkdir()
    Image.new("RGB", (384, 216)).save(pictures / "episode17_0001000.jpg")
    Image.new("RGB", (50, 50)).save(pictures / "other_0001000.jpg")
    asked = replace(options, pictures_dir=pictures, annotations_dir=truth)
    assert write_true_boxes(asked) == 1
    (item,) = read_xml(truth / "episode17_0001000.xml").objects[:1]
    assert item.box is not None
    left, top, _, _ = heads_in(options, 1.0)[0].box
    assert [float(text or "") for text in item.box[:2]] == pytest.approx([2 * left + 1, 2 * top + 1], abs=1)


@pytest.mark.parametrize(("name", "size", "message"), tables(__file__)["film_pictures"])
def test_pictures_that_are_not_of_the_film_are_named(
    options: FilmOptions, tmp_path: Path, name: str, size: tuple[int, int], message: str
) -> None:
    Image.new("RGB", size).save(tmp_path / f"{name}.jpg")
    with pytest.raises(ValueError, match=message):
        write_true_boxes(replace(options, pictures_dir=tmp_path, annotations_dir=tmp_path))


def test_a_film_that_is_there_is_kept(
    options: FilmOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = options.output_path.read_bytes()
    assert not draw_video(options)
    with pytest.raises(ValueError, match="was not drawn with these options; it is kept as it is"):
        draw_video(replace(options, seconds=2.0))
    assert options.output_path.read_bytes() == before
    flags = [f"--output_path={options.output_path}", "--seconds=4", "--width=192", "--height=108"]
    assert main(flags) == 0
    assert "Kept" in capsys.readouterr().err
    assert main([*flags, f"--annotations_dir={tmp_path}", "--annotation_interval=4"]) == 0
    assert f"True boxes of 1 pictures are in {tmp_path}" in capsys.readouterr().err
    assert main([*flags, "--seed=3"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("wrong", "message"), tables(__file__)["film_options"])
def test_wrong_options_are_named(wrong: dict, message: str) -> None:
    paths = {key: Path(value) if isinstance(value, str) else value for key, value in wrong.items()}
    with pytest.raises(ValueError, match=message):
        FilmOptions(**{"output_path": Path("film.mp4"), **paths})


def test_mpeg4_without_sound(tmp_path: Path) -> None:
    film = FilmOptions(tmp_path / "film.mkv", seconds=0.5, sound=False, codec="mpeg4", **SIZE)
    draw_video(film)
    with av.open(str(film.output_path)) as container:
        assert not container.streams.audio
    assert len(decoded(film.output_path)) == 12
    assert not draw_video(film)  # its options are found again in this container too
