from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.video.small_videos import MILLISECOND, frames_of, scene, write_sound, write_video
from video.reader import Camera, Clock, VideoError, VideoReader, camera_number
from video.selection import SparseVideo


def close(image: np.ndarray, other: np.ndarray) -> bool:
    return np.abs(image.astype(int) - other).mean() < 6


@pytest.mark.parametrize("matrix", [8, 10, 14])
def test_colours_that_nobody_knows_count_as_not_said(tmp_path, matrix):
    pictures = [scene(i) for i in range(3)]
    known, odd = (write_video(tmp_path / f"{one}.mp4", pictures, matrix=one) for one in (2, matrix))
    for frame, other in zip(frames_of(known)[0], frames_of(odd)[0], strict=True):
        np.testing.assert_array_equal(frame.image, other.image)
    with SparseVideo(odd) as video:
        assert {one.thumbnail().shape for one in video.frames(needed=lambda at: True)} == {(36, 64, 3)}


def test_bytes_changed_anywhere_leave_frames_or_one_sentence(tmp_path, rng):
    good = np.frombuffer(write_video(tmp_path / "a.mp4", [scene(i) for i in range(8)]).read_bytes(), np.uint8)
    for changed in rng.integers(1, 60, 100):
        bad = good.copy()
        bad[rng.integers(0, len(bad), changed)] = rng.integers(0, 256, changed)
        (tmp_path / "b.mp4").write_bytes(bad.tobytes())
        with suppress(VideoError), VideoReader(tmp_path / "b.mp4") as video:
            assert all(frame.image.ndim == 3 for frame in video.frames())
        with suppress(VideoError), SparseVideo(tmp_path / "b.mp4") as video:
            assert all(one.picture().ndim == 3 for one in video.frames(needed=lambda at: True))


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation_beside_the_pixels_is_applied(tmp_path, rotation):
    lying, shape = scene(1), Fraction(4, 3)
    path = write_video(tmp_path / "a.mp4", [lying] * 3, rotation=rotation, pixel_shape=shape)
    frames, reader = frames_of(path)
    upright = np.rot90(lying, rotation // 90)
    assert all(close(frame.image, upright) for frame in frames)
    assert (reader.facts.height, reader.facts.width) == upright.shape[:2]
    assert reader.facts.pixel_shape == (1 / shape if rotation % 180 else shape)


@pytest.mark.parametrize(("suffix", "count"), [(".ts", 3), (".mkv", 2)])
def test_where_a_clock_begins_again_times_go_on(tmp_path, suffix, count):
    """Films joined with `cat`, whole and from any second on; an MPEG-TS does not begin at 0."""
    film = tmp_path / f"joined{suffix}"
    parts = [write_video(tmp_path / f"{one}{suffix}", [scene(one)] * 30, gop=10) for one in range(count)]
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, reader = frames_of(film)
    times = [float(frame.time) for frame in frames]
    assert times == pytest.approx([i / 25 for i in range(30 * count)], abs=0.002)
    assert all(close(frame.image, scene(i // 30)) for i, frame in enumerate(frames))
    assert reader.notes() == ["its clock jumps at 1.2 s: times go on from there"]
    for start in (0.0, 0.5, 1.5, 2.39, 4.0):
        with SparseVideo(film) as video:
            assert [frame.seconds for frame in video.frames(start=start)] == [t for t in times if t >= start]
            assert (video.notes, video.damage) == (reader.notes(), None)


def test_a_name_is_never_taken_for_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("concat:a|b.mp4", "http:x.mp4"):
        write_video(tmp_path / "plain.mp4", [scene(1)] * 3).rename(tmp_path / name)
        assert len(frames_of(Path(name))[0]) == 3


@given(
    parts=st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(1, 30), st.integers(0, 40))),
    untold=st.sets(st.integers(0, 50)),
)
@settings(max_examples=100, deadline=None)
def test_whatever_a_clock_says_times_rise_and_no_frame_is_squeezed_out(parts, untold):
    """Parts begin anywhere (in ms), their frames are up to 40 ms apart, some without a time."""
    made, base, times = SimpleNamespace, MILLISECOND, []
    container: Any = made(start_time=None)
    stream: Any = made(average_rate=25, time_base=base)
    clock = Clock(container, stream)
    for start, count, apart in parts:
        film: list[Any] = [
            made(pts=start + n * apart, dts=None, time_base=base, is_keyframe=not n) for n in range(count)
        ]
        for n in sorted(range(count), key=lambda n: (-(-n // 3), n % 3)):  # decoded as 0 3 1 2 6 4 5 ...
            clock.mend(film[n])
        for n in untold & {*range(count)}:
            film[n].pts = None
        times += map(clock.time_of, film)
    assert times == sorted(set(times))
    spans = sum((count - 1) * apart / 1000 for _, count, apart in parts)
    assert not times or times[-1] >= spans - 0.15 * len(parts)


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path):
    path = write_video(tmp_path / "clip.mkv", [scene(i) for i in range(40)], gop=5)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(bytes(data))
    frames, _ = frames_of(path)
    assert 20 <= len(frames) < 41
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    assert close(frames[0].image, scene(0))
    assert close(frames[-1].image, scene(round(float(times[-1]) * 25)))


def test_a_cut_short_file_gives_what_is_there_and_says_so(tmp_path):
    path = write_video(tmp_path / "clip.mkv", [scene(i) for i in range(60)], range(0, 12_000, 200), gop=5)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, reader = frames_of(path)
    assert 10 < len(frames) < 50
    assert reader.notes() == ["it ends at 5.6 s, although it says that it lasts 11.8 s"]


def test_what_is_no_video_is_named_and_too_many_pixels_are_not_decoded(tmp_path):
    path, secret = tmp_path / "clip.mp4", write_video(tmp_path / "secret.mp4", [scene(1)] * 3)
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"
    # FFmpeg would open the other file, or an address in the network.
    for content in (listed, f"ffconcat version 1.0\nfile {secret}\n", "".join(map(chr, range(256))) * 40):
        path.write_text(content)
        with pytest.raises(VideoError, match="not a video, or damaged from the start"):
            VideoReader(path)
    path.write_bytes(b"")
    for odd, message in (
        (path, "video is empty: 0 bytes"),
        (write_sound(tmp_path / "song.mp4"), "video has no pictures: there is only sound in it"),
        (tmp_path / "gone.mp4", "video cannot be read: No such file"),
        (secret, r"too many pixels: 96 x 72, at most 5000 \(--max_pixels\)"),
    ):
        with pytest.raises(VideoError, match=message):
            VideoReader(odd, max_pixels=5000)


def test_which_camera_is_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ("webcam", "webcam:1", "webcam.mp4", "webcam:", "x/webcam", "webcam:1234")
    assert [camera_number(Path(name)) for name in given] == [0, 1, None, None, None, None]
    Path("webcam").mkdir()
    assert camera_number(Path("webcam")) is None  # a file of that name is no camera


def test_frames_of_a_camera_have_rising_times_and_no_camera_is_said(tmp_path, monkeypatch):
    """A video plays the camera: OpenCV opens both alike."""
    path = write_video(tmp_path / "clip.mp4", [scene(i) for i in range(5)])
    opened = cv2.VideoCapture(str(path))
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: opened)
    with Camera(0) as source:
        frames = list(source.frames())
    assert len(frames) == 5
    assert (source.facts.width, source.facts.height, source.facts.rate) == (96, 72, 25)
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    assert np.abs(frames[0].image.astype(int) - scene(0)).mean() < 8  # RGB, not BGR
    assert not opened.isOpened()
    absent = SimpleNamespace(read=lambda: (False, None), release=lambda: None)
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: absent)
    with pytest.raises(VideoError, match=r"camera 3 gives no picture: is it plugged in.*webcam:1"):
        Camera(3)
