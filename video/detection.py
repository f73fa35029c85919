"""Finds and names characters in a video: decoding, network, drawing and encoding at the same time.

One thread decodes ahead, the calling thread runs the network on batches, two draw, one encodes. All of them
work outside of the interpreter's lock most of the time, so threads suffice.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from boxes.detections import Detections
from engine.reports.detections_file import detections_entry
from nets.thresholds import Thresholds
from video.read_ahead import ReadAhead, batches
from video.reader import Frame, VideoError, VideoFacts
from video.tracking import CutFinder, Tracker, for_threshold
from video.writer import VideoWriter
from visualization.drawing import draw_detections

# Frames wait at four places (decoded, undecided, to be drawn, to be written), at most so much at each.
_MOST_BYTES = 200_000_000
_LONGEST_AHEAD = 12


class DetectsBatches(Protocol):
    """What of `nets.detector.Detector` is used here."""

    thresholds: Thresholds

    def detect_batch(
        self, images: Sequence[np.ndarray], *, score_threshold: float | None
    ) -> list[Detections]: ...


class GivesFrames(Protocol):
    """What of `video.reader.VideoReader` and `video.camera.Camera` is used here."""

    @property
    def facts(self) -> VideoFacts: ...
    def frames(self) -> Iterator[Frame]: ...
    def notes(self) -> list[str]: ...


@dataclass(frozen=True)
class VideoOptions:
    """How videos are gone through.

    Attributes:
        score_threshold: lowest score of a detection.
        batch_size: frames that the network sees at once.
        steady: follow faces, so that names stay the same from frame to frame.
        max_seconds: stop after so many; None goes on to the end.
        live: the frames come from a camera, which does not wait: those that are too many are left out.
    """

    score_threshold: float = 0.5
    batch_size: int = 8
    steady: bool = True
    max_seconds: float | None = None
    live: bool = False


@dataclass
class VideoOutcome:
    """What was found in a video.

    Attributes:
        entries: of `detections.json`, one a frame.
        seconds: how long it is, as far as it was gone through.
        notes: what a person should know: damage, missing sound.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def detect_in_video(
    reader: GivesFrames,
    name: str,
    target: Path,
    detector: DetectsBatches,
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
    batch_size = min(options.batch_size, room)
    tracking = for_threshold(options.score_threshold)
    tracker = Tracker(float(facts.rate), tracking, most_waiting=min(_LONGEST_AHEAD, room))
    threshold = tracking.keep_threshold if options.steady else options.score_threshold
    cuts = CutFinder()
    undecided: deque[Frame] = deque()
    writing: deque[Future[None]] = deque()
    unread: VideoError | None = None
    writer = VideoWriter(target, facts, sound_of=sound_of)

    def write(frame: Frame, drawing: Future[np.ndarray]) -> None:
        writer.write(Frame(frame.time, drawing.result()))
        advance()

    def hand_on(found: Detections) -> None:
        frame = undecided.popleft()
        height, width = frame.image.shape[:2]
        entry = detections_entry(name, height, width, found)
        outcome.entries.append({**entry, "time": round(float(frame.time), 3)})
        writing.append(encoder.submit(write, frame, drawers.submit(draw_detections, frame.image, found)))

    try:
        with (
            ThreadPoolExecutor(2, thread_name_prefix="draw") as drawers,
            ThreadPoolExecutor(1, thread_name_prefix="encode") as encoder,
            ReadAhead(
                _frames(reader, cuts, options.max_seconds),
                min(2 * batch_size, room),
                newest=options.live,
            ) as ahead,
        ):
            try:
                for batch in batches(ahead, batch_size):
                    found = detector.detect_batch(
                        [frame.image for frame, _ in batch], score_threshold=threshold
                    )
                    for (frame, cut), one in zip(batch, found, strict=True):
                        undecided.append(frame)
                        for decided in tracker.push(one, cut=cut) if options.steady else (one,):
                            hand_on(decided)
                    while len(writing) > min(2 * batch_size, room):
                        writing.popleft().result()
                    if stopped():
                        break
            except VideoError as error:  # frames that became too large on the way, say
                unread = error
            for decided in tracker.flush():
                hand_on(decided)
            while writing:
                writing.popleft().result()
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


def _frames(reader: GivesFrames, cuts: CutFinder, max_seconds: float | None) -> Iterator[tuple[Frame, bool]]:
    """Frames, and whether a new scene begins with them."""
    end = math.inf if max_seconds is None else max_seconds
    for frame in reader.frames():
        if frame.time >= end:
            return
        yield frame, cuts.is_cut(frame.image)
