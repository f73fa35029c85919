"""Finds and names characters in pictures, folders, videos and before a webcam.

    python detect.py --checkpoint_path=RUN --output_dir=X INPUT...

Writes into X every picture with its boxes drawn, under the path it has below the inputs' common folder
(so `a/1.jpg` and `b/1.jpg` stay apart), and `detections.json`: a list of `{"image", "width", "height",
"detections": [{"name", "score", "box": [xmin, ymin, xmax, ymax]}]}` in pixels, best first; a video has one
entry per frame, with `"time"` in seconds. Every video becomes an annotated MP4 with its sound, a timeline
(`VIDEO.timeline.png`) and a table of who appears when (`VIDEO.appearances.csv`). The input `webcam` (or
`webcam:1` for the second) is the camera, until Ctrl-C.

Ctrl-C ends a run early: what was done until then is complete and valid.

Exit status: 0; 1 if an input could not be read (the others are done nevertheless) or nothing was found to
read; 2 for wrong flags; 130 after Ctrl-C.
"""

from __future__ import annotations

import itertools
import math
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import rich.console
import rich.progress
import tyro

from boxes.detections import Detections
from datasets.pictures import (
    ACCEPTED_SUFFIXES,
    MAX_PIXELS,
    OTHER_SUFFIXES,
    PictureError,
    read_picture,
    save_picture,
)
from engine.reports.detections_file import detections_entry, write_detections
from files.writing import write_bytes
from terminal.command import command
from terminal.quiet import start_tensorflow
from video.appearances import find_appearances, write_appearances
from video.camera import Camera, camera_number
from video.reader import VIDEO_SUFFIXES, VideoError, VideoReader
from video.timeline import plot_timeline
from visualization.drawing import contact_sheet, draw_detections, scale_to
from visualization.figures import picture_of
from visualization.text import one_line

if TYPE_CHECKING:
    from video.detection import DetectsBatches

# Pictures of the other formats are found too, so that each is reported instead of passed over.
PICTURES = tuple(sorted(ACCEPTED_SUFFIXES | OTHER_SUFFIXES))
# A sheet with more could not be looked at; evenly chosen ones are shown then.
MOST_TILES = 120
TILE = 480  # longest side of a picture on the sheet, about


@dataclass(frozen=True)
class Options:
    """Finds and names characters in pictures, folders and videos."""

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
    """Pictures, videos, folders with them (searched with all their subfolders), or webcam."""
    checkpoint_path: Path
    """Checkpoint folder: the --train_dir of a training."""
    output_dir: Path
    """Folder for annotated pictures and videos and detections.json; made if it does not exist."""
    score_threshold: float | None = None
    """Lowest score of a detection, 0 to 1. Not given: for each name the one that its training chose (0.5
    where it chose none); in videos the one that it chose for all names together."""
    unknown: bool = False
    """Answer "unknown" for characters that the detector was not taught, instead of the name that they
    resemble most."""
    batch_size: int = 8
    """Pictures that the network sees at once."""
    contact_sheet: bool = False
    """Also write detections.png: all pictures (of very many, some) on one sheet."""
    steady: bool = True
    """In videos, follow faces from frame to frame: names stay the same, short gaps are bridged, and what is
    there for a moment only is left out. --no-steady takes every frame for itself."""
    max_seconds: float | None = None
    """Of videos and the webcam, only so many seconds from the start."""
    max_pixels: int = MAX_PIXELS
    """Refuse pictures and videos with more pixels than this."""

    def __post_init__(self):
        if self.score_threshold is not None and not 0 <= self.score_threshold <= 1:
            raise ValueError(f"--score_threshold must be in 0...1, not {self.score_threshold}.")
        if self.batch_size < 1:
            raise ValueError(f"--batch_size must be at least 1, not {self.batch_size}.")
        if self.max_seconds is not None and not self.max_seconds > 0:
            raise ValueError(f"--max_seconds must be above 0, not {self.max_seconds}.")


class Unreadable(ValueError):
    """A picture or video cannot be used; the message says why."""


