"""Finds and names characters in a video: decoding, network, drawing and encoding at the same time.

One thread decodes ahead, the calling thread runs the network on batches, two draw, one encodes. All of them
work outside of the interpreter's lock most of the time, so threads suffice.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from boxes.detections import Detections
from engine.reports.detections_file import detections_entry
from nets.detector import Detects
from video.cuts import CutFinder
from video.reader import Frame, VideoError, VideoFacts
from video.tracking import Tracker, keep_threshold
from video.writer import VideoWriter
from visualization.drawing import draw_detections

# Frames wait at four places (decoded, undecided, to be drawn, to be written), at most so much at each.
_MOST_BYTES = 200_000_000
_LONGEST_AHEAD = 12

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """Takes items from a source in a thread; use it in a `with` statement, which ends the thread.

    An exception of the source is raised where the item would have come.
    """

    def __init__(self, source: Iterable[Item], count: int, *, newest: bool = False):
        """Starts.

        Args:
            source: is read in the thread only.
            count: so many items may wait.
            newest: for a camera: where too many wait, the oldest is dropped instead of making it wait.
        """
        self._source, self._newest = source, newest
        self._queue: queue.Queue[Item | _End] = queue.Queue(max(1, count))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def __enter__(self) -> ReadAhead[Item]:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def batches(self, count: int) -> Iterator[list[Item]]:
        """Lists of `count` items, fewer at the end (or, for a camera, those that are there)."""
        end: _End | None = None
        while end is None:
            items: list[Item] = []
            while len(items) < count and end is None:
                try:
                    item = self._queue.get(block=not (self._newest and items))
                except queue.Empty:
                    break
                if isinstance(item, _End):
                    end = item
                else:
                    items.append(item)
            if items:
                yield items
        if end.error is not None:
            raise end.error

    def _run(self) -> None:
        error = None
        try:
            for item in self._source:
                self._put(item)
                if self._closing.is_set():
                    return
        except BaseException as caught:  # raised again in `batches`
            error = caught
        self._put(_End(error))

    def _put(self, item: Item | _End) -> None:
        while not self._closing.is_set():
            try:
                self._queue.put(item, timeout=0 if self._newest else 0.1)
                return
            except queue.Full:
                if self._newest:
                    with contextlib.suppress(queue.Empty):
                        self._queue.get_nowait()


@dataclass(frozen=True)
class _End:
    """What comes after the last item: nothing, or the error that ended the source."""

    error: BaseException | None


class GivesFrames(Protocol):
    """What of `video.reader.VideoReader` and `video.reader.Camera` is used here."""

    @property
    def facts(self) -> VideoFacts: ...
    def frames(self) -> Iterator[Frame]: ...
    def notes(self) -> list[str]: ...


@dataclass(frozen=True)
class VideoOptions:
    """How videos are gone through.

    Attributes:
        score_threshold: lowest score of a detection; None takes what the training chose: for each name its
            own, and for steady names, on which several have their say, the one for all together.
        batch_size: frames that the network sees at once.
        steady: follow faces, so that names stay the same from frame to frame.
        max_seconds: stop after so many; None goes on to the end.
        live: the frames come from a camera, which does not wait: those that are too many are left out.
    """

    score_threshold: float | None = None
    batch_size: int = 8
    steady: bool = True
    max_seconds: float | None = None
    live: bool = False


@dataclass
class VideoOutcome:
    """What was found in a video."""

    entries: list[dict[str, Any]] = field(default_factory=list)  # of `detections.json`, one a frame
    seconds: float = 0.0  # how long it is, as far as it was gone through
    notes: list[str] = field(default_factory=list)  # what a person should know: damage, missing sound


def detect_in_video(
    reader: GivesFrames,
    name: str,
    target: Path,
    detector: Detects,
    options: VideoOptions,
    *,
    sound_of: Path | None = None,
    advance: Callable[[], None] = lambda: None,
    stopped: Callable[[], bool] = lambda: False,
) -> VideoOutcome:
    """Writes an annotated MP4 and says what was found in every frame.

    Args:
        reader: gives the frames.
        name: of the video in the entries.
        target: the MP4; its folder must exist. It appears only when complete.
        detector: finds the boxes.
        options: see there.
        sound_of: file whose sound is taken over.
        advance: called when one more frame is done.
        stopped: asked now and then; once it says so, what is done so far is completed as a shorter video.

    Raises:
        VideoError: not one frame can be used.
        OSError: the file cannot be written.
    """
    facts, outcome = reader.facts, VideoOutcome()
    room = max(1, _MOST_BYTES // (3 * facts.width * facts.height))
    unread: VideoError | None = None
    writer = VideoWriter(target, facts, sound_of=sound_of)
    try:
        with (
            _Output(writer, min(2 * options.batch_size, room), advance) as output,
            contextlib.closing(_decided(reader, detector, options, room, stopped)) as decided,
        ):
            try:
                for frame, found in decided:
                    height, width = frame.image.shape[:2]
                    entry = detections_entry(name, height, width, found)
                    outcome.entries.append({**entry, "time": round(float(frame.time), 3)})
                    output.take(frame, found)
            except VideoError as error:  # frames that became too large on the way, say
                unread = error
            output.finish()
            whole = not stopped() and options.max_seconds is None
        if not outcome.entries:
            raise unread or VideoError("no frame that can be decoded", "")
        if unread is not None:
            outcome.notes.append(f"it ends after {len(outcome.entries)} frames: {unread}")
        writer.finish(whole_sound=whole)
    finally:
        writer.discard()
    outcome.seconds = outcome.entries[-1]["time"] + float(1 / facts.rate)
    outcome.notes += [*(reader.notes() if whole else ()), *writer.notes]
    return outcome


def _decided(
    reader: GivesFrames, detector: Detects, options: VideoOptions, room: int, stopped: Callable[[], bool]
) -> Generator[tuple[Frame, Detections], None, None]:
    """Frames and what is shown on them; those that came before an error of the reader too."""
    threshold, batch_size, cuts = options.score_threshold, min(options.batch_size, room), CutFinder()
    shown = detector.thresholds.common if threshold is None else threshold
    tracker = Tracker(float(reader.facts.rate), shown, most_waiting=min(_LONGEST_AHEAD, room))
    threshold = keep_threshold(shown) if options.steady else threshold
    undecided: deque[Frame] = deque()
    unread: VideoError | None = None

    def frames() -> Iterator[tuple[Frame, bool]]:
        for frame in reader.frames():
            if options.max_seconds is not None and frame.time >= options.max_seconds:
                return
            yield frame, cuts.is_cut(frame.image)

    with ReadAhead(frames(), min(2 * batch_size, room), newest=options.live) as ahead:
        try:
            for batch in ahead.batches(batch_size):
                found = detector.detect_batch([frame.image for frame, _ in batch], score_threshold=threshold)
                for (frame, cut), one in zip(batch, found, strict=True):
                    undecided.append(frame)
                    for decided in tracker.push(one, cut=cut) if options.steady else (one,):
                        yield undecided.popleft(), decided
                if stopped():
                    break
        except VideoError as error:
            unread = error
    for decided in tracker.flush():
        yield undecided.popleft(), decided
    if unread is not None:
        raise unread


class _Output:
    """Draws on frames and writes them, in order, in threads of its own."""

    def __init__(self, writer: VideoWriter, most_waiting: int, advance: Callable[[], None]):
        self._writer, self._most, self._advance = writer, most_waiting, advance
        self._drawers = ThreadPoolExecutor(2, thread_name_prefix="draw")
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._writing: deque[Future[None]] = deque()

    def __enter__(self) -> _Output:
        return self

    def __exit__(self, *_: object) -> None:
        self._drawers.shutdown()
        self._encoder.shutdown()

    def take(self, frame: Frame, found: Detections) -> None:
        """The next frame, and what is shown on it."""
        drawing = self._drawers.submit(draw_detections, frame.image, found)
        self._writing.append(self._encoder.submit(self._write, frame, drawing))
        while len(self._writing) > self._most:
            self._writing.popleft().result()

    def finish(self) -> None:
        """Waits for what is to be written."""
        while self._writing:
            self._writing.popleft().result()

    def _write(self, frame: Frame, drawing: Future[np.ndarray]) -> None:
        self._writer.write(Frame(frame.time, drawing.result()))
        self._advance()
