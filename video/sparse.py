"""Some frames of a video, without paying for the others: decoded where it must be, made RGB when asked.

Times are the frames' own presentation times, as in `video.reader`, so that a variable frame rate is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame

from datasets.pictures import MAX_PIXELS
from video.reader import VideoReader, check_size, open_container, picture_stream, start_of, to_rgb

# A file may end this long before its stated length: its sound is often longer than its pictures.
_SLACK_SECONDS, _SLACK_SHARE = 2.0, 0.02


@dataclass(frozen=True, eq=False)
class RawFrame:
    """One decoded frame that nobody has looked at yet.

    Attributes:
        seconds: when it is shown, from the beginning of the video.
        frame: as the decoder gave it.
        pixel_shape: width of one of its pixels by the height.
    """

    seconds: float
    frame: VideoFrame
    pixel_shape: float

    def picture(self) -> np.ndarray:
        """As it is shown, upright and with square pixels: uint8 [H, W, 3] RGB."""
        image = to_rgb(self.frame)
        if abs(self.pixel_shape - 1) < 0.01:
            return image
        width = round(image.shape[1] * self.pixel_shape)
        return cv2.resize(image, (width, image.shape[0]), interpolation=cv2.INTER_AREA)

    def thumbnail(self) -> np.ndarray:
        """Small and perhaps lying on its side, for comparing frames: uint8 [36, 64, 3] RGB."""
        return self.frame.reformat(64, 36, "rgb24", interpolation="AREA").to_ndarray()


class SparseVideo:
    """A video file, opened; use it in a `with` statement.

    Attributes:
        facts: what it says about itself.
        damage: the time in seconds and the kind of the first damage met while reading; None without any.
    """

    def __init__(self, path: Path, *, max_pixels: int = MAX_PIXELS):
        """Opens a file.

        Raises:
            video.reader.VideoError: as `VideoReader`.
        """
        with VideoReader(path, max_pixels=max_pixels) as reader:
            self.facts = reader.facts
        self.damage: tuple[float, str] | None = None
        self._max_pixels, self._last = max_pixels, 0.0
        self._container = open_container(path)
        self._stream = picture_stream(self._container)
        self._stream.codec_context.thread_type = "AUTO"
        self._stream.codec_context.options = {"max_pixels": str(max_pixels)}

    def __enter__(self) -> SparseVideo:
        return self

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
        codec, begin = self._stream.codec_context, start_of(self._container)
        if start > 0:
            with suppress(FFmpegError):  # a file without an index is read from its beginning
                self._container.seek(int((start + float(begin)) * av.time_base), backward=True)
        whole = False  # nothing before the first key frame: it builds on frames that were not read
        self._last, number = start, 0
        for packet in self._packets():
            if packet.pts is not None and packet.time_base is not None:
                shown = float(packet.pts * packet.time_base - begin)
                codec.skip_frame = "DEFAULT" if needed(shown) else "NONREF"
            try:
                decoded = [frame for frame in packet.decode() if isinstance(frame, VideoFrame)]
            except EOFError:
                break
            except (FFmpegError, ValueError) as error:
                self._note(_said(error))
                whole = False
                continue
            for frame in decoded:
                check_size(frame.width, frame.height, self._max_pixels)
                number += 1
                seconds = _seconds(frame, float(begin))
                if seconds is None:  # no clock at all: the only case in which frames are counted
                    seconds = (number - 1) / float(self.facts.rate)
                whole = whole or bool(frame.key_frame)
                if not whole or frame.is_corrupt:
                    continue
                self._last = seconds
                if seconds >= start:
                    shape = self.facts.pixel_shape
                    yield RawFrame(seconds, frame, float(shape))
        length = self.facts.seconds
        if length is not None and self._last < length - max(_SLACK_SECONDS, _SLACK_SHARE * length):
            self._note(f"it ends there, although it says that it lasts {length:.1f} s")

    def samples(self, count: int) -> Iterator[RawFrame]:
        """Key frames from all over the video, at most `count`; for a video that is not read otherwise."""
        length, begin = self.facts.seconds or 0.0, start_of(self._container)
        self._stream.codec_context.skip_frame = "NONKEY"
        for index in range(count if length else 1):
            at = length * (index + 0.5) / count + float(begin)
            with suppress(FFmpegError, ValueError):  # damage tells nothing about the rest
                self._container.seek(int(at * av.time_base), backward=True)
                frame = next(self._container.decode(self._stream), None)
                if frame is not None:
                    check_size(frame.width, frame.height, self._max_pixels)
                    seconds = _seconds(frame, float(begin)) or 0.0
                    yield RawFrame(seconds, frame, float(self.facts.pixel_shape))

    def _packets(self) -> Iterator[Packet]:
        """Packets of the pictures, then the empty one that makes the decoder give what it holds back."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (FFmpegError, ValueError) as error:
                self._note(_said(error))
                return
            yield packet

    def _note(self, what: str) -> None:
        self.damage = self.damage or (self._last, what)


def _seconds(frame: VideoFrame, begin: float) -> float | None:
    return None if frame.time is None else max(0.0, frame.time - begin)


def _said(error: Exception) -> str:
    """What FFmpeg says, without the number and the path around it."""
    return str(getattr(error, "strerror", None) or error)
