"""Other names for the labels of a whole folder, with a file that takes the change back."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.folder import find_files
from datasets.labels import clean_name
from datasets.problems import Problem, UnusableFile
from datasets.voc import MAX_XML_BYTES, XmlError, parse_xml
from files.writing import write_bytes, write_json
from labelling.voc_editing import edit_names

FORMAT = 1

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Edit:
    """New content of one XML file."""

    path: Path
    before: bytes
    after: bytes


@dataclass(frozen=True)
class Plan:
    """What a change would do to a folder.

    Attributes:
        edits: of the files that would change.
        names: objects by name before.
        after: objects by name afterwards.
        problems: files that cannot be read or changed, which stay as they are.
    """

    edits: tuple[Edit, ...]
    names: Counter[str]
    after: Counter[str]
    problems: tuple[Problem, ...]


def renaming(old: str, new: str, names: Counter[str]) -> dict[str, str | None]:
    """The change that gives a name's objects a name that nobody has yet.

    Raises:
        ValueError: nobody has the old name, or somebody the new one.
    """
    old, new = _known(old, names), _new_name(new)
    if new != old and names[new]:
        raise ValueError(
            f"rename {old!r} {new!r}: {names[new]} objects are named {new!r} already, and the two could "
            f"not be told apart again. If that is meant: merge {old!r} {new!r} --into {new!r}"
        )
    return {old: new}


def merging(merged: Sequence[str], into: str, names: Counter[str]) -> dict[str, str | None]:
    """The change that gives the objects of several names one name, new or not."""
    return dict.fromkeys((_known(name, names) for name in merged), _new_name(into))


def dropping(dropped: Sequence[str], names: Counter[str]) -> dict[str, str | None]:
    """The change that removes the objects of some names."""
    return dict.fromkeys((_known(name, names) for name in dropped), None)


def count_names(dataset_dir: Path) -> Counter[str]:
    """Objects by name in all readable XML files of a folder.

    Raises:
        ValueError: the folder does not exist.
    """
    names: Counter[str] = Counter()
    for path in _xml_files(dataset_dir):
        try:
            names.update(_names_of(path.read_bytes()))
        except (XmlError, OSError):
            continue  # `plan` reports it
    return names


def plan(
    dataset_dir: Path, change: dict[str, str | None], progress: Progress = lambda done, total: None
) -> Plan:
    """Finds out what a change does, and changes nothing.

    Args:
        dataset_dir: as for `datasets.annotations.read_folder`.
        change: new name, or None to remove the object, by old name.
        progress: called with (files done, files in all).
    """
    edits, problems = [], []
    names: Counter[str] = Counter()
    after: Counter[str] = Counter()
    paths = _xml_files(dataset_dir)
    for number, path in enumerate(paths, start=1):
        shown = path.relative_to(dataset_dir).as_posix()
        try:
            if path.stat().st_size > MAX_XML_BYTES:
                raise XmlError("XML file too large", f"at most {MAX_XML_BYTES} bytes", "left as it is")
            data = path.read_bytes()
            edited = edit_names(data, lambda name: change.get(name, name))
            names.update(_names_of(data))
            after.update(_names_of(edited))
            if edited is not data:
                edits.append(Edit(path, data, edited))
        except UnusableFile as error:
            problems.append(Problem(shown, "", error.kind, error.detail, "left as it is"))
        except OSError as error:
            problems.append(Problem(shown, "", "XML cannot be read", error.strerror or "", "left as it is"))
        progress(number, len(paths))
    return Plan(tuple(edits), names, after, tuple(problems))


def apply(planned: Plan, dataset_dir: Path, what: str, progress: Progress = lambda done, total: None) -> Path:
    """Changes the files; first writes a file from which `undo` restores them byte for byte.

    Returns:
        That file, in the dataset folder.

    Raises:
        ValueError: nothing to change.
    """
    if not planned.edits:
        raise ValueError(f"{dataset_dir}: no XML file has an object that would change")
    undo_file = _free_name(dataset_dir, time.strftime("names_%Y%m%d_%H%M%S"))
    files = [
        {
            "path": edit.path.relative_to(dataset_dir).as_posix(),
            "sha256_after": hashlib.sha256(edit.after).hexdigest(),
            "before": base64.b64encode(edit.before).decode("ascii"),
        }
        for edit in planned.edits
    ]
    content = {"format": FORMAT, "change": what, "files": files}
    write_json(undo_file, content)
    for number, edit in enumerate(planned.edits, start=1):
        if edit.path.read_bytes() != edit.before:
            raise ValueError(
                f"{edit.path} was changed meanwhile, and stays; the rest after it was not changed"
            )
        write_bytes(edit.path, edit.after)
        progress(number, len(planned.edits))
    return undo_file


@dataclass(frozen=True)
class Undone:
    """What `undo` did: files restored, and files left alone because somebody changed them since."""

    restored: tuple[Path, ...]
    left: tuple[Path, ...]


def undo(undo_file: Path) -> Undone:
    """Restores what an `apply` changed, where nobody has changed it since.

    Raises:
        ValueError: not a file that `apply` wrote.
    """
    folder = undo_file.absolute().parent
    try:
        content = json.loads(undo_file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise KeyError("format")
        files = [
            (
                _inside(folder, one["path"]),
                one["sha256_after"],
                base64.b64decode(one["before"], validate=True),
            )
            for one in content["files"]
        ]
    except FileNotFoundError:
        raise ValueError(f"{undo_file}: there is no such file") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{undo_file}: not a file that a change of names left behind ({error}); give one named "
            "names_DATE.undo.json, where it was written"
        ) from None
    restored, left = [], []
    for path, digest, before in files:
        now = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(now).hexdigest() == digest:
            write_bytes(path, before)
            restored.append(path)
        elif now != before:
            left.append(path)
    return Undone(tuple(restored), tuple(left))


def _xml_files(dataset_dir: Path) -> list[Path]:
    if not dataset_dir.is_dir():
        raise ValueError(f"--dataset_dir {dataset_dir}: there is no such folder")
    contents = find_files(dataset_dir, lambda xml: None)
    paired = [file.xml for file in contents.files if file.xml is not None]
    # Also those whose picture is missing: it may come back, with the old name.
    alone = [dataset_dir / problem.file for problem in contents.problems if problem.file.endswith(".xml")]
    return sorted({*paired, *alone})


def _names_of(data: bytes) -> list[str]:
    return [name for item in parse_xml(data).objects if (name := clean_name(item.name or ""))]


def _known(name: str, names: Counter[str]) -> str:
    name = clean_name(name)
    if not names[name]:
        present = ", ".join(f"{one} ({count})" for one, count in names.most_common(20)) or "none at all"
        raise ValueError(f"no object is named {name!r}. Names in the folder: {present}")
    return name


def _new_name(name: str) -> str:
    cleaned = clean_name(name)
    if not cleaned or not cleaned.isprintable():
        raise ValueError(f"the new name {name!r} is empty, or has characters that cannot be seen")
    return cleaned


def _free_name(folder: Path, stem: str) -> Path:
    """A name that no file has yet: an earlier undo file is never overwritten."""
    number = 0
    while True:
        path = folder / (f"{stem}_{number}.undo.json" if number else f"{stem}.undo.json")
        if not path.exists():
            return path
        number += 1


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or path.suffix.lower() != ".xml":
        raise ValueError(f"{name!r} is not an XML file of this folder")
    return path
