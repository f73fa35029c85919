"""Video files and cameras: their frames as upright RGB pictures, each with its time.

PyAV, because it gives every frame's own time (variable frame rates), the rotation that telephones write
beside the pixels, and errors for damaged files; OpenCV's reader guesses the first and hides the others. But
OpenCV finds cameras on Linux, macOS and Windows alike. And where a new scene begins.
"""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from datasets.pictures import MAX_PIXELS, UnusableFile

# FFmpeg decides by the content. Its playlists (hls, concat, dash, ...) would open further files and the
# network in the name of a file that somebody sent: only containers that hold everything themselves are read.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,asf,ogg,mp3,aac,flac,wav",
}
# Declared rates outside of this are mistakes.
_RATES = (Fraction(1, 10), Fraction(480))
_LONGEST_FRAME = 600  # seconds: where a clock jumps further, there is no frame so long
_MOST_REORDERED = 16  # frames that are decoded before one that is shown earlier: the limit of H.264 and H.265
_SHARED_COLOURS = 0.5  # two pictures that share less of their colours are of two scenes
_ROUNDED = Fraction(1, 10)  # seconds by which a time may go back: coarse clocks, not one that begins anew

_CAMERA = re.compile(r"webcam(?::(\d{1,3}))?")

_BT709, _UNSPECIFIED, _BT601 = 1, 2, 5  # ITU-T H.273, MatrixCoefficients
# What FFmpeg's scaler takes (tried with PyAV: it raises for every other matrix and range): RGB or not said,
# BT.709, FCC, BT.601 twice, SMPTE 240M, BT.2020; and ranges not said, limited and full.
_MATRICES, _RANGES = (0, 1, 2, 4, 5, 6, 7, 9), (0, 1, 2)


class VideoError(UnusableFile):
    """A video that cannot be used."""


@dataclass(frozen=True)
class VideoFacts:
    """What a video says about itself."""

    width: int  # of a frame in pixels, upright
    height: int
    rate: Fraction  # frames a second, on average
    seconds: float | None = None  # how long it lasts; None where it does not say
    time_base: Fraction = Fraction(1, 90_000)  # the unit of its clock in seconds
    pixel_shape: Fraction = Fraction(1)  # width of a pixel by its height; 1 but for anamorphic video
    sound: Path | None = None  # the file with its sound tracks; None without any


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video."""

    time: Fraction  # seconds from the beginning of the video; rises from frame to frame
    image: np.ndarray  # uint8 [H, W, 3] RGB


class VideoReader(AbstractContextManager["VideoReader"]):
    """A video file, opened; use it in a `with` statement; `facts` is what it says about itself."""

    def __init__(self, path: Path, *, max_pixels: int = MAX_PIXELS):
        """Opens a file and decodes its first frame; VideoError where that cannot be, or it is too large."""
        self._damaged, self._smeared, self._last_time = 0, False, 0.0
        self._container = open_container(path)
        try:
            self._stream = picture_stream(self._container, max_pixels)
            self._clock = Clock(self._container, self._stream)
            self._frames = self._decoded(max_pixels)
            first = next(self._frames, None)
            if first is None:
                raise VideoError("no frame that can be decoded", "")
        except BaseException:
            self._container.close()
            raise
        self._first, self.facts = first, self._facts(path, first)

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def frames(self) -> Iterator[Frame]:
        """Every frame that can be decoded, in order, once; damaged places are passed over and counted."""
        reformatter = VideoReformatter()
        for frame in itertools.chain([self._first], self._frames):
            # A few streams change their size on the way: every picture gets that of the first.
            image = to_rgb(frame, like=self._first, reformatter=reformatter)
            time = self._clock.time_of(frame)
            self._last_time = float(time)
            yield Frame(time, image)

    def notes(self) -> list[str]:
        """What a person should know after all frames were read: damaged places, a missing end."""
        notes = list(self._clock.notes)
        if self._damaged:
            notes.append(f"{self._damaged} damaged places were passed over")
        seconds, last = self.facts.seconds, self._last_time
        # By a clock that jumps, its length means nothing.
        if seconds is not None and not self._clock.notes and last < 0.95 * seconds - 2:
            notes.append(f"it ends at {last:.1f} s, although it says that it lasts {seconds:.1f} s")
        return notes

    def _facts(self, path: Path, first: VideoFrame) -> VideoFacts:
        container, stream = self._container, self._stream
        tick, shape = stream.time_base, stream.sample_aspect_ratio
        seconds = (container.duration or 0) / av.time_base
        if stream.duration and tick:
            seconds = float(stream.duration * tick)
        shape = shape if shape and Fraction(1, 10) <= shape <= 10 else Fraction(1)
        width, height = first.width, first.height
        if _quarter_turns(first) % 2:
            width, height, shape = height, width, 1 / shape
        length, sound = seconds if 0 < seconds < 1e7 else None, path if container.streams.audio else None
        base = Fraction(tick) if tick and tick <= Fraction(1, 10) else VideoFacts.time_base
        return VideoFacts(width, height, self._clock.rate, length, base, Fraction(shape), sound)

    def _decoded(self, max_pixels: int) -> Iterator[VideoFrame]:
        packets = map(self._clock.mend, self._container.demux(self._stream))
        for frame in decoded(packets, max_pixels, self._damage):
            if not (frame.is_corrupt and self._smeared):  # else made of what was there before the damage
                self._smeared = False
                yield frame

    def _damage(self, error: Exception) -> None:
        self._damaged, self._smeared = self._damaged + 1, True


def open_container(path: Path) -> InputContainer:
    """Opens a video or sound file as hostile input: by its content, nothing beside it; or VideoError."""
    try:
        if path.stat().st_size == 0:
            raise VideoError("video is empty", "0 bytes")
        # As a `file:` address, so that no name is taken for another protocol.
        return av.open(f"file:{path.absolute()}", options=dict(_OPTIONS), metadata_errors="replace")
    except FFmpegError as error:
        raise VideoError("not a video, or damaged from the start", error.strerror or str(error)) from None
    except OSError as error:
        raise VideoError("video cannot be read", error.strerror or str(error)) from None


def picture_stream(container: InputContainer, max_pixels: int) -> VideoStream:
    """The stream that is watched, not the cover of a song, ready to be decoded; VideoError without one."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            context = stream.codec_context
            if context is None:
                raise VideoError("video codec is not known", "its pictures cannot be decoded")
            context.thread_type, context.options = "AUTO", {"max_pixels": str(max_pixels)}
            check_size(context.width, context.height, max_pixels)
            return stream
    only = "there is only sound in it" if container.streams.audio else f"it is {container.format.long_name}"
    raise VideoError("video has no pictures", only)


