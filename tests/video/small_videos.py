"""Small videos for the tests: every frame has a colour of its own, so that it is known again."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from datasets.drawn.shots import ShotPainter
from datasets.drawn_video import FilmOptions, shown_at
from video.reader import Frame, VideoFacts, VideoReader

MILLISECOND = Fraction(1, 1000)


def write_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    milliseconds: Sequence[int] | None = None,
    *,
    gop: int = 12,
    rotation: int = 0,
    pixel_shape: Fraction = Fraction(1),
    matrix: int = 2,
) -> Path:
    """Writes an H.264 video.

    Args:
        path: `.mp4` or `.mkv`.
        pictures: uint8 [H, W, 3] RGB, of one size.
        milliseconds: when each is shown; None: 25 a second.
        gop: frames from one key frame to the next.
        rotation: that players have to apply, in degrees.
        pixel_shape: width of a pixel by its height.
        matrix: that its colours were made with (ITU-T H.273); 2: it does not say.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        stream.codec_context.time_base = MILLISECOND
        stream.codec_context.gop_size = gop
        stream.codec_context.sample_aspect_ratio = pixel_shape
        stream.codec_context.colorspace = matrix
        stream.options = {"crf": "12", "threads": "1", "bf": "3"}
        if rotation:
            stream.set_display_rotation(rotation)
        for picture, at in zip(pictures, milliseconds or range(0, 40 * len(pictures), 40), strict=True):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = at, MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Writes a file with a second of sound and no pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def frames_of(path: Path) -> tuple[list[Frame], VideoReader]:
    with VideoReader(path) as reader:
        return list(reader.frames()), reader


class Shown:
    """Pictures that are a video without a file, 25 a second; what ends them early is raised."""

    def __init__(self, *pictures: np.ndarray, ending: Exception | None = None):
        height, width = pictures[0].shape[:2]
        self.facts = VideoFacts(width, height, Fraction(25))
        self.pictures, self.ending = pictures, ending

    def frames(self) -> Iterator[Frame]:
        yield from (Frame(Fraction(i, 25), picture) for i, picture in enumerate(self.pictures))
        if self.ending is not None:
            raise self.ending

    def notes(self) -> list[str]:
        return []


def scene(seed: int, height: int = 72, width: int = 96) -> np.ndarray:
    """A picture that is unlike that of any other seed: uint8 [H, W, 3] of large coloured squares."""
    squares = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.kron(squares, np.ones((height // 6, width // 8, 1), np.uint8))


def frame_at(film: FilmOptions, seconds: float) -> np.ndarray:
    """What a drawn film shows at a time, before compression: uint8 [H, W, 3] RGB."""
    shot, moment = shown_at(film, seconds)
    return ShotPainter(shot).paint(moment)
