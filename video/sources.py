"""The videos that somebody names, what each is called, and what was taken out of it so far.

A run can be interrupted, and a deleted picture stays deleted: of each source there is a journal.
"""

import hashlib
import json
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from datasets.pictures import VIDEO_SUFFIXES
from datasets.problems import some_of
from datasets.sources import source_of
from files.below import files_below
from files.telling import printable
from files.writing import write_json

FOLDER = ".extract_frames"  # inside of the folder of pictures; hidden, so that no tool takes it for data
_DEPTHS = 4  # ways to name a video
_MOST_LETTERS, _MOST_BYTES = 100, 204  # of a name; file systems take 255 bytes


def find_videos(inputs: Sequence[Path]) -> list[Path]:
    """The videos among the inputs and below the folders among them, each once; ValueError without any."""
    found: dict[Path, Path] = {}
    for given in inputs:
        if not given.exists():
            raise ValueError(f"{given} does not exist. Give videos, or folders with them.")
        # One that is named may have any suffix: the content decides.
        for path in files_below(given, VIDEO_SUFFIXES) if given.is_dir() else [given]:
            found.setdefault(path.resolve(), path)
    if not found:
        where = ", ".join(str(given) for given in inputs) or "(no input given)"
        raise ValueError(f"no video in {where}; known suffixes: {' '.join(sorted(VIDEO_SUFFIXES))}")
    return list(found.values())


def name_sources(videos: Sequence[Path], output_dir: Path | None = None) -> dict[Path, str]:
    """A source for every video: its file name without suffix, as `datasets.sources.source_of` will read it.

    Where two videos would have one name, or another one has it in the output folder, that of their folder
    goes in front, and where that is not enough, a digest between the two; else it is a ValueError. A video of
    which pictures are in the output folder keeps its name.
    """

    def holds(path: Path, source: str) -> bool | None:
        return None if output_dir is None else is_of(journal_path(output_dir, source), path)

    depths = {
        path: next((depth for depth in range(_DEPTHS) if holds(path, _source(path, depth))), 0)
        for path in videos
    }
    unfit: list[Path] = []
    for _ in range(_DEPTHS):
        sources = {path: _source(path, depth) for path, depth in depths.items()}
        count = Counter(source.casefold() for source in sources.values())
        unfit = [
            path
            for path, source in sources.items()
            if not (mine := holds(path, source))
            and (mine is False or not source or count[source.casefold()] > 1)
        ]
        if not unfit:
            return sources
        depths.update((path, depths[path] + 1) for path in unfit)
    which = some_of([str(path) for path in unfit])
    raise ValueError(f"{which} would give pictures the same names; rename one")


def _source(path: Path, depth: int) -> str:
    """What a video's pictures may be called: the greater the depth, the more tells it from others."""
    path = path.absolute()
    words = [path.parent.name, path.stem] if depth else [path.stem]
    if depth > 1:
        words.insert(1, _digest(f"{path.parent.name}/{path.name}" if depth == 2 else str(path)))
    return _clean(" ".join(words))


def _clean(name: str) -> str:
    """A name that any file system takes and that `source_of` gives back unchanged; no other long one's."""
    text = unicodedata.normalize("NFC", name)
    text = "".join(letter if letter.isprintable() and letter not in '\\/:*?"<>|' else "_" for letter in text)
    if len(text) > _MOST_LETTERS or len(text.encode()) > _MOST_BYTES:
        ends = 45 if text.isascii() else 24  # of up to four bytes each
        text = f"{text[:ends].strip()} {_digest(name)} {text[-ends:].strip()}"
    return source_of(f"{text}_0000000")


def _digest(name: str) -> str:
    return hashlib.blake2b(os.fsencode(name), digest_size=4).hexdigest()


@dataclass
class Journal:
    """The state of one video."""

    video: str  # its file name
    size: int | None  # its bytes, which tell it from another of that name; None: of an earlier version
    options: dict[str, Any]  # what the pictures look like and how they were chosen
    reached: float = 0.0  # everything before this time in seconds is done
    done: bool = False  # the video was read to its end
    error: str = ""  # what was wrong with it on the way
    kept: dict[int, int] = field(default_factory=dict)  # hash of every picture, by its time in milliseconds


def journal_path(folder: Path, source: str) -> Path:
    """Where the journal of a source stands."""
    return folder / FOLDER / f"{source}.json"


def read_journal(path: Path) -> Journal | None:
    """The journal, or None where there is none; ValueError where it cannot be read."""
    if not path.exists():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        kept = {int(time): int(bits, 16) for time, bits in dict(values["kept"]).items()}
        video, options, reached = str(values["video"]), dict(values["options"]), float(values["reached"])
        done, wrong = bool(values["done"]), str(values["error"])
        return Journal(video, values.get("size"), options, reached, done, wrong, kept)
    except (OSError, ValueError, TypeError, KeyError) as error:
        cure = "Delete it to read that video anew; pictures that are there already are not overwritten"
        raise ValueError(f"{path} is damaged ({error}). {cure}") from None


def is_of(path: Path, video: Path) -> bool | None:
    """Whether a journal is a video's; None where there is none, True where it cannot be read."""
    try:
        journal = read_journal(path)
    except ValueError:
        return True
    if journal is None:
        return None
    return journal.video == printable(video.name) and journal.size in (None, video.stat().st_size)


def write_journal(path: Path, journal: Journal) -> None:
    """Writes the journal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {str(time): f"{bits:016x}" for time, bits in journal.kept.items()}
    write_json(path, {**asdict(journal), "video": printable(journal.video), "kept": kept})


def known_hashes(folder: Path) -> list[int]:
    """Hashes of all pictures kept from any video so far; journals that cannot be read tell nothing."""
    hashes: list[int] = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            journal = read_journal(path)
        except ValueError:
            continue
        hashes += journal.kept.values() if journal else ()
    return hashes
