"""Draws a film of the demo set's characters, of which the true boxes are known at every moment.

    python -m datasets.drawn_video --output_path runs/film/episode17.mp4 --seconds 60

A stand-in for an episode, to try the way from a video to labelled pictures with: people talk, sway and walk,
the camera moves, scenes change with hard cuts. As in most anime there are twelve drawings a second, each
shown in two frames ("on twos"). The same options draw the same film, and the first minute of a longer film
is the film of one minute. A film that is there already is kept.

With --annotations_dir the true boxes are written as LabelImg's XML, for pictures that tools.extract_frames
takes out of the film (--pictures_dir) or for one moment in every --annotation_interval. Which heads are
labelled, and how, is as in `datasets.drawn`.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import av
import numpy as np
import tyro
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.reformatter import Colorspace
from rich.console import Console

from datasets.annotations import examine_picture
from datasets.drawn.crowd import HeadLabel, labelled_heads
from datasets.drawn.shots import Shot, ShotPainter, heads_at, make_shots, shot_at
from datasets.pictures import ACCEPTED_SUFFIXES
from datasets.voc import write_annotation
from files.writing import whole_file
from terminal.bars import counting_bars
from terminal.command import command, say

FRAMES = 24  # a second
TWOS = 2  # frames that show the same drawing
SAMPLES = 48_000  # of sound, a second
SCALE = (262, 294, 330, 392, 440, 523)  # Hz, pentatonic: one tone for each shot
LONGEST = 3 * 3600  # seconds


@dataclass(frozen=True)
class FilmOptions:
    output_path: Path  #: The film, .mp4 or .mkv; its name is the source of pictures taken out of it.
    seconds: float = 60.0  #: How long it is.
    seed: int = 0  #: Another seed draws another film.
    episode: int = 17  #: Palette, places and style; those of 1 to 16 are in the drawn set of the same seed.
    width: int = 1280  #: In pixels, even.
    height: int = 720  #: In pixels, even.
    sound: bool = True  #: A sound track: one quiet tone for each scene.
    codec: Literal["libx264", "mpeg4"] = "libx264"  #: H.264, or MPEG-4 part 2 which every FFmpeg can write.
    annotations_dir: Path | None = None  #: Folder for the true boxes.
    annotation_interval: float = 1.0  #: Seconds between two of them, where no pictures are given.
    #: Write the true boxes of these pictures, named SOURCE_MILLISECONDS; they may have been resized.
    pictures_dir: Annotated[Path | None, tyro.conf.arg(help_behavior_hint="")] = None

    def __post_init__(self):
        if self.output_path.suffix.lower() not in (".mp4", ".mkv"):
            raise ValueError(f"--output_path {self.output_path}: the name must end in .mp4 or .mkv")
        if not 1 / FRAMES <= self.seconds <= LONGEST:
            raise ValueError(f"--seconds {self.seconds:g}: must be between {1 / FRAMES:.2f} and {LONGEST}")
        for flag, value in (("--width", self.width), ("--height", self.height)):
            if value % 2 or not 64 <= value <= 4096:
                raise ValueError(f"{flag} {value}: must be even and between 64 and 4096")
        if self.annotation_interval < 1 / FRAMES:
            raise ValueError(f"--annotation_interval {self.annotation_interval:g}: must be one frame or more")
        if self.pictures_dir is not None and self.annotations_dir is None:
            raise ValueError("--pictures_dir needs --annotations_dir, the folder for the true boxes")

    @property
    def frames(self) -> int:
        return round(self.seconds * FRAMES)


def heads_in(options: FilmOptions, seconds: float) -> tuple[HeadLabel, ...]:
    """The true boxes of the frame that is shown at a time, in pixels of the film."""
    return heads_at(*shown_at(options, seconds))


def shown_at(options: FilmOptions, seconds: float) -> tuple[Shot, float]:
    """The shot that is shown at a time, and when its drawing there begins."""
    moment = round(seconds * FRAMES) // TWOS * TWOS / FRAMES
    return shot_at(_shots_of(options), moment), moment


@lru_cache(maxsize=4)
def _shots_of(options: FilmOptions) -> tuple[Shot, ...]:
    return make_shots(options.seed, options.episode, options.seconds, options.width, options.height)


def draw_video(options: FilmOptions, progress: Callable[[int], None] = lambda done: None) -> bool:
    """Draws the film unless it is there already, and says whether; it appears only when it is complete.

    ``progress`` is called with the number of frames done. ValueError where a file has its name that was not
    drawn with these options.
    """
    path = options.output_path
    names = ("seconds", "seed", "episode", "width", "height", "sound", "codec")
    made_with = json.dumps({"drawn": {name: getattr(options, name) for name in names}})
    if path.exists():
        if _comment(path) == made_with:
            return False
        raise ValueError(f"{path} is there already and was not drawn with these options; it is kept as it is")
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "matroska" if path.suffix.lower() == ".mkv" else "mp4"
    with whole_file(path) as temporary, av.open(str(temporary), "w", format=kind) as container:
        container.metadata["comment"] = made_with
        _write(container, options, progress)
    return True


def write_true_boxes(options: FilmOptions) -> int:
    """Writes the XML that `options.annotations_dir` asks for; says how many stand there for this film now.

    ValueError where no picture is of this film, one is not, or a file with other content has the name.
    """
    folder = options.annotations_dir
    if folder is None:
        raise ValueError("--annotations_dir is needed: the folder for the true boxes")
    if options.pictures_dir is None:
        count = int((options.frames - 1) / FRAMES / options.annotation_interval) + 1
        moments = [round(1000 * index * options.annotation_interval) for index in range(count)]
        stem, size = options.output_path.stem, (options.width, options.height)
        wanted = [(Path(f"{stem}_{moment:07d}.jpg"), moment, size) for moment in moments]
    else:
        wanted = list(_pictures_of(options, options.pictures_dir))
    folder.mkdir(parents=True, exist_ok=True)
    for picture, milliseconds, (width, height) in wanted:
        heads = heads_in(options, milliseconds / 1000)
        across, down = width / options.width, height / options.height
        objects = labelled_heads(heads, width, height, across=across, down=down)
        xml = folder / f"{picture.stem}.xml"
        with whole_file(xml) as draft:
            write_annotation(draft, Path("drawn") / picture.name, width, height, objects)
            if xml.exists() and xml.read_bytes() != draft.read_bytes():
                raise ValueError(f"{xml} is there already with other boxes; it is kept. Name another folder.")
    return len(wanted)


def _pictures_of(options: FilmOptions, folder: Path) -> Iterator[tuple[Path, int, tuple[int, int]]]:
    """Every picture of this film in a folder, its time in milliseconds and its (width, height)."""
    name = re.compile(rf"{re.escape(options.output_path.stem)}_(\d{{1,9}})")
    found = False
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = name.fullmatch(path.stem)
        if match is None or path.suffix.lower() not in ACCEPTED_SUFFIXES:
            continue
        found = True
        milliseconds, size = int(match[1]), examine_picture(path).size
        if milliseconds >= 1000 * options.seconds:
            raise ValueError(f"{path} is of a later time than the film's {options.seconds:g} s")
        shape = size[0] * options.height / options.width
        if abs(shape - size[1]) > max(1.0, 0.01 * size[1]):
            wrong = f"not of the film's shape {options.width} x {options.height}"
            why = "of a cropped picture the true boxes are not known"
            raise ValueError(f"{path} is {size[0]} x {size[1]}, {wrong}: {why}")
        yield path, milliseconds, size
    if not found:
        raise ValueError(f"--pictures_dir {folder}: no picture is named {options.output_path.stem}_NUMBER")


def _write(container: OutputContainer, options: FilmOptions, progress: Callable[[int], None]) -> None:
    """Writes picture and sound, a drawing at a time."""
    video = container.add_stream(options.codec, rate=FRAMES)
    video.width, video.height, video.pix_fmt = options.width, options.height, "yuv420p"
    # A fixed number of threads: with it x264 writes the same bytes whatever the number of cores.
    video.options = {"preset": "veryfast", "crf": "20", "threads": "2"} if options.codec == "libx264" else {}
    video.codec_context.colorspace = Colorspace.ITU601  # what FFmpeg turns RGB into unless told otherwise
    if options.codec == "mpeg4":
        video.bit_rate = 4 * options.width * options.height
    audio = container.add_stream("aac", rate=SAMPLES, layout="mono") if options.sound else None
    shots, painter, written = _shots_of(options), None, 0
    for start in range(0, options.frames, TWOS):
        moment = start / FRAMES
        shot = shot_at(shots, moment)
        if painter is None or painter.shot is not shot:
            painter = ShotPainter(shot)
        pixels, end = painter.paint(moment), min(start + TWOS, options.frames)
        for frame in range(start, end):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = frame, Fraction(1, FRAMES)
            container.mux(video.encode(picture))
        if audio is not None:
            samples = round(end / FRAMES * SAMPLES)
            container.mux(audio.encode(_tone(shot, written, samples)))
            written = samples
        progress(end)
    for stream in (video, audio):
        if stream is not None:
            container.mux(stream.encode(None))


def _tone(shot: Shot, start: int, end: int) -> av.AudioFrame:
    """The samples from `start` to `end` of the film's sound, float32 [1, n]."""
    pitch = random.Random(f"{shot.seed} tone").choice(SCALE)
    at = np.arange(start, end)
    since = at / SAMPLES - shot.start
    loudness = 0.1 * np.clip(np.minimum(since, shot.seconds - since) / 0.05, 0, 1)  # no click at a cut
    wave = (loudness * np.sin(2 * np.pi * pitch * since)).astype(np.float32)
    sound = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
    sound.sample_rate, sound.pts, sound.time_base = SAMPLES, start, Fraction(1, SAMPLES)
    return sound


def _comment(path: Path) -> str:
    try:
        with av.open(str(path)) as container:
            tags = {key.lower(): value for key, value in container.metadata.items()}
    except (FFmpegError, OSError):
        return ""
    return tags.get("comment", "")


@command("python -m datasets.drawn_video")
def main(options: FilmOptions) -> None:
    console = Console(stderr=True)
    with counting_bars(console) as bars:
        drawn = draw_video(options, lambda done: bars("drawing frames", done, options.frames))
    size = f"{options.width} x {options.height}, {options.frames / FRAMES:g} s"
    say(console, f"{'Drew' if drawn else 'Kept'} {options.output_path} ({size})")
    if options.annotations_dir is not None:
        count = write_true_boxes(options)
        say(console, f"True boxes of {count} pictures are in {options.annotations_dir}")


if __name__ == "__main__":
    raise SystemExit(main())
