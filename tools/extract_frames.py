"""Takes pictures out of videos, to be labelled.

    python -m tools.extract_frames --output_dir=my_set/JPEGImages episode01.mkv episode02.mkv

They are named SOURCE_MILLISECONDS.jpg, after the video and when the frame is shown, so that conversion keeps
the pictures of one video in one split. Interrupt it whenever you like: the same command goes on. Pictures are
never overwritten, and those that you delete do not come back: a hidden folder, .extract_frames, remembers.

Exit status: 0; 1 if a video could not be read to its end (what came before the damage is kept); 2 for wrong
flags.
"""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from rich.console import Console

from datasets.look_alikes import near_duplicates, perceptual_hash
from datasets.pictures import MAX_PIXELS, PictureError, save_picture
from files.telling import why
from terminal.bars import Progress, counting_bars, silent
from terminal.command import command
from video import sources as videos
from video.selection import SparseVideo, after_cuts, at_interval, is_blank
from visualization.drawing import scale_to
from visualization.text import one_line

_JOURNAL_SECONDS = 2.0  # between two notes of how far it got
# Options on which the pixels depend: pictures of one video are made with one set of them. And the others.
_PIXELS, _CHOICE = ("max_side",), ("at", "interval", "keep_near_duplicates")


@dataclass(frozen=True)
class Options:
    #: Videos, and folders with them (searched with all their subfolders, but for hidden ones).
    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO...")]
    output_dir: Path  #: Folder for the pictures; made if it does not exist.
    #: One picture in every --interval, or one shortly after every cut.
    at: Literal["interval", "scenes"] = "interval"
    interval: float = 1.0  #: Seconds between two pictures.
    #: Longest side of a picture in pixels; larger ones are made smaller. 0: as in the video.
    max_side: int = 0
    #: Also keep pictures that look like one that was kept already, of this or of another video.
    keep_near_duplicates: bool = False
    max_pixels: int = MAX_PIXELS  #: Refuse videos with more pixels in a frame than this.

    def __post_init__(self):
        for flag, value, low, high, unit in (
            ("interval", self.interval, 0.01, 86_400, "seconds"),
            ("max_side", self.max_side or 16, 16, 65_500, "pixels, or 0 to keep the size"),
        ):
            if not low <= value <= high:
                raise ValueError(f"--{flag} {value:g}: must be {low} to {high} {unit}")


# Of a picture: its time in milliseconds, up to where all before it was done, and the work on it.
_Writing = deque[tuple[int, float, Future[None]]]


@dataclass
class Outcome:
    """What was done with one video; grows while it is read."""

    kept: int = 0  # pictures that stand in the folder because of this run
    alike: int = 0  # frames left out as near-duplicates
    blank: int = 0  # frames left out because they show nothing
    seconds: float = 0.0  # how far it was read
    error: str = ""  # why it was not read to its end; empty if it was
    # of pictures that could not be written: up to where all before it was done, and why
    unwritten: list[tuple[float, str]] = field(default_factory=list)
    notes: str = ""  # what else a person should know
    earlier: bool = False  # nothing was left to do


def picture_name(source: str, seconds: float) -> str:
    """`SOURCE_MILLISECONDS.jpg`; sorts by time up to 2 h 46 min."""
    return f"{source}_{round(1000 * seconds):07d}.jpg"


