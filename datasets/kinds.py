"""What a path seems to be that a command cannot use, and which command takes it."""

import difflib
import itertools
import re
import shlex
from pathlib import Path

from datasets.pictures import ACCEPTED_SUFFIXES, VIDEO_SUFFIXES
from files.below import files_below
from files.reading import table_beside

_TABLES = table_beside(__file__)
_MOST_FILES = 20_000  # that are looked at
# In the first megabyte of a COCO file, and of a YOLO set's data.yaml; in no file of ours.
_FOREIGN = re.compile(rb'(?m)"(?:file_name|image_id)"\s*:|^names\s*:')


def need_folder(path: Path, flag: str, cure: str = "") -> None:
    """Raises ValueError, which names the flag, where a path is no folder."""
    if not path.is_dir():
        said = "it is no folder" if path.exists() else "there is no such folder"
        raise ValueError("; ".join(filter(None, (f"{flag} {path}: {said}", seems(path) or cure))))


def seems(path: Path, own: str = "tf_convert_data.py") -> str:
    """What a path is, with what to do: "it looks like videos; …"; empty where nothing is known.

    Args:
        path: as a person gave it; of a folder, all that is below it is looked at.
        own: the command that was given it, or one that takes the same: it is not advised for the same path.
    """
    try:
        if not path.exists():
            return f"did you mean {meant}?" if (meant := _near(path)) else ""
        kinds = [(_TABLES["said"][kind], place) for kind, place in _kinds(path).items() if place]
    except OSError:  # what cannot be looked at is told by the command itself
        return ""
    advised = (said.format(shlex.quote(str(at))) for said, at in kinds if at != path or own not in said)
    return next(advised, "")


def _kinds(path: Path) -> dict[str, Path | None]:
    """What a path that exists is, the surest first: for each kind the path that its command gets, or None."""
    below = files_below(path, tell=lambda *_: None) if path.is_dir() else iter([path])
    files = list(itertools.islice(below, _MOST_FILES))

    def some(*suffixes: str) -> list[Path]:
        return [file for file in files if file.suffix.lower() in suffixes]

    pictures, xmls = some(*ACCEPTED_SUFFIXES), some(".xml")
    texts = {file.stem for file in pictures} & {file.stem for file in some(".txt")}
    trained = next((file.parent for file in files if file.name == "weights.npz"), None)
    whether = {
        "inbox": (path / "inbox.json").is_file(),
        "exported": some(".onnx"),
        "foreign": not xmls and (texts or any(map(_is_foreign, some(".json", ".yaml", ".yml")[:50]))),
        "archive": not pictures and some(*_TABLES["archives"]),
        "videos": not pictures and some(*VIDEO_SUFFIXES),
        "alone": xmls and not pictures,
        "labelled": xmls,
        "folders": not xmls and len({file.parent for file in pictures} - {path}) > 1,
        "unlabelled": not xmls and pictures,
    }
    return {
        "empty": None if files else path,
        "single": path.parent if path.is_file() and (pictures or xmls) else None,
        "detector": trained if trained and (trained / "labels.txt").is_file() else None,
        "classifier": trained,
        "records": next((file.parent for file in some(".tfrecord")), None),
        **{kind: path if true else None for kind, true in whether.items()},
    }


def _near(path: Path) -> Path | None:
    """What may be meant by a path that does not exist: a letter off, or one folder too deep or too high."""
    missing = path
    while not missing.parent.exists():
        missing = missing.parent
    there = {one.name.casefold(): one for one in sorted(missing.parent.iterdir())}
    close = difflib.get_close_matches(missing.name.casefold(), there, n=1, cutoff=0.75)
    found = [there[name] for name in close] + [one / missing.name for one in there.values()]
    found += [missing.parent] if missing.parent.name == missing.name else []
    meant = (place for one in found for place in (one / path.relative_to(missing), one))
    return next((place for place in meant if place.exists()), None)


def _is_foreign(file: Path) -> bool:
    with file.open("rb") as opened:
        return _FOREIGN.search(opened.read(1_000_000)) is not None
