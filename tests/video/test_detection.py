import itertools
import threading
import time
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.conftest import tables
from tests.engine.by_hand import detected
from tests.seeing import Seeing
from tests.video.small_videos import Shown, frames_of, scene, write_video
from video.detection import VideoOptions, detect_in_video, read_ahead
from video.reader import VideoError, VideoReader
from video.writer import VideoWriter


def everywhere() -> Seeing:
    """Finds あ in the upper left quarter of every frame."""
    return Seeing(lambda image: detected(("あ", 0.8, (0, 0, 0.5, 0.5))))


def clip(path: Path, *, sound: str | None, codec: str = "mpeg4", rate: int = 48_000) -> Path:
    """A clip of two seconds, 25 frames each, and a tone."""
    with av.open(str(path), "w") as container:
        pictures: Any = container.add_stream(codec, rate=25)  # of a kind that only its name says
        pictures.width, pictures.height = 96, 72
        pictures.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        tone: Any = container.add_stream(sound, rate=rate, layout="stereo") if sound is not None else None
        for i in range(50):
            frame = av.VideoFrame.from_ndarray(scene(i // 10), "rgb24")
            frame.pts = i
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if tone is not None:
            wave = np.sin(np.arange(2 * rate) / 20)
            samples = np.repeat((8000 * wave).astype(np.int16), 2)[None]
            heard = av.AudioFrame.from_ndarray(samples, "s16", "stereo")
            heard.sample_rate, heard.pts, heard.time_base = rate, 0, Fraction(1, rate)
            resampler = av.AudioResampler(tone.format, "stereo", rate, frame_size=tone.frame_size or 1024)
            for part in [*resampler.resample(heard), *resampler.resample(None)]:
                container.mux(tone.encode(part))
            container.mux(tone.encode(None))
    return path


def run(path: Path, target: Path, detector=None, *, stopped=lambda: False, **options):
    with VideoReader(path) as reader:
        detector = detector or everywhere()
        return detect_in_video(reader, path.name, target, detector, VideoOptions(**options), stopped=stopped)


def sound_seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        track: Any = container.streams.audio[0]
        return float(track.duration * track.time_base)


@pytest.mark.parametrize(("suffix", "codec", "pictures", "rate"), tables(__file__)["sound"])
def test_sound_becomes_aac_of_the_same_length(tmp_path, suffix, codec, pictures, rate):
    source, target = tmp_path / f"clip{suffix}", tmp_path / "out.mp4"
    assert run(clip(source, sound=codec, codec=pictures, rate=rate), target).notes == []
    assert sound_seconds(target) == pytest.approx(2.0, abs=3000 / rate)
    with av.open(str(target)) as container:
        (track,) = container.streams.audio
        assert track.codec_context.name == "aac"
        loud = [np.abs(frame.to_ndarray()).mean() for frame in container.decode(track)]
    assert np.median(loud) == pytest.approx(8000 / 32768 * 2 / np.pi, rel=0.1)


def test_sound_goes_on_where_films_were_joined(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    joined, target = clip(tmp_path / "a.ts", sound="aac", codec="mpeg2video"), Path("Re:Zero/out.mp4")
    joined.write_bytes(2 * joined.read_bytes())
    target.parent.mkdir()  # whose colon is no protocol's
    assert run(joined, target).notes == ["its clock jumps at 2.0 s: times go on from there"]
    assert sound_seconds(target.absolute()) == pytest.approx(4.0, abs=0.1)


def test_frames_keep_their_times_and_colours(tmp_path):
    pictures, times = [scene(i) for i in range(6)], [0, 40, 80, 700, 740, 3000]
    source = write_video(tmp_path / "clip.mkv", pictures, times)
    done = run(source, tmp_path / "out.mp4")
    assert [entry["time"] for entry in done.entries] == [0, 0.04, 0.08, 0.7, 0.74, 3.0]
    assert done.notes == []
    frames, _ = frames_of(tmp_path / "out.mp4")
    assert [round(1000 * frame.time) for frame in frames] == times
    for frame, picture in zip(frames, pictures, strict=True):
        beside = frame.image[:, 64:].astype(int) - picture[:, 64:]
        assert np.abs(beside).mean() < 12  # colour has half the resolution
        assert np.abs(beside.mean((0, 1))).max() < 3
        assert np.abs(frame.image[:40].astype(int) - picture[:40]).mean() > 5  # a box is drawn


@pytest.mark.parametrize("rotation", [0, 90])
def test_odd_sides_and_rotated_pictures(tmp_path, rotation):
    picture = scene(3)[:71, :95]
    source = write_video(tmp_path / "clip.mp4", [picture] * 4, rotation=rotation)
    done = run(source, tmp_path / "out.mp4")
    upright = np.rot90(picture, rotation // 90)
    assert (done.entries[0]["height"], done.entries[0]["width"]) == upright.shape[:2]
    image = frames_of(tmp_path / "out.mp4")[0][0].image
    assert image.shape == (upright.shape[0] + 1, upright.shape[1] + 1, 3)
    assert np.abs(image[50:70, 50:70].astype(int) - upright[50:70, 50:70]).mean() < 12


@pytest.mark.parametrize(("options", "asked"), [({}, 0.25), ({"score_threshold": 0.4}, 0.2)])
def test_batches_are_full_and_every_frame_comes_out_once(tmp_path, options, asked):
    source, detector = clip(tmp_path / "clip.mp4", sound=None), everywhere()
    done = run(source, tmp_path / "out.mp4", detector, batch_size=7, **options)
    assert detector.batches == [7] * 7 + [1]
    assert {least for least, _ in detector.asked} == {asked}
    assert [entry["time"] for entry in done.entries] == pytest.approx([i / 25 for i in range(50)])
    assert done.seconds == pytest.approx(2.0)
    one = {"name": "あ", "score": 0.8, "box": [0.0, 0.0, 48.0, 36.0]}
    assert all((entry["image"], entry["detections"]) == ("clip.mp4", [one]) for entry in done.entries)
    assert done.notes == []


def test_stopped_early_what_is_done_is_complete(tmp_path):
    source, target, detector = clip(tmp_path / "clip.mp4", sound="aac"), tmp_path / "out.mp4", everywhere()
    done = run(source, target, detector, stopped=lambda: len(detector.batches) >= 3, batch_size=4)
    assert len(done.entries) == 12
    frames, written = frames_of(target)
    assert len(frames) == 12
    assert written.facts.sound
    assert sound_seconds(target) == pytest.approx(12 / 25, abs=0.06)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]
    done = run(source, target, max_seconds=0.5)
    assert (len(done.entries), done.notes) == (13, [])


def test_a_failing_detector_leaves_nothing_behind(tmp_path):
    def see(image):
        if len(failing.batches) > 1:
            raise RuntimeError("out of memory")
        return detected()

    source, failing = clip(tmp_path / "clip.mp4", sound="aac"), Seeing(see)
    with pytest.raises(RuntimeError, match="out of memory"):
        run(source, tmp_path / "out.mp4", failing)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("read", "pictures"))]


def test_frames_that_fail_later_keep_those_before(tmp_path):
    too_large = VideoError("video has frames with too many pixels", "9 x 9", "refused")
    growing: Any = Shown(*[scene(1)] * 5, ending=too_large)
    done = detect_in_video(growing, "clip", tmp_path / "out.mp4", everywhere(), VideoOptions())
    assert len(done.entries) == 5
    assert done.notes[0].startswith("it ends after 5 frames: video has frames with too many pixels")


def test_damaged_sound_ends_and_is_reported(tmp_path):
    with VideoReader(clip(tmp_path / "clip.mp4", sound=None)) as reader:
        writer = VideoWriter(tmp_path / "out.mp4", replace(reader.facts, sound=tmp_path / "gone.mp4"))
        for frame in reader.frames():
            writer.write(frame)
        writer.finish()
    assert writer.notes == [
        "its sound cannot be read (video cannot be read: No such file or directory) and is missing"
    ]


def test_reading_ahead_does_not_run_further_ahead_than_it_may_and_ends_when_left():
    taken = []
    with closing(read_ahead((taken.append(i) or i for i in itertools.count()), 4, 2)) as batches:
        next(batches)
        time.sleep(0.05)
        assert len(taken) <= 2 + 4 + 1
    assert not [thread for thread in threading.enumerate() if thread.name == "read ahead"]


def test_of_a_camera_the_newest_items_are_kept():
    ended = threading.Event()

    def camera():
        for i in range(40):
            time.sleep(0.002)
            yield i
        ended.set()

    batches = read_ahead(camera(), 4, 10, newest=True)
    first = next(batches)
    assert ended.wait(60)
    rest = [item for batch in batches for item in batch]
    assert [*first, *rest][-3:] == [37, 38, 39]
    assert len(rest) <= 4
