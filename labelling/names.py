"""Other names for the labels of a whole folder; the old files are kept, so that it can be taken back."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.folder import find_files
from datasets.kinds import need_folder
from datasets.labels import clean_name, typed_name
from datasets.problems import Problem
from datasets.voc import XmlError, parse_xml, rename_objects, xml_bytes
from files.writing import write_bytes
from terminal.bars import Progress, silent

# In the dataset folder; hidden, so that old files are never read as labels. Each change has a folder in it.
OLD_LABELS = ".old_labels"

# A new name, or None to remove the object, by old name.
Change = Mapping[str, str | None]


@dataclass(frozen=True)
class Plan:
    """What a change would do to a folder."""

    edits: dict[Path, tuple[bytes, bytes]]  # (before, after) of the XML files that would change
    names: Counter[str]  # objects by name before
    after: Counter[str]  # objects by name afterwards
    problems: list[Problem]  # files that cannot be read or changed, which stay as they are


def renaming(old: str, new: str, names: Counter[str]) -> Change:
    """The change that gives a name's objects a name that nobody has yet; ValueError where it cannot be."""
    old, new = _known(old, names), _new_name(new)
    if new != old and names[new]:
        wrong = f"{names[new]} objects are named {new!r} already, and the two could not be told apart again"
        cure = f"merge {old!r} {new!r} --into {new!r}"
        raise ValueError(f"rename {old!r} {new!r}: {wrong}. If that is meant: {cure}")
    return {old: new}


def merging(merged: Sequence[str], into: str, names: Counter[str]) -> Change:
    """The change that gives the objects of several names one name, new or not."""
    return dict.fromkeys((_known(name, names) for name in merged), _new_name(into))


def dropping(dropped: Sequence[str], names: Counter[str]) -> Change:
    """The change that removes the objects of some names."""
    return dict.fromkeys(_known(name, names) for name in dropped)


def plan(dataset_dir: Path, change: Change, progress: Progress = silent) -> Plan:
    """Finds out what a change does to a folder as `read_folder` takes it, and changes nothing.

    ValueError where there is no such folder.
    """
    need_folder(dataset_dir, "--dataset_dir")
    planned, contents = Plan({}, Counter(), Counter(), []), find_files(dataset_dir)
    paired = [file.xml for file in contents.files if file.xml is not None]
    # Also those whose picture is missing: it may come back, with the old name.
    alone = [dataset_dir / problem.file for problem in contents.problems if problem.file.endswith(".xml")]
    paths = sorted({*paired, *alone})
    for number, path in enumerate(paths, start=1):
        try:
            data = xml_bytes(path)
            edited = rename_objects(data, lambda name: change.get(name, name))
            planned.names.update(_names_of(data))
            planned.after.update(_names_of(edited))
            if edited is not data:
                planned.edits[path] = data, edited
        except XmlError as error:
            problem = Problem.of(error, path.relative_to(dataset_dir).as_posix())
            planned.problems.append(replace(problem, action="left as it is"))
        progress("reading", number, len(paths))
    return planned


def apply(planned: Plan, dataset_dir: Path, progress: Progress = silent) -> Path:
    """Changes the files, and keeps each as it was before: in the folder that it gives, laid out like the set.

    ValueError where there is nothing to change, or a file changed since the plan was made.
    """
    if not planned.edits:
        raise ValueError(f"{dataset_dir}: no XML file has an object that would change")
    place, stamp = dataset_dir / OLD_LABELS, time.strftime("%Y%m%d_%H%M%S")
    folders = itertools.chain([stamp], (f"{stamp}_{number}" for number in itertools.count(1)))
    kept = next(place / name for name in folders if not (place / name).exists())
    kept.mkdir(parents=True)
    for number, (path, (before, after)) in enumerate(planned.edits.items(), start=1):
        if path.read_bytes() != before:
            raise ValueError(f"{path} was changed meanwhile, and stays; the rest after it was not changed")
        copy = kept / path.relative_to(dataset_dir)
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(copy, before, durable=True)
        write_bytes(path, after)
        progress("writing", number, len(planned.edits))
    return kept


def _names_of(data: bytes) -> Iterator[str]:
    return (name for item in parse_xml(data).objects if (name := clean_name(item.name or "")))


def _known(name: str, names: Counter[str]) -> str:
    name = clean_name(name)
    if not names[name]:
        present = ", ".join(f"{one} ({count})" for one, count in names.most_common(20)) or "none at all"
        raise ValueError(f"no object is named {name!r}. Names in the folder: {present}")
    return name


def _new_name(name: str) -> str:
    if not (cleaned := typed_name(name)):
        raise ValueError(f"the new name {name!r} is empty, or has characters that cannot be seen")
    return cleaned