def decoded(
    packets: Iterator[Packet], max_pixels: int, damaged: Callable[[Exception], None]
) -> Iterator[VideoFrame]:
    """Every frame of some packets that can be decoded, in the order in which they are shown.

    `damaged` is told of every error that FFmpeg goes on after. Frames with more pixels than allowed raise
    VideoError. What a frame says of its colours, and nobody knows, counts as not said.
    """
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except EOFError:
            return
        except (FFmpegError, ValueError) as error:
            damaged(error)
            continue
        for frame in frames:
            if isinstance(frame, VideoFrame):
                check_size(frame.width, frame.height, max_pixels)
                if frame.colorspace not in _MATRICES:
                    frame.colorspace = _UNSPECIFIED
                if frame.color_range not in _RANGES:
                    frame.color_range = 0
                yield frame


class Clock:
    """Gives the packets and frames of one stream rising times from 0 on, whatever their file says.

    Some files have no times, repeat some, begin again in the middle (two that were joined) or jump by hours:
    it goes on as if there had been no jump. What jumps is found by packets, not by frames, so that times are
    the same whether or not frames are left out; it must get every packet, from the first on.
    """

    def __init__(self, container: InputContainer, stream: Stream):
        """Begins at the beginning of the file, from which its pictures and its sound count."""
        rates = [getattr(stream, name, None) for name in ("average_rate", "guessed_rate")]
        # Frames a second, on average.
        self.rate = Fraction(next((one for one in rates if one and _RATES[0] <= one <= _RATES[1]), 25))
        self.notes: list[str] = []  # what a person should know: that the file's clock jumps
        self._tick = stream.time_base or VideoFacts.time_base
        self._shift, self._repeated = -Fraction(container.start_time or 0, av.time_base), 0
        self._latest = self._last = -1 / self.rate  # of the packets so far, and of the frames

    def mend(self, packet: Packet) -> Packet:
        """The packet, its times put right."""
        if packet.pts is None:
            return packet
        time, latest = packet.pts * self._tick + self._shift, self._latest
        # Packets come in the order of decoding, but before a key frame is none that is shown after it.
        back = _ROUNDED if packet.is_keyframe else max(1, _MOST_REORDERED / self.rate)
        self._repeated = self._repeated + 1 if time == latest else 0
        if self._repeated > 1 or not latest - back <= time <= latest + _LONGEST_FRAME:
            self._shift += latest + 1 / self.rate - time
            time = latest + 1 / self.rate
            if time > 0 and not self.notes:
                self.notes.append(f"its clock jumps at {float(latest):.1f} s: times go on from there")
        self._latest = max(time, latest)
        ticks = round(self._shift / self._tick)
        packet.pts += ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
        return packet

    def shown(self, packet: Packet) -> float | None:
        """When a mended packet is shown, in seconds; None where it does not say."""
        return None if packet.pts is None else float(packet.pts * self._tick)

    def time_of(self, frame: VideoFrame) -> Fraction:
        """When a frame of mended packets is shown, in seconds, after every frame before it."""
        if frame.pts is None or frame.time_base is None:
            time = self._last + 1 / self.rate
        else:
            time = frame.pts * frame.time_base
        self._last = max(time, self._last + min(self._tick, _ROUNDED), Fraction(0))
        return self._last


