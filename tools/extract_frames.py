"""Takes pictures out of videos, to be labelled.

    python -m tools.extract_frames --output_dir=my_set/JPEGImages episode01.mkv episode02.mkv

A picture is named SOURCE_MILLISECONDS.jpg: SOURCE is the video's name, by which conversion keeps the pictures
of one video in one split; MILLISECONDS is when the frame is shown.

The command can be interrupted; the same command goes on. It never overwrites a picture, and one that was
deleted by hand does not come back (a hidden folder .extract_frames remembers what was done).

Exit status: 0; 1 if a video could not be read to its end (what came before the damage is kept); 2 for wrong
flags.
"""

from __future__ import annotations

import time
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from datasets.look_alikes import NEAR, near_duplicates, perceptual_hash
from datasets.pictures import MAX_PIXELS, save_picture
from datasets.problems import UnusableFile
from datasets.splits import source_of
from terminal.command import command
from video.black_borders import Crop, find_black_borders
from video.journal import (
    Journal,
    fingerprint,
    journal_path,
    known_hashes,
    read_journal,
    write_journal,
)
from video.reader import VIDEO_SUFFIXES, VideoError
from video.selection import after_cuts, at_interval, is_blank, must_decode
from video.sparse import RawFrame, SparseVideo
from visualization.text import one_line

_BORDER_SAMPLES = 15  # frames, from all over a video
_JOURNAL_SECONDS = 2.0  # between two notes of how far it got


