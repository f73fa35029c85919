"""Finds and names characters in pictures, folders, videos and before a webcam.

    python detect.py --checkpoint_path=RUN --output_dir=X INPUT...

Writes into X every picture with its boxes drawn, under the path it has below the inputs' common folder
(so `a/1.jpg` and `b/1.jpg` stay apart), and `detections.json`: a list of `{"image", "width", "height",
"detections": [{"name", "score", "box": [xmin, ymin, xmax, ymax]}]}` in pixels, best first; a video, in which
faces are followed, has one entry per frame, with `"time"` in seconds. Every video becomes an annotated MP4
with its sound, a timeline (`VIDEO.timeline.png`) and a table of who appears when (`VIDEO.appearances.csv`).
The input `webcam` (or `webcam:1` for the second) is the camera, until Ctrl-C, which ends every run early:
what was done until then is complete and valid. The same command goes on with the other pictures, after a
crash as well: until all is done, `detections.journal` has what was found.

Exit status: 0; 1 if an input could not be read or a result not written (the others are done nevertheless) or
nothing was found to read; 2 for wrong flags; 130 after Ctrl-C.
"""

import itertools
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro
from av.error import FFmpegError
from rich.console import Console
from rich.progress import Progress

from boxes.detections import Detections
from datasets.pictures import (
    ACCEPTED_SUFFIXES,
    MAX_PIXELS,
    SUFFIXES,
    VIDEO_SUFFIXES,
    PictureError,
    UnusableFile,
    in_batches,
    read_picture,
    save_picture,
)
from engine.reports.detections_file import Journal, as_line, detections_entry, write_lines
from files.below import files_below
from files.parallel import map_in_threads, map_with_beam
from files.telling import why
from files.writing import write_bytes
from terminal.command import command
from terminal.quiet import start_tensorflow
from video.reader import Camera, VideoError, VideoReader, camera_number
from visualization.drawing import contact_sheet, draw_detections, scale_to
from visualization.text import one_line

if TYPE_CHECKING:  # importing it would start Keras
    from nets.detector import Detector

# Pictures of the other formats are found too, so that each is reported instead of passed over.
MEDIA = SUFFIXES | VIDEO_SUFFIXES
# A sheet with more could not be looked at; evenly chosen ones are shown then.
MOST_TILES = 120
TILE = 480  # longest side of a picture on the sheet, about
_PART = 64  # pictures that a worker of a cluster is given at once


@dataclass(frozen=True)
class Options:
    """Finds and names characters in pictures, folders and videos."""

    #: Pictures, videos, folders with them (searched with all their subfolders), or webcam.
    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
    checkpoint_path: Path  #: Checkpoint folder (the --train_dir of a training), or export_model.py's file.
    #: Folder for annotated pictures and videos and detections.json; made if it does not exist.
    output_dir: Path
    #: Lowest score of a detection, 0 to 1. Not given: for each name the one that its training chose (0.5
    #: where it chose none); in videos the one that it chose for all names together.
    score_threshold: float | None = None
    #: Answer "unknown" for characters that the detector was not taught, instead of the name that they
    #: resemble most.
    unknown: bool = False
    batch_size: int = 8  #: Pictures that the network sees at once.
    contact_sheet: bool = False  #: Also write detections.png: all pictures (of very many, some) on one sheet.
    max_seconds: float | None = None  #: Of videos and the webcam, only so many seconds from the start.
    max_pixels: int = MAX_PIXELS  #: Refuse pictures and videos with more pixels than this.
    #: Look at pictures in an Apache Beam pipeline on this runner, not here; Beam's own flags stand behind it:
    #: "FlinkRunner --flink_master=host:8081". Workers see inputs, checkpoint and output under these paths.
    runner: str | None = None

    def __post_init__(self):
        if self.score_threshold is not None and not 0 <= self.score_threshold <= 1:
            raise ValueError(f"--score_threshold must be in 0...1, not {self.score_threshold}.")
        if self.batch_size < 1:
            raise ValueError(f"--batch_size must be at least 1, not {self.batch_size}.")
        if self.max_seconds is not None and not self.max_seconds > 0:
            raise ValueError(f"--max_seconds must be above 0, not {self.max_seconds}.")