@dataclass(frozen=True)
class Source:
    """One picture or video.

    Attributes:
        path: where it is.
        name: its path in `detections.json`, with slashes; annotated pictures have it in the output folder.
        camera: number of the camera that it comes from; None for a file.
    """

    path: Path
    name: str
    camera: int | None = None

    @property
    def is_video(self) -> bool:
        return self.camera is not None or self.path.suffix.lower() in VIDEO_SUFFIXES


@dataclass
class Outcome:
    """What a run found; grows while it goes on.

    Attributes:
        entries: of `detections.json`.
        failures: (name, reason) of inputs that could not be read.
        notes: (name, what a person should know) of inputs that were read.
        tiles: position among the sources -> small picture for the contact sheet, and what it shows.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    tiles: dict[int, tuple[np.ndarray, Detections]] = field(default_factory=dict)


def find_sources(inputs: Sequence[Path], output_dir: Path, *, contact_sheet: bool = False) -> list[Source]:
    """The pictures and videos among the inputs and below the folders among them, each once, in order of name.

    Hidden files and what lies in the output folder are left out of folders.

    Raises:
        ValueError: an input does not exist or is neither; nothing was found; an original or another result
            would be overwritten.
    """
    # abspath() takes `..` out of names and, unlike resolve(), keeps links under the name that the user sees.
    output_dir = Path(os.path.abspath(output_dir))  # noqa: PTH100
    found: dict[Path, None] = {}
    roots = []
    cameras = []
    for given in inputs:
        camera = camera_number(given)
        if camera is not None:
            # Never one recording over another: it cannot be made again.
            name = time.strftime(f"webcam{camera}_%Y%m%d_%H%M%S.mp4")
            cameras.append(Source(Path(name), name, camera))
            continue
        path = Path(os.path.abspath(given))  # noqa: PTH100
        if path.is_dir():
            roots.append(path)
            found.update(dict.fromkeys(_media_below(path, output_dir)))
        elif not path.exists():
            raise ValueError(f"{given} does not exist. Give pictures, videos or folders with them.")
        elif path.suffix.lower() not in PICTURES + VIDEO_SUFFIXES:
            raise ValueError(
                f"{given} is by its name neither a picture ({' '.join(sorted(ACCEPTED_SUFFIXES))}) "
                f"nor a video ({' '.join(VIDEO_SUFFIXES)})."
            )
        else:
            roots.append(path.parent)
            found[path] = None
    if not found and not cameras:
        where = ", ".join(str(given) for given in inputs) or "(no input given)"
        known = " ".join((*sorted(ACCEPTED_SUFFIXES), *VIDEO_SUFFIXES))
        raise ValueError(f"No picture and no video in {where}. Known suffixes: {known}.")
    sources = cameras
    if found:
        top = Path(os.path.commonpath(roots))
        sources = [*(Source(path, path.relative_to(top).as_posix()) for path in found), *cameras]
    # What is there already (originals) or will be (results): nothing may have two of these names.
    taken = {path.resolve() for path in found}
    if contact_sheet:
        taken.add((output_dir / "detections.png").resolve())
    for source in sources:
        for target in _targets(source, output_dir):
            if target.resolve() in taken:
                raise ValueError(
                    f"{target.resolve()} would be overwritten by the result for {source.path}. "
                    "Rename one, or choose another --output_dir."
                )
            taken.add(target.resolve())
    return sources


def _media_below(folder: Path, output_dir: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and (here / f != output_dir))
        for name in sorted(files):
            if not name.startswith(".") and (here / name).suffix.lower() in PICTURES + VIDEO_SUFFIXES:
                yield here / name


def _targets(source: Source, output_dir: Path) -> list[Path]:
    """Where the results for a source go.

    A video has its MP4 first (one that is no MP4 gets `.mp4` behind its name), its timeline and its table.
    """
    if not source.is_video:
        return [output_dir / source.name]
    film = source.name if source.path.suffix.lower() == ".mp4" else source.name + ".mp4"
    return [
        output_dir / name for name in (film, f"{source.name}.timeline.png", f"{source.name}.appearances.csv")
    ]


def run(
    sources: Sequence[Source],
    detector: DetectsBatches,
    options: Options,
    advance: Callable[[str], None] = lambda name: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Detects in all sources and writes what is found.

    Args:
        sources: from `find_sources`.
        detector: finds the boxes.
        options: of the command line.
        advance: called with the name of a picture or video when one more picture or frame is done.
        stopped: asked now and then; once it says so, only what is done so far is completed.
    """
    outcome = Outcome()
    pictures = [i for i, source in enumerate(sources) if not source.is_video]
    tiles = set(
        pictures[:: math.ceil(len(pictures) / MOST_TILES)] if options.contact_sheet and pictures else ()
    )
    with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 1)) as pool:
        # Neighbouring pictures go through the network together; videos stand alone.
        for is_video, group in itertools.groupby(enumerate(sources), key=lambda item: item[1].is_video):
            if is_video:
                for _, source in group:
                    if not stopped():
                        _detect_in_video(source, detector, options, outcome, advance, stopped)
            else:
                _detect_in_pictures(list(group), tiles, detector, options, pool, outcome, advance, stopped)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    write_detections(options.output_dir / "detections.json", outcome.entries)
    if outcome.tiles:
        chosen = sorted(outcome.tiles)
        sheet = contact_sheet(
            [outcome.tiles[i][0] for i in chosen],
            detections=[outcome.tiles[i][1] for i in chosen],
            captions=[Path(sources[i].name).name for i in chosen],
        )
        save_picture(options.output_dir / "detections.png", sheet)
    return outcome