@dataclass(frozen=True)
class Options:
    """Takes pictures out of videos, to be labelled.

    They are named SOURCE_MILLISECONDS.jpg, so that conversion keeps the pictures of one video in one split.
    Interrupt it whenever you like: the same command goes on. Pictures are never overwritten, and those that
    you delete do not come back.
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO...")]
    """Videos, and folders with them (searched with all their subfolders, but for hidden ones)."""
    output_dir: Path
    """Folder for the pictures; made if it does not exist."""
    at: Literal["interval", "scenes"] = "interval"
    """One picture in every --interval, or one shortly after every cut."""
    interval: float = 1.0
    """Seconds between two pictures."""
    max_side: int = 0
    """Longest side of a picture in pixels; larger ones are made smaller. 0: as in the video."""
    keep_near_duplicates: bool = False
    """Also keep pictures that look like one that was kept already, of this or of another video."""
    near: int = NEAR
    """Pictures whose perceptual hashes differ in at most so many of 64 bits look alike."""
    crop_black_borders: bool = False
    """Cut off black bars that the whole video has."""
    crop_bottom: float = 0.0
    """Cut off this share of the height at the bottom, 0 to 0.5: subtitles that are part of the picture."""
    max_pixels: int = MAX_PIXELS
    """Refuse videos with more pixels in a frame than this."""

    def __post_init__(self):
        if not 0.01 <= self.interval <= 86_400:
            raise ValueError(f"--interval {self.interval:g}: must be 0.01 to 86400 seconds")
        if self.max_side != 0 and not 16 <= self.max_side <= 65_500:
            raise ValueError(f"--max_side {self.max_side}: must be 16 to 65500 pixels, or 0 to keep the size")
        if not 0 <= self.near <= 32:
            raise ValueError(f"--near {self.near}: must be 0 to 32 bits")
        if not 0 <= self.crop_bottom <= 0.5:
            raise ValueError(f"--crop_bottom {self.crop_bottom:g}: must be 0 to 0.5 of the height")


# Options on which the pixels depend: pictures of one video are made with one set of them.
_PIXELS = ("max_side", "crop_black_borders", "crop_bottom")
_CHOICE = ("at", "interval", "keep_near_duplicates", "near")


@dataclass
class Outcome:
    """What was done with one video; grows while it is read.

    Attributes:
        source: first part of the names of its pictures.
        kept: pictures that stand in the folder because of this run.
        alike: frames left out as near-duplicates.
        blank: frames left out because they show nothing.
        seconds: how far it was read.
        error: why it was not read to its end; empty if it was.
        earlier: nothing was left to do.
    """

    source: str
    kept: int = 0
    alike: int = 0
    blank: int = 0
    seconds: float = 0.0
    error: str = ""
    earlier: bool = False


def find_videos(inputs: Sequence[Path]) -> list[Path]:
    """The videos among the inputs and below the folders among them, each once.

    Raises:
        ValueError: an input does not exist, or there is no video in any.
    """
    found: dict[Path, None] = {}
    for given in inputs:
        if given.is_dir():
            inside = (path for path in sorted(given.rglob("*")) if path.suffix.lower() in VIDEO_SUFFIXES)
            # Hidden ones are no films: macOS puts a "._episode01.mkv" beside each on other disks.
            visible = (path for path in inside if not _is_hidden(path.relative_to(given)))
            found.update(dict.fromkeys(path for path in visible if path.is_file()))
        elif given.exists():
            found[given] = None  # whatever its suffix: the content decides
        else:
            raise ValueError(f"{given} does not exist. Give videos, or folders with them.")
    if not found:
        where = ", ".join(str(given) for given in inputs) or "(no input given)"
        raise ValueError(f"no video in {where}; known suffixes: {' '.join(sorted(VIDEO_SUFFIXES))}")
    return list(found)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def name_sources(videos: Sequence[Path]) -> dict[Path, str]:
    """A source for every video: its file name without suffix, as `datasets.splits.source_of` will read it.

    Where two videos have one name, that of their folder goes in front.

    Raises:
        ValueError: two videos would have the same source.
    """
    stems = [_clean(path.stem) for path in videos]
    sources: dict[Path, str] = {}
    for path, stem in zip(videos, stems, strict=True):
        double = stems.count(stem) > 1 or not stem
        source = _clean(f"{path.absolute().parent.name} {path.stem}") if double else stem
        twin = next((other for other, taken in sources.items() if taken.lower() == source.lower()), None)
        if twin is not None or not source:
            raise ValueError(f"{path} and {twin} would give pictures the same names; rename one")
        sources[path] = source
    return sources


def picture_name(source: str, seconds: float) -> str:
    """`SOURCE_MILLISECONDS.jpg`; sorts by time up to 2 h 46 min."""
    return f"{source}_{round(1000 * seconds):07d}.jpg"


def extract_video(
    path: Path, source: str, options: Options, advance: Callable[[float], None] = lambda seconds: None
) -> Outcome:
    """Takes the pictures out of one video.

    Args:
        path: the video.
        source: first part of the pictures' names.
        options: of the command line.
        advance: called with the time reached, in seconds.
    """
    outcome = Outcome(source)
    at = journal_path(options.output_dir, source)
    try:
        journal = _begin(path, at, options)
        outcome.seconds, outcome.earlier, outcome.error = journal.reached, journal.done, journal.error
        if not journal.done:
            with SparseVideo(path, max_pixels=options.max_pixels) as video:
                _take(video, journal, at, _crop(path, options), options, outcome, advance)
    except ValueError as error:  # among them every UnusableFile
        outcome.error = str(error)
    return outcome


def _begin(path: Path, at: Path, options: Options) -> Journal:
    """The journal to go on with, or a new one.

    Raises:
        ValueError: the pictures that are there are of another video, or made with other options.
    """
    try:
        mark = fingerprint(path)
    except OSError as error:
        raise VideoError("video cannot be read", error.strerror or str(error)) from None
    asked = {name: asdict(options)[name] for name in (*_PIXELS, *_CHOICE)}
    journal = read_journal(at)
    if journal is None:
        return Journal(path.name, mark, asked)
    if journal.fingerprint != mark:
        raise ValueError(
            f"{options.output_dir} holds pictures of another video named {journal.video}; rename {path}, "
            "or give another --output_dir"
        )
    for name in _PIXELS:
        if journal.options.get(name) != asked[name]:
            raise ValueError(
                f"{options.output_dir} holds pictures of {path.name} made with --{name}="
                f"{journal.options.get(name)}, now it is {asked[name]}; give another --output_dir"
            )
    if journal.options != asked:  # other moments: from the beginning, beside what is there
        journal.options, journal.reached, journal.done, journal.error = asked, 0.0, False, ""
    return journal


def _take(
    video: SparseVideo,
    journal: Journal,
    at: Path,
    crop: Crop,
    options: Options,
    outcome: Outcome,
    advance: Callable[[float], None],
) -> None:
    """Reads the video on from where the journal stands, and writes pictures and journal."""
    known = np.array(known_hashes(options.output_dir), np.uint64)
    mine: list[int] = []
    writing: deque[Future[None]] = deque()
    noted = time.monotonic()

    def note() -> None:
        while writing:  # the journal must not know of a picture that is not there
            writing.popleft().result()
        write_journal(at, journal)

    frames = _watched(_chosen(video, journal.reached, options), advance)
    with ThreadPoolExecutor(2, thread_name_prefix="pictures") as pool:
        try:
            for frame in frames:
                picture = _finish(crop.apply(frame.picture()), options)
                milliseconds = round(1000 * frame.seconds)
                if is_blank(picture):
                    outcome.blank += 1
                else:
                    bits = int(perceptual_hash(picture))
                    hashes = np.concatenate([known, np.array(mine, np.uint64)])
                    again = milliseconds in journal.kept
                    here = np.array([bits], np.uint64)
                    alike = not again and len(near_duplicates(hashes, here, max_distance=options.near))
                    if alike and not options.keep_near_duplicates:
                        outcome.alike += 1
                    elif not again:
                        target = options.output_dir / picture_name(outcome.source, frame.seconds)
                        writing.append(pool.submit(_write, target, picture))
                        mine.append(bits)
                        journal.kept[milliseconds] = bits
                        outcome.kept += 1
                # The next run starts at the next frame.
                journal.reached = outcome.seconds = frame.seconds + 0.0005
                while len(writing) > 8:
                    writing.popleft().result()
                if time.monotonic() - noted > _JOURNAL_SECONDS:
                    note()
                    noted = time.monotonic()
            if video.damage is not None:
                outcome.error = f"damaged at {video.damage[0]:.1f} s: {video.damage[1]}"
            journal.done, journal.error = True, outcome.error
        finally:
            note()


def _chosen(video: SparseVideo, start: float, options: Options) -> Iterator[RawFrame]:
    if options.at == "scenes":
        frames = video.frames(start=start, needed=lambda seconds: False)
        return after_cuts(frames, first_scene=start == 0)
    frames = video.frames(start=start, needed=lambda seconds: must_decode(seconds, options.interval))
    return at_interval(frames, options.interval, start=start)


def _watched(frames: Iterator[RawFrame], advance: Callable[[float], None]) -> Iterator[RawFrame]:
    for frame in frames:
        advance(frame.seconds)
        yield frame


def _crop(path: Path, options: Options) -> Crop:
    """What is cut off every picture of a video: found on frames from all over it."""
    crop = Crop()
    if not options.crop_black_borders and not options.crop_bottom:
        return crop
    with SparseVideo(path, max_pixels=options.max_pixels) as video:
        height = video.facts.height
        if options.crop_black_borders:
            crop = find_black_borders(frame.picture() for frame in video.samples(_BORDER_SAMPLES))
    below = round(options.crop_bottom * (height - crop.top - crop.bottom))
    return Crop(crop.left, crop.top, crop.right, crop.bottom + below)


def _finish(picture: np.ndarray, options: Options) -> np.ndarray:
    longest = max(picture.shape[:2])
    if not options.max_side or longest <= options.max_side:
        return picture
    factor = options.max_side / longest
    size = max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _write(target: Path, picture: np.ndarray) -> None:
    if not target.exists():
        save_picture(target, picture)


def _clean(stem: str) -> str:
    """A name that any file system takes and that `source_of` gives back unchanged."""
    text = unicodedata.normalize("NFC", stem)
    text = "".join(letter if letter.isprintable() and letter not in '\\/:*?"<>|' else "_" for letter in text)
    return source_of(f"{text[:100]}_0")


@command("extract_frames", interrupted="the same command goes on from here")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    options = tyro.cli(Options, args=arguments, prog="python -m tools.extract_frames", use_underscores=True)
    sources = name_sources(find_videos(options.inputs))
    options.output_dir.mkdir(parents=True, exist_ok=True)
    return _run(sources, options, console)


def _run(sources: dict[Path, str], options: Options, console: Console) -> int:
    failed = False
    for path, source in sources.items():
        started = time.monotonic()
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as progress:
            bar = progress.add_task(one_line(path.name), total=_length(path))

            def advance(seconds: float, progress: Progress = progress, bar: TaskID = bar) -> None:
                progress.update(bar, completed=seconds)

            outcome = extract_video(path, source, options, advance)
        took = time.monotonic() - started
        failed = failed or bool(outcome.error)
        if outcome.earlier:
            damage = f"; {outcome.error}" if outcome.error else ""
            console.print(one_line(f"{path}: done earlier{damage}"))
            continue
        if outcome.error and not outcome.seconds:
            console.print(one_line(f"{path}: {outcome.error}"))
            continue
        left_out = [f"{outcome.alike} alike", f"{outcome.blank} blank"]
        text = f"{path}: {outcome.kept} pictures, left out {' and '.join(left_out)}, in {took:.1f} s"
        console.print(one_line(text + (f"; {outcome.error}" if outcome.error else "")))
    console.print(one_line(f"Pictures are in {options.output_dir}"))
    return int(failed)


def _length(path: Path) -> float | None:
    try:
        with SparseVideo(path) as video:
            return video.facts.seconds
    except (UnusableFile, OSError):
        return None


if __name__ == "__main__":
    raise SystemExit(main())
