"""An MP4 of drawn-on frames with the sound of the video that they come from."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from video.reader import Clock, Frame, VideoError, VideoFacts, open_container

# veryfast: 8 ms of one core for a frame of 720p (measured: benchmarks/video.py), a third of "medium".
# No frames out of order: with them FFmpeg makes the track of a variable frame rate too short.
_ENCODER = {"preset": "veryfast", "crf": "20", "bf": "0"}
_BITS = 192_000  # a second of sound
_BT709, _LIMITED = 1, 1  # H.273 and FFmpeg's AVCOL_RANGE_MPEG


class VideoWriter:
    """Writes frames as they come; `finish` completes the file, and `close` must be called in any case."""

    def __init__(self, path: Path, facts: VideoFacts):
        """Begins a file, in a folder that exists, for frames of which the facts tell, with their sound."""
        self.notes: list[str] = []  # what a person should know: sound that could not be kept
        self._base, self._last = facts.time_base, -1
        # H.264's usual profile stores colour for squares of 2 x 2 pixels: an odd side gets one more pixel.
        self._odd = facts.height % 2, facts.width % 2
        self._reformatter = VideoReformatter()
        self._container = av.open(f"file:{path}", "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", rate=facts.rate, options=dict(_ENCODER))
        self._stream.width, self._stream.height = (side + side % 2 for side in (facts.width, facts.height))
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base, context.sample_aspect_ratio = self._base, facts.pixel_shape
        # Named in the file, so that players need not guess by its size.
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        self._sound: _Sound | None = None
        if facts.sound is not None:
            try:
                self._sound = _Sound(facts.sound, self._container)
            except (FFmpegError, VideoError, ValueError) as error:
                self.notes.append(f"its sound cannot be read ({error}) and is missing")

    def write(self, frame: Frame) -> None:
        """Appends a frame, and the sound up to its time."""
        image, (below, beside) = frame.image, self._odd
        if below or beside:
            image = np.pad(image, ((0, below), (0, beside), (0, 0)), mode="edge")
        made = VideoFrame.from_ndarray(image, "rgb24")
        picture = self._reformatter.reformat(
            made, format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED, threads=1
        )
        picture.time_base, picture.pts = self._base, max(round(frame.time / self._base), self._last + 1)
        self._last = picture.pts
        self._container.mux(self._stream.encode(picture))
        self._write_sound(float(frame.time))

    def finish(self, *, whole_sound: bool = True) -> None:
        """Completes the file, with the sound after its last frame unless the frames were broken off."""
        self._container.mux(self._stream.encode())
        self._write_sound(float("inf") if whole_sound else float(self._last * self._base))
        self._container.close()

    def close(self) -> None:
        """Lets go of the files, of an unfinished one too."""
        self._close_sound()
        # A full disk, say: that error is on its way already.
        with suppress(FFmpegError, OSError, ValueError):
            self._container.close()

    def _write_sound(self, until: float) -> None:
        if self._sound is None:
            return
        try:
            for packet in self._sound.packets(until):
                self._container.mux(packet)
        except (FFmpegError, ValueError) as error:
            self.notes.append(f"its sound is damaged after {self._sound.time:.1f} s ({error}) and ends there")
            self._close_sound()

    def _close_sound(self) -> None:
        if self._sound is not None:
            self._sound.close()
            self._sound = None


class _Sound:
    """The sound tracks of a file, packet by packet; read from the file a second time, beside its pictures."""

    def __init__(self, path: Path, into: OutputContainer):
        self.time = 0.0  # up to which second it was given out
        self._source: InputContainer = open_container(path)
        self._tracks: dict[int, tuple[_Track, Clock]] = {}
        known = [track for track in self._source.streams.audio if track.codec_context is not None]
        for track in known:
            self._tracks[track.index] = _Track(track, into), Clock(self._source, track)
        self._read = self._source.demux(*known) if known else iter(())
        self._ended = False

    def packets(self, until: float) -> Iterator[Packet]:
        """Packets for the file up to a time in seconds."""
        while not self._ended and self.time <= until:
            packet = next(self._read, None)
            if packet is None or packet.dts is None:  # at the end every track gives an empty packet
                self._ended = True
                for track, _ in self._tracks.values():
                    yield from track.take(None)
                return
            track, clock = self._tracks[packet.stream_index]
            self.time = max(self.time, clock.shown(clock.mend(packet)) or 0)
            yield from track.take(packet)

    def close(self) -> None:
        self._source.close()


class _Track:
    """A track of whatever kind, as AAC, which every player knows in an MP4."""

    def __init__(self, track: AudioStream, into: OutputContainer):
        self._track, self._next = track, 0  # the sample after the last
        rate, rates = track.codec_context.sample_rate, av.Codec("aac", "w").audio_rates or ()
        self._made = into.add_stream("aac", rate=rate if rate in rates else 48_000)
        context = self._made.codec_context
        context.bit_rate = _BITS
        context.layout = "mono" if track.codec_context.layout.nb_channels == 1 else "stereo"
        self._resampler = av.AudioResampler("fltp", context.layout, context.sample_rate)

    def take(self, packet: Packet | None) -> Iterator[Packet]:
        """What the file gets for a packet, or, for None, at the end."""
        frames = [None]
        if packet is not None:
            try:
                frames = self._track.codec_context.decode(packet)
            except FFmpegError:
                return  # one damaged packet
        for frame in frames:
            for resampled in self._resampler.resample(frame):
                # The times of some files are coarse or go back: MP4 takes none that do.
                start = max(round((resampled.time or 0) * resampled.sample_rate), self._next)
                resampled.pts, resampled.time_base = start, Fraction(1, resampled.sample_rate)
                self._next = start + resampled.samples
                yield from self._made.encode(resampled)
        if packet is None:
            yield from self._made.encode(None)
