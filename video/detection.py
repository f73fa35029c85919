"""Finds and names characters in a video: decoding, network, drawing and encoding at the same time.

One thread decodes ahead, the calling thread runs the network on batches, two draw, one encodes. All of them
work outside of the interpreter's lock most of the time, so threads suffice.
"""

import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from boxes.detections import Detections
from engine.reports.detections_file import detections_entry
from files.parallel import map_in_threads
from files.writing import whole_file
from nets.detector import Detector
from video.reader import Camera, CutFinder, Frame, VideoError, VideoReader
from video.tracking import Tracker, keep_threshold
from video.writer import VideoWriter
from visualization.drawing import draw_detections

# Frames wait at four places (decoded, undecided, to be drawn, to be written), at most so much at each.
_MOST_BYTES = 200_000_000
_LONGEST_AHEAD = 12

Item = TypeVar("Item")


def read_ahead(
    source: Iterable[Item], count: int, batch_size: int, *, newest: bool = False
) -> Generator[list[Item], None, None]:
    """Gives lists of `batch_size` items that a thread takes from a source; the last one may have fewer.

    What the source raises is raised where the item would have come. Closing the generator ends the thread.
    At most `count` items wait. Of a camera (`newest`) the oldest is dropped where more would have to wait,
    and a list has what is there.
    """
    waiting: queue.Queue[Any] = queue.Queue(max(1, count))
    closed, end, errors = threading.Event(), object(), []

    def put(item: object) -> None:
        while not closed.is_set():
            try:
                return waiting.put(item, timeout=0 if newest else 0.1)
            except queue.Full:
                if newest:
                    with suppress(queue.Empty):
                        waiting.get_nowait()

    def read() -> None:
        try:
            for item in source:
                put(item)
                if closed.is_set():
                    return
        except BaseException as error:  # raised again below
            errors.append(error)
        put(end)

    thread = threading.Thread(target=read, name="read ahead", daemon=True)
    thread.start()
    try:
        item = None
        while item is not end:
            items: list[Item] = []
            with suppress(queue.Empty):
                while len(items) < batch_size and (item := waiting.get(not (newest and items))) is not end:
                    items.append(item)
            if items:
                yield items
        if errors:
            raise errors[0]
    finally:
        closed.set()
        thread.join()


@dataclass(frozen=True)
class VideoOptions:
    """How videos are gone through."""

    # Lowest score of a detection; None takes what the training chose for all names together.
    score_threshold: float | None = None
    batch_size: int = 8  # frames that the network sees at once
    max_seconds: float | None = None  # stop after so many; None goes on to the end


@dataclass
class VideoOutcome:
    """What was found in a video."""

    entries: list[dict[str, Any]] = field(default_factory=list)  # of `detections.json`, one a frame
    seconds: float = 0.0  # how long it is, as far as it was gone through
    notes: list[str] = field(default_factory=list)  # what a person should know: damage, missing sound


def detect_in_video(
    reader: VideoReader | Camera,
    name: str,
    target: Path,
    detector: Detector,
    options: VideoOptions,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    stopped: Callable[[], bool] = lambda: False,
) -> VideoOutcome:
    """Writes an annotated MP4 and says what was found in every frame.

    Args:
        reader: gives the frames; a camera does not wait, and those that are too many are left out.
        name: of the video in the entries.
        target: the MP4; its folder must exist. It appears only when complete.
        progress: called with "frames", how many are done, of how many.
        stopped: asked now and then; once it says so, what is done so far is completed as a shorter video.

    Raises:
        VideoError: not one frame can be used.
        OSError: the file cannot be written.
    """
    facts, outcome = reader.facts, VideoOutcome()
    room = max(1, _MOST_BYTES // (3 * facts.width * facts.height))
    ahead = min(2 * options.batch_size, room)
    total = round(min(facts.seconds or 0, options.max_seconds or math.inf) * facts.rate)

    def undrawn() -> Iterator[tuple[Frame, Detections]]:
        try:
            for frame, found in decided:
                entry = detections_entry(name, facts.height, facts.width, found)
                outcome.entries.append({**entry, "time": round(float(frame.time), 3)})
                yield frame, found
        except VideoError as error:  # frames that became too large on the way, say
            if not outcome.entries:
                raise
            outcome.notes.append(f"it ends after {len(outcome.entries)} frames: {error}")

    def draw(one: tuple[Frame, Detections]) -> Frame:
        frame, found = one
        return Frame(frame.time, draw_detections(frame.image, found))

    with (
        whole_file(target) as temporary,
        closing(VideoWriter(temporary, facts)) as writer,
        closing(_decided(reader, detector, options, room, stopped)) as decided,
        closing(map_in_threads(draw, undrawn(), workers=2, ahead=ahead)) as drawn,
        closing(map_in_threads(writer.write, drawn, workers=1, ahead=ahead)) as written,
    ):
        for number, _ in enumerate(written, 1):
            progress("frames", number, max(total, number))
        if not outcome.entries:
            raise VideoError("no frame that can be decoded", "")
        whole = not stopped() and options.max_seconds is None
        writer.finish(whole_sound=whole)
    outcome.seconds = outcome.entries[-1]["time"] + float(1 / facts.rate)
    outcome.notes += [*(reader.notes() if whole else ()), *writer.notes]
    return outcome


def _decided(
    reader: VideoReader | Camera,
    detector: Detector,
    options: VideoOptions,
    room: int,
    stopped: Callable[[], bool],
) -> Generator[tuple[Frame, Detections], None, None]:
    """Frames and what is shown on them; those that came before an error of the reader too."""
    batch_size, cuts, shown = min(options.batch_size, room), CutFinder(), options.score_threshold
    shown = detector.thresholds.common if shown is None else shown
    tracker = Tracker(float(reader.facts.rate), shown, most_waiting=min(_LONGEST_AHEAD, room))
    undecided: deque[Frame] = deque()
    unread: VideoError | None = None

    def frames() -> Iterator[tuple[Frame, bool]]:
        for frame in reader.frames():
            if options.max_seconds is not None and frame.time >= options.max_seconds:
                return
            yield frame, cuts.is_cut(frame.image)

    most, live = min(2 * batch_size, room), isinstance(reader, Camera)
    with closing(read_ahead(frames(), most, batch_size, newest=live)) as batches:
        try:
            for batch in batches:
                images, least = [frame.image for frame, _ in batch], keep_threshold(shown)
                found = detector.detect_batch(images, score_threshold=least)
                for (frame, cut), one in zip(batch, found, strict=True):
                    undecided.append(frame)
                    for decided in tracker.push(one, cut=cut):
                        yield undecided.popleft(), decided
                if stopped():
                    break
        except VideoError as error:
            unread = error
    for decided in tracker.flush():
        yield undecided.popleft(), decided
    if unread is not None:
        raise unread
