"""Finds and names characters in pictures, folders and videos.

    python detect.py --checkpoint_path=RUN --output_dir=X INPUT...

Writes into X every picture with its boxes drawn, under the path it has below the inputs' common folder
(so `a/1.jpg` and `b/1.jpg` stay apart), every video likewise as MP4 without sound, and `detections.json`:
a list of `{"image", "width", "height", "detections": [{"name", "score", "box": [xmin, ymin, xmax, ymax]}]}`
in pixels, best first; a video has one entry per frame, with `"time"` in seconds.

Exit status: 0; 1 if an input could not be read (the others are done nevertheless) or nothing was found to
read; 2 for wrong flags.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

import cv2
import numpy as np
import rich.console
import rich.progress
import tyro

from boxes.detections import Detections
from datasets.pictures import ACCEPTED_SUFFIXES, MAX_PIXELS, OTHER_SUFFIXES, PictureError, read_picture
from engine.detections_file import detections_entry, write_detections
from tools.quiet_start import start_tensorflow
from visualization.drawing import draw_detections, mosaic, save_picture, scale_to
from visualization.text import one_line

# Pictures of the other formats are found too, so that each is reported instead of passed over.
PICTURES = tuple(sorted(ACCEPTED_SUFFIXES | OTHER_SUFFIXES))
VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".flv", ".ts", ".wmv", ".mpg", ".mpeg")
# A sheet with more could not be looked at; evenly chosen ones are shown then.
MOST_TILES = 120
TILE = 480  # longest side of a picture on the sheet, about


@dataclass(frozen=True)
class Options:
    """Finds and names characters in pictures, folders and videos."""

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
    """Pictures, videos, and folders with them (searched with all their subfolders)."""
    checkpoint_path: Path
    """Checkpoint folder: the --train_dir of a training."""
    output_dir: Path
    """Folder for annotated pictures and detections.json; made if it does not exist."""
    score_threshold: float = 0.5
    """Lowest score of a detection, 0 to 1."""
    batch_size: int = 8
    """Pictures that the network sees at once."""
    contact_sheet: bool = False
    """Also write detections.png: all pictures (of very many, some) on one sheet."""
    max_pixels: int = MAX_PIXELS
    """Refuse pictures and videos with more pixels than this."""

    def __post_init__(self):
        if not 0 <= self.score_threshold <= 1:
            raise ValueError(f"--score_threshold must be in 0...1, not {self.score_threshold}.")
        if self.batch_size < 1:
            raise ValueError(f"--batch_size must be at least 1, not {self.batch_size}.")


class DetectsBatches(Protocol):
    """What of `nets.detector.Detector` is used here."""

    def detect_batch(self, images: Sequence[np.ndarray], *, score_threshold: float) -> list[Detections]: ...


class Unreadable(ValueError):
    """A picture or video cannot be used; the message says why."""


@dataclass(frozen=True)
class Source:
    """One picture or video.

    Attributes:
        path: where it is.
        name: its path in `detections.json`, with slashes; annotated pictures have it in the output folder.
    """

    path: Path
    name: str

    @property
    def is_video(self) -> bool:
        return self.path.suffix.lower() in VIDEOS


@dataclass
class Outcome:
    """What a run found; grows while it goes on.

    Attributes:
        entries: of `detections.json`.
        failures: (name, reason) of inputs that could not be read.
        tiles: position among the sources -> small picture for the contact sheet, and what it shows.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
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
    for given in inputs:
        path = Path(os.path.abspath(given))  # noqa: PTH100
        if path.is_dir():
            roots.append(path)
            found.update(dict.fromkeys(_media_below(path, output_dir)))
        elif not path.exists():
            raise ValueError(f"{given} does not exist. Give pictures, videos or folders with them.")
        elif path.suffix.lower() not in PICTURES + VIDEOS:
            raise ValueError(
                f"{given} is by its name neither a picture ({' '.join(sorted(ACCEPTED_SUFFIXES))}) "
                f"nor a video ({' '.join(VIDEOS)})."
            )
        else:
            roots.append(path.parent)
            found[path] = None
    if not found:
        where = ", ".join(str(given) for given in inputs) or "(no input given)"
        known = " ".join((*sorted(ACCEPTED_SUFFIXES), *VIDEOS))
        raise ValueError(f"No picture and no video in {where}. Known suffixes: {known}.")
    top = Path(os.path.commonpath(roots))
    sources = [Source(path, path.relative_to(top).as_posix()) for path in found]
    # What is there already (originals) or will be (results): nothing may have two of these names.
    taken = {source.path.resolve() for source in sources}
    if contact_sheet:
        taken.add((output_dir / "detections.png").resolve())
    for source in sources:
        target = _target(source, output_dir).resolve()
        if target in taken:
            raise ValueError(
                f"{target} would be overwritten by the result for {source.path}. "
                "Rename one, or choose another --output_dir."
            )
        taken.add(target)
    return sources


def _media_below(folder: Path, output_dir: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and (here / f != output_dir))
        for name in sorted(files):
            if not name.startswith(".") and (here / name).suffix.lower() in PICTURES + VIDEOS:
                yield here / name


def _target(source: Source, output_dir: Path) -> Path:
    """Where the annotated picture or video goes: a video that is no MP4 gets `.mp4` behind its name."""
    mp4 = not source.is_video or source.path.suffix.lower() == ".mp4"
    return output_dir / (source.name if mp4 else source.name + ".mp4")


