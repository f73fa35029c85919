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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import tyro
from rich.console import Console

from datasets.look_alikes import NEAR, near_duplicates, perceptual_hash
from datasets.pictures import MAX_PIXELS, save_picture
from datasets.problems import UnusableFile
from datasets.splits import source_of
from files.below import files_below
from terminal.bars import counting_bars
from terminal.command import command
from video.journal import Journal, journal_path, known_hashes, read_journal, write_journal
from video.reader import VIDEO_SUFFIXES
from video.selection import Crop, after_cuts, at_interval, find_black_borders, is_blank, must_decode
from video.sparse import RawFrame, SparseVideo
from visualization.text import one_line

_BORDER_SAMPLES = 15  # frames, from all over a video
_JOURNAL_SECONDS = 2.0  # between two notes of how far it got
# Options on which the pixels depend: pictures of one video are made with one set of them. And the others.
_PIXELS = ("max_side", "crop_black_borders", "crop_bottom")
_CHOICE = ("at", "interval", "keep_near_duplicates", "near")


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
        for flag, value, low, high, unit in (
            ("interval", self.interval, 0.01, 86_400, "seconds"),
            ("max_side", self.max_side or 16, 16, 65_500, "pixels, or 0 to keep the size"),
            ("near", self.near, 0, 32, "bits"),
            ("crop_bottom", self.crop_bottom, 0, 0.5, "of the height"),
        ):
            if not low <= value <= high:
                raise ValueError(f"--{flag} {value:g}: must be {low} to {high} {unit}")


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
        if not given.exists():
            raise ValueError(f"{given} does not exist. Give videos, or folders with them.")
        # One that is named may have any suffix: the content decides.
        found.update(dict.fromkeys(files_below(given, VIDEO_SUFFIXES) if given.is_dir() else [given]))
    if not found:
        where = ", ".join(str(given) for given in inputs) or "(no input given)"
        raise ValueError(f"no video in {where}; known suffixes: {' '.join(sorted(VIDEO_SUFFIXES))}")
    return list(found)


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
        with SparseVideo(path, max_pixels=options.max_pixels) as video:
            journal = _begin(path, at, options)
            outcome.seconds, outcome.earlier, outcome.error = journal.reached, journal.done, journal.error
            if not journal.done:
                _take(video, journal, at, _crop(path, options), options, outcome, advance)
    except ValueError as error:  # among them every UnusableFile
        outcome.error = str(error)
    return outcome


def _begin(path: Path, at: Path, options: Options) -> Journal:
    """The journal to go on with, or a new one.

    Raises:
        ValueError: the pictures that are there are of another video, or made with other options.
    """
    size = path.stat().st_size
    asked = {name: getattr(options, name) for name in (*_PIXELS, *_CHOICE)}
    journal = read_journal(at)
    if journal is None:
        return Journal(path.name, size, asked)
    if journal.size not in (None, size):
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
        return Journal(path.name, size, asked, kept=journal.kept)
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
    hashes = known_hashes(options.output_dir)
    writing: deque[Future[None]] = deque()
    noted = time.monotonic()

    def note() -> None:
        while writing:  # the journal must not know of a picture that is not there
            writing.popleft().result()
        write_journal(at, journal)

    def keep(picture: np.ndarray, seconds: float) -> None:
        milliseconds, bits = round(1000 * seconds), int(perceptual_hash(picture))
        if milliseconds in journal.kept:
            return
        known, here = np.array(hashes, np.uint64), np.array([bits], np.uint64)
        alike = len(near_duplicates(known, here, max_distance=options.near))
        if alike and not options.keep_near_duplicates:
            outcome.alike += 1
            return
        target = options.output_dir / picture_name(outcome.source, seconds)
        writing.append(pool.submit(_write, target, picture))
        hashes.append(bits)
        journal.kept[milliseconds] = bits
        outcome.kept += 1

    with ThreadPoolExecutor(2, thread_name_prefix="pictures") as pool:
        try:
            for frame in _chosen(video, journal.reached, options):
                advance(frame.seconds)
                picture = _smaller(crop.apply(frame.picture()), options.max_side)
                if is_blank(picture):
                    outcome.blank += 1
                else:
                    keep(picture, frame.seconds)
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


def _crop(path: Path, options: Options) -> Crop:
    """What is cut off every picture of a video: found on frames from all over it."""
    if not options.crop_black_borders and not options.crop_bottom:
        return Crop()
    crop = Crop()
    with SparseVideo(path, max_pixels=options.max_pixels) as video:
        if options.crop_black_borders:
            crop = find_black_borders(frame.picture() for frame in video.samples(_BORDER_SAMPLES))
        below = round(options.crop_bottom * (video.facts.height - crop.top - crop.bottom))
    return Crop(crop.left, crop.top, crop.right, crop.bottom + below)


def _smaller(picture: np.ndarray, max_side: int) -> np.ndarray:
    factor = max_side / max(picture.shape[:2])
    if not 0 < factor < 1:
        return picture
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
    failed = False
    for path, source in sources.items():
        started, length = time.monotonic(), _length(path)
        with counting_bars(console) as progress:

            def advance(seconds: float, progress=progress, what=path.name, length: int = length) -> None:
                progress(one_line(what), round(seconds), length)

            outcome = extract_video(path, source, options, advance)
        failed = failed or bool(outcome.error)
        said = [outcome.error] if outcome.error else []
        if outcome.earlier:
            said.insert(0, "done earlier")
        elif outcome.seconds or not outcome.error:
            left_out = f"{outcome.alike} alike and {outcome.blank} blank"
            took = time.monotonic() - started
            said.insert(0, f"{outcome.kept} pictures, left out {left_out}, in {took:.1f} s")
        console.print(one_line(f"{path}: {'; '.join(said)}"))
    console.print(one_line(f"Pictures are in {options.output_dir}"))
    return int(failed)


def _length(path: Path) -> int:
    """In seconds; 0 where a video does not say."""
    with suppress(UnusableFile), SparseVideo(path) as video:
        return round(video.facts.seconds or 0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