def _detect_in_pictures(
    group: Sequence[tuple[int, Source]],
    tiles: set[int],
    detector: DetectsBatches,
    options: Options,
    pool: ThreadPoolExecutor,
    outcome: Outcome,
    advance: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """Batches of pictures: the next ones are read and the last ones drawn while the network works."""

    def finish(index: int, source: Source, image: np.ndarray, detections: Detections) -> None:
        save_picture(_targets(source, options.output_dir)[0], draw_detections(image, detections))
        if index in tiles:
            outcome.tiles[index] = scale_to(image, TILE), detections

    def wait_for_first() -> None:
        source, future = finishing.popleft()
        future.result()
        advance(source.name)

    finishing: deque[tuple[Source, Future[None]]] = deque()
    reading = deque(
        pool.submit(_read, source.path, options.max_pixels) for _, source in group[: 2 * options.batch_size]
    )
    batch: list[tuple[int, Source, np.ndarray]] = []
    for position, (index, source) in enumerate(group):
        if stopped():
            break
        try:
            batch.append((index, source, reading.popleft().result()))
        except Unreadable as error:
            outcome.failures.append((source.name, str(error)))
            advance(source.name)
        ahead = position + 2 * options.batch_size
        if ahead < len(group):
            reading.append(pool.submit(_read, group[ahead][1].path, options.max_pixels))
        if len(batch) == options.batch_size or (batch and position == len(group) - 1):
            images = [image for _, _, image in batch]
            found = detector.detect_batch(images, score_threshold=options.score_threshold)
            for (i, s, image), detections in zip(batch, found, strict=True):
                outcome.entries.append(detections_entry(s.name, image.shape[0], image.shape[1], detections))
                finishing.append((s, pool.submit(finish, i, s, image, detections)))
            batch = []
            while len(finishing) > 2 * options.batch_size:  # so that waiting pictures do not fill the memory
                wait_for_first()
    while finishing:
        wait_for_first()


def _detect_in_video(
    source: Source,
    detector: DetectsBatches,
    options: Options,
    outcome: Outcome,
    advance: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """One entry per frame; the annotated MP4, its timeline and its table of appearances."""
    from video.detection import VideoOptions, detect_in_video

    film, timeline, table = _targets(source, options.output_dir)
    film.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _opened(source, options) as reader:
            done = detect_in_video(
                reader,
                source.name,
                film,
                detector,
                VideoOptions(
                    score_threshold=(
                        detector.thresholds.common
                        if options.score_threshold is None
                        else options.score_threshold
                    ),
                    batch_size=options.batch_size,
                    steady=options.steady,
                    max_seconds=options.max_seconds,
                    live=source.camera is not None,
                ),
                sound_of=source.path if source.camera is None else None,
                advance=lambda: advance(source.name),
                stopped=stopped,
            )
    except VideoError as error:
        outcome.failures.append((source.name, str(error)))
        return
    outcome.entries += done.entries
    outcome.notes += [(source.name, note) for note in done.notes]
    spans = find_appearances(done.entries, done.seconds)
    write_appearances(table, spans)
    by_name: dict[str, list[tuple[float, float]]] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append((span.start, span.end))
    figure = plot_timeline(by_name, done.seconds, title=Path(source.name).name)
    write_bytes(timeline, picture_of(figure, dots_per_inch=120))


def _opened(source: Source, options: Options) -> VideoReader | Camera:
    if source.camera is not None:
        return Camera(source.camera)
    return VideoReader(source.path, max_pixels=options.max_pixels)


def _read(path: Path, max_pixels: int) -> np.ndarray:
    if path.suffix.lower() not in ACCEPTED_SUFFIXES:
        raise Unreadable(f"{path.suffix} pictures are not read; convert it to PNG or JPEG")
    try:
        return read_picture(path, max_pixels=max_pixels)
    except PictureError as error:
        raise Unreadable(str(error)) from error


@command("detect.py", interrupted="films and pictures that are there are complete")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    options = tyro.cli(Options, args=arguments, use_underscores=True)
    console = rich.console.Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    sources = find_sources(options.inputs, options.output_dir, contact_sheet=options.contact_sheet)
    # Not at the top: importing TensorFlow takes seconds that --help and wrong paths need not wait for.
    start_tensorflow()
    from nets.detector import Detector

    detector = Detector.load(options.checkpoint_path, unknown=options.unknown)

    started = time.monotonic()
    progress = rich.progress.Progress(
        *rich.progress.Progress.get_default_columns(),
        rich.progress.MofNCompleteColumn(),
        console=console,
        transient=True,
    )
    task = progress.add_task("Detecting", total=_work(sources, options))

    def advance(name: str) -> None:
        progress.advance(task)
        if not progress.live.is_started and time.monotonic() - started > 2:
            progress.start()

    interrupted = threading.Event()

    def stop(number: int, frame: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)  # a second Ctrl-C does not wait
        console.print("Completing what is done so far; Ctrl-C again gives it up.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        outcome = run(sources, detector, options, advance, interrupted.is_set)
    finally:
        signal.signal(signal.SIGINT, before)
        progress.stop()
    for name, note in outcome.notes:
        console.print(one_line(f"detect.py: {name}: {note}"))
    for name, reason in outcome.failures:
        # one_line(): a file's name could hold control characters for the terminal.
        console.print(one_line(f"detect.py: {name}: {reason}; left out"))
    boxes = sum(len(element["detections"]) for element in outcome.entries)
    console.print(
        f"{len(outcome.entries)} pictures (or frames), {boxes} detections, "
        f"{len(outcome.failures)} unreadable, in {time.monotonic() - started:.1f} s. "
        f"See {options.output_dir / 'detections.json'}"
    )
    if interrupted.is_set():
        return 130
    return 1 if outcome.failures else 0


def _work(sources: Sequence[Source], options: Options) -> int | None:
    """How many pictures and frames there are, as far as the videos say; None where nobody knows."""
    total = 0
    for source in sources:
        if not source.is_video:
            total += 1
        elif source.camera is not None:
            return None
        else:
            try:
                with VideoReader(source.path, max_pixels=options.max_pixels) as video:
                    seconds = min(video.facts.seconds or 0, options.max_seconds or math.inf)
                    total += max(1, round(seconds * video.facts.rate))
            except VideoError:
                total += 1
    return total


if __name__ == "__main__":
    sys.exit(main())