def run(
    sources: Sequence[Source],
    detector: DetectsBatches,
    options: Options,
    advance: Callable[[str], None] = lambda name: None,
) -> Outcome:
    """Detects in all sources and writes what is found.

    Args:
        sources: from `find_sources`.
        detector: finds the boxes.
        options: of the command line.
        advance: called with the name of a picture or video when one more picture or frame is done.
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
                    _detect_in_video(source, detector, options, pool, outcome, advance)
            else:
                _detect_in_pictures(list(group), tiles, detector, options, pool, outcome, advance)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    write_detections(options.output_dir / "detections.json", outcome.entries)
    if outcome.tiles:
        chosen = sorted(outcome.tiles)
        sheet = mosaic(
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
) -> None:
    """Batches of pictures: the next ones are read and the last ones drawn while the network works."""

    def finish(index: int, source: Source, image: np.ndarray, detections: Detections) -> None:
        save_picture(_target(source, options.output_dir), draw_detections(image, detections))
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
    pool: ThreadPoolExecutor,
    outcome: Outcome,
    advance: Callable[[str], None],
) -> None:
    """One entry per frame; the next batch is decoded and the last one drawn while the network works."""
    target = _target(source, options.output_dir)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{os.getpid()}-{target.name}")
    capture = cv2.VideoCapture(str(source.path))
    rate = capture.get(cv2.CAP_PROP_FPS)
    rate = rate if 1 <= rate <= 240 else 25.0  # damaged files claim anything
    writer: cv2.VideoWriter | None = None
    frames = _frames(capture)

    def write(batch: Sequence[np.ndarray], found: Sequence[Detections]) -> None:
        nonlocal writer
        for image, detections in zip(batch, found, strict=True):
            if writer is None:
                size = image.shape[1], image.shape[0]
                writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
                if not writer.isOpened():
                    raise OSError(f"{target} cannot be written as a video.")
            writer.write(cv2.cvtColor(draw_detections(image, detections), cv2.COLOR_RGB2BGR))
            advance(source.name)

    try:
        pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if pixels > options.max_pixels:
            raise Unreadable(f"has frames with more than {options.max_pixels} pixels (--max_pixels)")
        reading = pool.submit(_take, frames, options.batch_size)
        writing: Future[None] | None = None
        while batch := reading.result():
            reading = pool.submit(_take, frames, options.batch_size)
            images = [image for _, image in batch]
            found = detector.detect_batch(images, score_threshold=options.score_threshold)
            for (seconds, image), detections in zip(batch, found, strict=True):
                found_here = detections_entry(source.name, image.shape[0], image.shape[1], detections)
                outcome.entries.append({**found_here, "time": round(seconds, 3)})
            if writing is not None:
                writing.result()  # frames must be written in order
            writing = pool.submit(write, images, found)
        if writing is not None:
            writing.result()
        if writer is None:
            raise Unreadable("has no frame that can be decoded")
        writer.release()
        temporary.replace(target)
    except Unreadable as error:
        outcome.failures.append((source.name, str(error)))
    finally:
        capture.release()
        temporary.unlink(missing_ok=True)


def _frames(capture: cv2.VideoCapture) -> Iterator[tuple[float, np.ndarray]]:
    """(seconds, uint8 [H, W, 3] RGB) of every frame that can be decoded, from the start."""
    while True:
        decoded, frame = capture.read()
        if not decoded:
            return
        yield capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def _read(path: Path, max_pixels: int) -> np.ndarray:
    if path.suffix.lower() not in ACCEPTED_SUFFIXES:
        raise Unreadable(f"{path.suffix} pictures are not read; convert it to PNG or JPEG")
    try:
        return read_picture(path, max_pixels=max_pixels)
    except PictureError as error:
        raise Unreadable(str(error)) from error


def _take(frames: Iterator[tuple[float, np.ndarray]], count: int) -> list[tuple[float, np.ndarray]]:
    return list(itertools.islice(frames, count))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    options = tyro.cli(Options, args=arguments, use_underscores=True)
    # FFmpeg's remarks: a damaged video is reported here in one line.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    console = rich.console.Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    try:
        sources = find_sources(options.inputs, options.output_dir, contact_sheet=options.contact_sheet)
        # Not at the top: importing TensorFlow takes seconds that --help and wrong paths need not wait for.
        start_tensorflow()
        from nets.detector import Detector

        detector = Detector.load(options.checkpoint_path)
    except ValueError as error:
        console.print(f"detect.py: {error}")
        return 1

    started = time.monotonic()
    progress = rich.progress.Progress(
        *rich.progress.Progress.get_default_columns(),
        rich.progress.MofNCompleteColumn(),
        console=console,
        transient=True,
    )
    task = progress.add_task("Detecting", total=_work(sources))

    def advance(name: str) -> None:
        progress.advance(task)
        if not progress.live.is_started and time.monotonic() - started > 2:
            progress.start()

    try:
        outcome = run(sources, detector, options, advance)
    except OSError as error:  # a full disk, a folder without permission
        console.print(f"detect.py: {error}")
        return 1
    finally:
        progress.stop()
    for name, reason in outcome.failures:
        # one_line(): a file's name could hold control characters for the terminal.
        console.print(one_line(f"detect.py: {name}: {reason}; left out"))
    boxes = sum(len(element["detections"]) for element in outcome.entries)
    console.print(
        f"{len(outcome.entries)} pictures (or frames), {boxes} detections, "
        f"{len(outcome.failures)} unreadable, in {time.monotonic() - started:.1f} s. "
        f"See {options.output_dir / 'detections.json'}"
    )
    return 1 if outcome.failures else 0


def _work(sources: Sequence[Source]) -> int:
    """How many pictures and frames there are, as far as the videos say."""
    total = 0
    for source in sources:
        frames = 1.0
        if source.is_video:
            frames = cv2.VideoCapture(str(source.path)).get(cv2.CAP_PROP_FRAME_COUNT)
        total += max(1, int(frames))
    return total


if __name__ == "__main__":
    sys.exit(main())