def to_rgb(
    frame: VideoFrame, *, like: VideoFrame | None = None, reformatter: VideoReformatter | None = None
) -> np.ndarray:
    """A decoded frame as an upright picture, uint8 [H, W, 3] RGB.

    It gets the size and rotation of another frame, `like`; None keeps its own. The reformatter is made once
    for many frames of one video.
    """
    like = like or frame
    space = frame.colorspace
    if space in (0, _UNSPECIFIED):  # players take high definition for BT.709, the rest for BT.601
        space = _BT709 if frame.height >= 720 else _BT601
    rgb = (reformatter or VideoReformatter()).reformat(
        frame, like.width, like.height, "rgb24", src_colorspace=int(space), dst_color_range=2, threads=1
    )
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), _quarter_turns(like)))


def _quarter_turns(frame: VideoFrame) -> int:
    """How often a frame is to be turned by 90 degrees, counter-clockwise, to stand upright."""
    return round(frame.rotation / 90) % 4


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises VideoError for frames with more pixels than allowed."""
    if width * height > max_pixels:
        detail = f"{width} x {height}, at most {max_pixels} (--max_pixels)"
        raise VideoError("video has frames with too many pixels", detail, "refused")


def camera_number(given: Path) -> int | None:
    """The camera that an input on the command line means: `webcam`, `webcam:1`; None for a file's path."""
    match = _CAMERA.fullmatch(str(given))
    return None if match is None or given.exists() else int(match[1] or 0)


class Camera(AbstractContextManager["Camera"]):
    """An opened camera; its frames get the time at which they came, `facts` are its usual ones."""

    def __init__(self, number: int):
        """Opens it and takes a first picture; VideoError where there is none."""
        import cv2  # no --help waits for it

        # Without a camera every one of its ways to look for one would remark on that.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._capture = cv2.VideoCapture(number)
        got, self._first = self._capture.read()
        if not got:
            self._capture.release()
            cure = "is it plugged in, free and permitted? webcam:1 names the second one"
            raise VideoError(f"camera {number} gives no picture", cure)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        height, width = self._first.shape[:2]
        self.facts = VideoFacts(width, height, Fraction(round(rate) if 1 <= rate <= 240 else 25))

    def __exit__(self, *_: object) -> None:
        self._capture.release()

    def frames(self) -> Iterator[Frame]:
        """Pictures until it is unplugged."""
        started = time.monotonic()
        got, picture = True, self._first
        while got:
            seconds = Fraction(round(1e6 * (time.monotonic() - started)), 1_000_000)
            yield Frame(seconds, np.ascontiguousarray(picture[..., ::-1]))
            got, picture = self._capture.read()

    def notes(self) -> list[str]:
        """Nothing to say."""
        return []


class CutFinder:
    """Says where a new scene begins: the colours of the whole picture change from one frame to the next."""

    _before: np.ndarray | None = None

    def is_cut(self, image: np.ndarray) -> bool:
        """Whether this frame begins another scene than the one before it: uint8 [H, W, 3]."""
        import cv2  # no --help waits for it

        small = cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA)
        colours = cv2.calcHist([small], [0, 1, 2], None, [8, 8, 8], [0, 256] * 3).ravel() / (64 * 36)
        before, self._before = self._before, colours
        return before is not None and float(np.minimum(before, colours).sum()) < _SHARED_COLOURS