@dataclass(frozen=True)
class Source:
    """One picture or video."""

    path: Path  # where it is
    name: str  # its path in `detections.json`, with slashes; its picture has it in the output folder
    camera: int | None = None  # number of the camera that it comes from; None for a file

    @property
    def is_video(self) -> bool:
        return self.camera is not None or self.path.suffix.lower() in VIDEO_SUFFIXES

    def results(self, output_dir: Path) -> list[Path]:
        """The annotated picture; or a video's MP4 (`.mp4` is added to other names), timeline and table."""
        if not self.is_video:
            return [output_dir / self.name]
        film = self.name if self.path.suffix.lower() == ".mp4" else self.name + ".mp4"
        names = film, f"{self.name}.timeline.png", f"{self.name}.appearances.csv"
        return [output_dir / name for name in names]


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
    roots, cameras = [], []
    known = " ".join((*sorted(ACCEPTED_SUFFIXES), *sorted(VIDEO_SUFFIXES)))
    for given in inputs:
        path, camera = Path(os.path.abspath(given)), camera_number(given)  # noqa: PTH100
        if camera is not None:
            # Never one recording over another: it cannot be made again.
            name = time.strftime(f"webcam{camera}_%Y%m%d_%H%M%S.mp4")
            cameras.append(Source(Path(name), name, camera))
        elif path.is_dir():
            roots.append(path)
            found.update(dict.fromkeys(files_below(path, MEDIA, exclude=[output_dir])))
        elif not path.exists():
            raise ValueError(f"{given} does not exist. Give pictures, videos or folders with them.")
        elif path.suffix.lower() not in MEDIA:
            raise ValueError(f"{given} is by its name neither a picture nor a video ({known}).")
        else:
            roots.append(path.parent)
            found[path] = None
    if not found and not cameras:
        where = ", ".join(str(given) for given in inputs) or "(no input given)"
        raise ValueError(f"No picture and no video in {where}. Known suffixes: {known}.")
    top = Path(os.path.commonpath(roots)) if roots else Path()
    sources = [*(Source(path, path.relative_to(top).as_posix()) for path in found), *cameras]
    # What is there already (originals) or will be (results): nothing may have two of these names.
    taken = {path.resolve() for path in found}
    if contact_sheet:
        taken.add((output_dir / "detections.png").resolve())
    for source in sources:
        for target in (result.resolve() for result in source.results(output_dir)):
            if target in taken:
                raise ValueError(
                    f"{target} would be overwritten by the result for {source.path}. "
                    "Rename one, or choose another --output_dir."
                )
            taken.add(target)
    return sources


# A picture that is done, its line of detections.json, and it on the contact sheet, where it goes there.
Done = tuple[Source, str, tuple[np.ndarray, str, Detections] | None]


@dataclass
class Run:
    """Goes through pictures and videos, writes what it finds, and keeps account of it."""

    detector: "Detector"
    options: Options
    # Called with what is gone through ("pictures", "frames"), how many are done, of how many.
    progress: Callable[[str, int, int], None] = lambda what, done, total: None
    # Asked now and then; once it says so, only what is done so far is completed.
    stopped: Callable[[], bool] = lambda: False
    made: str = ""  # all that decides about what is found: a run that was killed goes on if it is the same
    lines: dict[str, list[str]] = field(default_factory=dict)  # of `detections.json`, by name
    known: int = 0  # pictures that an earlier run was done with
    failures: list[tuple[str, str]] = field(default_factory=list)  # (name, why it could not be read)
    notes: list[tuple[str, str]] = field(default_factory=list)  # (name, what a person should know)

    def through(self, sources: Sequence[Source]) -> "Run":
        """Goes through what `find_sources` found; returns itself."""
        folder = self.options.output_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
            journal = Journal(folder / "detections.journal", self.made)
            tiles = self._through(sources, journal)
            lines = itertools.chain.from_iterable(self.lines.get(source.name, ()) for source in sources)
            write_lines(folder / "detections.json", lines)
            if not self.stopped():
                journal.finish()
            if tiles:
                images, names, found = zip(*tiles, strict=True)
                sheet = contact_sheet(images, captions=names, detections=found)
                save_picture(folder / "detections.png", sheet)
        except (OSError, PictureError) as error:
            self._left_out(Source(folder, str(folder)), error)
        return self

    def _through(
        self, sources: Sequence[Source], journal: Journal
    ) -> list[tuple[np.ndarray, str, Detections]]:
        """Pictures of the contact sheet, what they are called, and what was found in them."""
        pictures = [source for source in sources if not source.is_video]
        step = math.ceil(len(pictures) / MOST_TILES) or 1
        on_sheet = {*pictures[::step]} if self.options.contact_sheet else set[Source]()
        tiles = []
        for source in pictures:
            line = None if source in on_sheet else journal.line(source.path)
            if line and source.results(self.options.output_dir)[0].is_file():
                self.lines[source.name] = [line]
        self.known = len(self.lines)
        # Neighbouring pictures go through the network together; videos stand alone.
        todo = (source for source in sources if source.name not in self.lines)
        for is_video, group in itertools.groupby(todo, key=lambda source: source.is_video):
            if is_video:
                for source in group:
                    self._video(source)
                continue
            for source, line, tile in self._done(group, on_sheet):
                self.lines[source.name] = [line]
                journal.add(source.path, line)
                self.progress("pictures", len(self.lines), len(pictures))
                tiles += [] if tile is None else [tile]
        return tiles

    def _done(self, sources: Iterator[Source], on_sheet: Collection[Source]) -> Iterator[Done]:
        """`pictures`, here or on a cluster."""
        runner = self.options.runner
        if runner is None:
            yield from self.pictures(sources, on_sheet)
            return
        parts = iter(lambda: [*itertools.islice(sources, _PART)], [])
        work = partial(_look, self.options, on_sheet)
        for done, failures in map_with_beam(
            work, parts, runner=runner, folder=self.options.output_dir, at_once=1
        ):
            if self.stopped():
                return
            self.failures += failures
            yield from done

    def pictures(self, sources: Iterable[Source], on_sheet: Collection[Source]) -> Iterator[Done]:
        """One by one; the next ones are read and the last ones drawn while the network works."""

        def read(source: Source) -> np.ndarray:
            return read_picture(source.path, max_pixels=self.options.max_pixels)

        def save(one: tuple[Source, np.ndarray, Detections]) -> Done | None:
            source, image, found = one
            try:
                save_picture(source.results(self.options.output_dir)[0], draw_detections(image, found))
            except PictureError as error:
                return self._left_out(source, error)
            line = as_line(detections_entry(source.name, image.shape[0], image.shape[1], found))
            shown = (scale_to(image, TILE), Path(source.name).name, found) if source in on_sheet else None
            return source, line, shown

        work = partial(self.detector.detect_batch, score_threshold=self.options.score_threshold)
        found = in_batches(sources, read, work, batch_size=self.options.batch_size, unreadable=self._left_out)
        saved = map_in_threads(save, itertools.takewhile(lambda _: not self.stopped(), found))
        return filter(None, saved)

    def _left_out(self, source: Source, error: Exception) -> None:
        action = error.action if isinstance(error, UnusableFile) else "left out"
        self.failures.append((source.name, f"{why(error)}; {action}"))

    def _video(self, source: Source) -> None:
        """One entry per frame; the annotated MP4, its timeline and its table of appearances."""
        from video.appearances import find_appearances, plot_timeline, write_appearances
        from video.detection import VideoOptions, detect_in_video
        from visualization.figures import picture_of

        if self.stopped():
            return
        film, timeline, table = source.results(self.options.output_dir)
        given, camera = self.options, source.camera
        options = VideoOptions(given.score_threshold, given.batch_size, given.max_seconds)
        try:
            film.parent.mkdir(parents=True, exist_ok=True)
            with (
                VideoReader(source.path, max_pixels=given.max_pixels) if camera is None else Camera(camera)
            ) as reader:
                done = detect_in_video(
                    reader, source.name, film, self.detector, options, self.progress, self.stopped
                )
            self.lines[source.name] = [*map(as_line, done.entries)]
            self.notes += [(source.name, note) for note in done.notes]
            spans = find_appearances(done.entries, done.seconds)
            write_appearances(table, spans)
            figure = plot_timeline(spans, done.seconds, title=Path(source.name).name)
            write_bytes(timeline, picture_of(figure, dots_per_inch=120))
        except (VideoError, OSError, FFmpegError) as error:  # a name too long with .timeline.png, say
            self._left_out(source, error)


