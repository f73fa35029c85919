"""What was taken out of a video so far: a run can be interrupted, and a deleted picture stays deleted."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from files.writing import printable, write_json

FOLDER = ".extract_frames"  # inside of the folder of pictures; hidden, so that no tool takes it for data


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
    """The journal, or None where there is none.

    Raises:
        ValueError: it cannot be read.
    """
    if not path.exists():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Journal(
            str(values["video"]),
            values.get("size"),
            dict(values["options"]),
            float(values["reached"]),
            bool(values["done"]),
            str(values["error"]),
            {int(time): int(bits, 16) for time, bits in dict(values["kept"]).items()},
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} is damaged ({error}). Delete it to read that video anew; pictures that are there "
            "already are not overwritten"
        ) from None


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
