"""Which frames of a video become pictures, and how to get them without paying for the others.

Frames are decoded where it must be and made RGB when asked. Times are their own presentation times, as in
`video.reader`, so that a variable frame rate is right.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import floor
from pathlib import Path

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame

from datasets.pictures import MAX_PIXELS
from video.reader import Clock, CutFinder, VideoReader, decoded, open_container, picture_stream, to_rgb

# A file may end this long before its stated length: its sound is often longer than its pictures.
_SLACK_SECONDS, _SLACK_SHARE = 2.0, 0.02
# After the wanted time, so many seconds are decoded completely: in a video whose frames come at least this
# often the very first frame at or after that time is found.
_INTERVAL_MARGIN = 0.3
_MOST_HELD = 1000  # packets from one key frame to the next, for the memory
_SETTLED = 2  # frames after a cut in which the picture is still mixed or smeared


@dataclass(frozen=True, eq=False)
class RawFrame:
    """One decoded frame that nobody has looked at yet."""

    seconds: float  # when it is shown, from the beginning of the video
    frame: VideoFrame  # as the decoder gave it
    pixel_shape: float  # width of one of its pixels by the height

    def picture(self) -> np.ndarray:
        """As it is shown, upright and with square pixels: uint8 [H, W, 3] RGB."""
        image = to_rgb(self.frame)
        if abs(self.pixel_shape - 1) < 0.01:
            return image
        import cv2  # no --help waits for it

        width = round(image.shape[1] * self.pixel_shape)
        return cv2.resize(image, (width, image.shape[0]), interpolation=cv2.INTER_AREA)

    def thumbnail(self) -> np.ndarray:
        """Small and perhaps lying on its side, for comparing frames: uint8 [36, 64, 3] RGB."""
        return self.frame.reformat(64, 36, "rgb24", interpolation="AREA").to_ndarray()


class SparseVideo(AbstractContextManager["SparseVideo"]):
    """A video file, opened, of which some frames are wanted; use it in a `with` statement."""

    def __init__(self, path: Path, *, max_pixels: int = MAX_PIXELS):
        """Opens a file; VideoError as of `VideoReader`."""
        with VideoReader(path, max_pixels=max_pixels) as reader:
            self.facts = reader.facts  # what it says about itself
        # The time in seconds and the kind of the first damage met while reading; None without any.
        self.damage: tuple[float, str] | None = None
        self._max_pixels, self._last, self._whole = max_pixels, 0.0, False
        self._container = open_container(path)
        self._stream = picture_stream(self._container, max_pixels)
        self._clock = Clock(self._container, self._stream)
        self.notes = self._clock.notes  # what else a person should know after reading

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def frames(
        self, *, start: float = 0.0, needed: Callable[[float], bool] = lambda seconds: True
    ) -> Iterator[RawFrame]:
        """Frames in the order in which they are shown; call it once.

        After damage frames are left out until the next key frame, because they build on what is damaged, and
        `damage` tells of it. It tells too when the file ends long before its stated length.

        Args:
            start: seconds; no earlier frame is given.
            needed: of a time in seconds: must a frame that is shown then be decoded although no other frame
                builds on it? The others are left out, which saves about half of the work.
        """
        # Nothing before the first key frame: it builds on frames that were not read.
        self._last, self._whole = start, False
        for frame in decoded(self._packets(start, needed), self._max_pixels, self._damaged):
            seconds = float(self._clock.time_of(frame))
            self._whole = self._whole or bool(frame.key_frame)
            if self._whole and not frame.is_corrupt:
                self._last = seconds
                if seconds >= start:
                    yield RawFrame(seconds, frame, float(self.facts.pixel_shape))
        length = None if self.notes else self.facts.seconds  # by a clock that jumps it means nothing
        if length is not None and self._last < length - max(_SLACK_SECONDS, _SLACK_SHARE * length):
            self._note(f"it ends there, although it says that it lasts {length:.1f} s")

    def _packets(self, start: float, needed: Callable[[float], bool]) -> Iterator[Packet]:
        """The packets from the last key frame before a time on.

        Those before are read and passed over: a seek leads astray where a clock begins again.
        """
        held: list[Packet] = []
        begun = False
        for packet in map(self._clock.mend, self._container.demux(self._stream)):
            shown = self._clock.shown(packet)
            begun = begun or shown is None or shown >= start or len(held) > _MOST_HELD
            if packet.is_keyframe and not begun:
                held.clear()
            held.append(packet)
            while begun and held:
                one = held.pop(0)
                shown = self._clock.shown(one)
                skip = shown is not None and not needed(shown)
                self._stream.codec_context.skip_frame = "NONREF" if skip else "DEFAULT"
                yield one

    def _damaged(self, error: Exception) -> None:
        self._whole = False
        # What FFmpeg says, without the number and the path around it.
        self._note(str(getattr(error, "strerror", None) or error))

    def _note(self, what: str) -> None:
        self.damage = self.damage or (self._last, what)


def at_interval(video: SparseVideo, interval: float, start: float = 0.0) -> Iterator[RawFrame]:
    """The first frame at or after every multiple of `interval` seconds from `start` on; none twice."""
    target = -floor(-start / interval + 1e-9)
    for frame in video.frames(start=start, needed=lambda seconds: may_be_wanted(seconds, interval)):
        # A thousandth of a frame early counts as in time: times are rounded in files.
        if frame.seconds >= target * interval - 1e-4:
            yield frame
            target = floor(frame.seconds / interval + 1e-4) + 1


def may_be_wanted(seconds: float, interval: float) -> bool:
    """Whether the frame of a time may be the one that `at_interval` takes."""
    return seconds % interval < _INTERVAL_MARGIN or interval <= _INTERVAL_MARGIN


def after_cuts(video: SparseVideo, start: float = 0.0) -> Iterator[RawFrame]:
    """One frame for every scene that begins after `start` (0: the first too), when it has settled."""
    cuts, since = CutFinder(), _SETTLED + 1 if start else 0
    for frame in video.frames(start=start, needed=lambda seconds: False):
        if cuts.is_cut(frame.thumbnail()):
            since = 0
        if since == _SETTLED:
            yield frame
        since += 1


def is_blank(picture: np.ndarray) -> bool:
    """Whether a picture, uint8 [H, W, 3] RGB, shows nothing: the black and white between scenes."""
    return float(picture[::8, ::8].astype(np.float32).std(axis=(0, 1)).max()) < 4.0