@cache
def _workers_detector(checkpoint_path: Path, unknown: bool) -> "Detector":
    start_tensorflow()
    from nets.detector import Detector

    return Detector.load(checkpoint_path, unknown=unknown)


def _look(
    options: Options, on_sheet: Collection[Source], sources: Sequence[Source]
) -> tuple[list[Done], list[tuple[str, str]]]:
    """On a worker: pictures that are done, and failures."""
    run = Run(_workers_detector(options.checkpoint_path, options.unknown), options)
    return [*run.pictures(sources, on_sheet)], run.failures


@command("detect.py", interrupted="films and pictures that are there are complete")
def main(options: Options) -> int:
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    sources = find_sources(options.inputs, options.output_dir, contact_sheet=options.contact_sheet)
    start_tensorflow()
    from nets.detector import Detector, digest_of

    detector = Detector.load(options.checkpoint_path, unknown=options.unknown)
    started = time.monotonic()
    interrupted = threading.Event()

    def stop(number: int, frame: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, before)  # a second Ctrl-C does not wait
        console.print("Completing what is done so far; Ctrl-C again gives it up.")

    before = signal.signal(signal.SIGINT, stop)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
            bar = bars.add_task("")

            def progress(what: str, done: int, total: int) -> None:
                bars.update(bar, description=f"{what} ({done} of {total})", completed=done, total=total)

            made = f"{digest_of(options.checkpoint_path)} {options.score_threshold} {options.unknown}"
            done = Run(detector, options, progress, interrupted.is_set, made).through(sources)
    finally:
        signal.signal(signal.SIGINT, before)
    # one_line(): a file's name could hold control characters for the terminal.
    for name, note in [*done.notes, *done.failures]:
        console.print(one_line(f"detect.py: {name}: {note}"))
    lines = [*itertools.chain.from_iterable(done.lines.values())]
    boxes = sum(len(json.loads(line)["detections"]) for line in lines)
    earlier = f" ({done.known} pictures of an earlier run)" if done.known else ""
    console.print(
        f"{len(lines)} pictures (or frames){earlier}, {boxes} detections, "
        f"{len(done.failures)} unreadable or not written, in {time.monotonic() - started:.1f} s. "
        f"See {options.output_dir / 'detections.json'}"
    )
    return 130 if interrupted.is_set() else int(bool(done.failures))


if __name__ == "__main__":
    from detect import main  # workers know what is handed to them by this module's name

    raise SystemExit(main())