def extract_video(path: Path, source: str, options: Options, progress: Progress = silent) -> Outcome:
    """Takes the pictures out of one video, whose names begin with the source; counts its seconds."""
    outcome, at = Outcome(), videos.journal_path(options.output_dir, source)
    writing: _Writing = deque()

    def note() -> None:
        _wait(writing, journal, outcome)  # the journal must not know of a picture that is not there
        if outcome.unwritten:
            journal.reached, journal.done = min(journal.reached, min(outcome.unwritten)[0]), False
        videos.write_journal(at, journal)

    def keep(picture: np.ndarray, seconds: float) -> None:
        milliseconds, bits = round(1000 * seconds), int(perceptual_hash(picture))
        if milliseconds in journal.kept:
            return
        known, here = np.array(hashes, np.uint64), np.array([bits], np.uint64)
        alike = len(near_duplicates(known, here))
        if alike and not options.keep_near_duplicates:
            outcome.alike += 1
            return
        target = options.output_dir / picture_name(source, seconds)
        if not target.exists():
            _wait(writing, journal, outcome, most=8)
            writing.append((milliseconds, journal.reached, pool.submit(save_picture, target, picture)))
        hashes.append(bits)
        journal.kept[milliseconds] = bits
        outcome.kept += 1

    try:
        with SparseVideo(path, max_pixels=options.max_pixels) as video, ThreadPoolExecutor(2) as pool:
            journal = _begin(path, at, options)
            outcome.seconds, outcome.earlier, outcome.error = journal.reached, journal.done, journal.error
            if journal.done:
                return outcome
            hashes, noted = videos.known_hashes(options.output_dir), time.monotonic()
            try:
                for seconds, picture in _chosen(video, path, journal.reached, options):
                    progress(one_line(path.name), round(seconds), round(video.facts.seconds or 0))
                    if is_blank(picture):
                        outcome.blank += 1
                    else:
                        keep(picture, seconds)
                    # The next run starts at the next frame.
                    journal.reached = outcome.seconds = seconds + 0.0005
                    if time.monotonic() - noted > _JOURNAL_SECONDS:
                        note()
                        noted = time.monotonic()
                if video.damage is not None:
                    outcome.error = f"damaged at {video.damage[0]:.1f} s: {video.damage[1]}"
                journal.done, journal.error, outcome.notes = True, outcome.error, "; ".join(video.notes)
            finally:
                note()
    except (ValueError, OSError) as error:  # among them every UnusableFile
        outcome.error = why(error)
    return outcome


def _wait(writing: _Writing, journal: videos.Journal, outcome: Outcome, *, most: int = 0) -> None:
    """Waits until no more than `most` pictures are being written; takes those that could not be back."""
    while len(writing) > most:
        milliseconds, reached, written = writing.popleft()
        try:
            written.result()
        except PictureError as error:
            outcome.unwritten.append((reached, str(error)))
            del journal.kept[milliseconds]
            outcome.kept -= 1


def _begin(path: Path, at: Path, options: Options) -> videos.Journal:
    """The journal to go on with, or a new one; ValueError where pictures of another kind have its name."""
    size = path.stat().st_size
    asked = {name: getattr(options, name) for name in (*_PIXELS, *_CHOICE)}
    journal = videos.read_journal(at) or videos.Journal(path.name, size, asked)
    if journal.size not in (None, size):
        what, cure = f"another video named {journal.video}", f"rename {path}, or give another --output_dir"
        raise ValueError(f"{options.output_dir} holds pictures of {what}; {cure}")
    for name in _PIXELS:
        if (before := journal.options.get(name)) != asked[name]:
            what = f"{path.name} made with --{name}={before}, now it is {asked[name]}"
            raise ValueError(f"{options.output_dir} holds pictures of {what}; give another --output_dir")
    if any(journal.options.get(name) != asked[name] for name in asked):  # other moments: from the beginning
        return videos.Journal(path.name, size, asked, kept=journal.kept)
    return journal


def _chosen(
    video: SparseVideo, path: Path, start: float, options: Options
) -> Iterator[tuple[float, np.ndarray]]:
    """The times in seconds and the pictures that are wanted from a time on, made smaller."""
    scenes = options.at == "scenes"
    frames = after_cuts(video, start) if scenes else at_interval(video, options.interval, start)
    for frame in frames:
        picture = frame.picture()
        longest = max(picture.shape[:2])
        yield frame.seconds, scale_to(picture, min(options.max_side or longest, longest))


@command("python -m tools.extract_frames", interrupted="the same command goes on from here")
def main(options: Options) -> int:
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    sources = videos.name_sources(videos.find_videos(options.inputs), options.output_dir)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    failed = False
    for path, source in sources.items():
        started = time.monotonic()
        with counting_bars(console) as progress:
            outcome = extract_video(path, source, options, progress)
        failed = failed or bool(outcome.error or outcome.unwritten)
        took, left_out = time.monotonic() - started, f"{outcome.alike} alike and {outcome.blank} blank"
        done = f"{outcome.kept} pictures, left out {left_out}, in {took:.1f} s"
        if outcome.unwritten:
            done += f"; {len(outcome.unwritten)} more can be taken again: {min(outcome.unwritten)[1]}"
        if outcome.earlier:
            done = "done earlier"
        elif outcome.error and not outcome.seconds:
            done = ""
        console.print(one_line(f"{path}: {'; '.join(filter(None, (done, outcome.notes, outcome.error)))}"))
    console.print(one_line(f"Pictures are in {options.output_dir}"))
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
