"""Labels of YOLO data sets: Ultralytics' data.yaml, darknet's obj.data, and what LabelImg writes."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from datasets.folder import folded
from datasets.pictures import UnusableFile
from datasets.problems import Problem
from datasets.voc import OBJECT_DROPPED, RawObject, numbers_of
from labelling import foreign
from labelling.foreign import Files, ForeignDataset, Written

MAX_TEXT_BYTES = 4_000_000  # of a label file, a list of names or of pictures
_SETTINGS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml", "obj.data")
_NAME_FILES = ("classes.txt", "obj.names", "labels.txt", "_darknet.labels", "predefined_classes.txt")

Names = Mapping[float, str]  # by number


def read_yolo(source: Path) -> ForeignDataset:
    """Reads pictures and the texts with their labels, which lie as `_labels_of` says.

    Without data.yaml or obj.data (the source, or in that folder) the names are in classes.txt or the like,
    the nearest one above a label file; lists such as train.txt say the splits, or folders. ValueError where
    the names cannot be read.
    """
    files = Files(source if source.is_dir() else source.parent)
    dataset = ForeignDataset(files)
    labels = _labels_of(files)
    texts = [name for name in sorted(files.paths.keys() - labels.values()) if name.lower().endswith(".txt")]
    settings = source.name if source.is_file() else _settings_of(files)
    if settings:
        content = _load(files.root / settings)
        names = {"": _names_of(content, settings, dataset)}
    else:
        names = _names_by_folder(files)
        content: dict[str, Any] = {}
        for name in texts:
            content.setdefault(foreign.split_of(posixpath.basename(name)), []).append(name)
    if not names:
        raise ValueError(f"{source}: no data.yaml and no classes.txt says what the numbers mean")
    listed = _listed(content, settings or "", dataset)
    if not listed:
        listed = [(foreign.split_of(posixpath.dirname(name)), name) for name in files.pictures]
    for split, name in listed:
        if label := labels.get(name):
            objects = partial(_objects, files, label, _nearest(names, label), "kpt_shape" in content)
            dataset.add(name, split, None, objects)
        else:
            dataset.leave_out(name, "picture without a label file")
    for name in sorted(set(files.pictures).difference(name for _, name in listed)):
        dataset.leave_out(name, "picture in no split")
    of_labels = {posixpath.dirname(label) for label in labels.values()}
    for name in texts:
        if posixpath.dirname(name) in of_labels and posixpath.basename(name).lower() not in _NAME_FILES:
            dataset.leave_out(name, "text beside label files of no picture", action="passed over")
    return dataset


def _settings_of(files: Files) -> str | None:
    """The highest file of names and splits: one with a usual name, else one that says names."""
    found = [name for name in files.paths if name.lower().endswith((".yaml", ".yml", ".data"))]
    usual = [name for name in found if posixpath.basename(name).lower() in _SETTINGS]
    for name in sorted(usual or found, key=lambda name: name.count("/")):
        with suppress(ValueError):
            if usual or "names" in _load(files.paths[name]):
                return name
    return None


def _load(file: Path) -> dict[str, Any]:
    """The content of a data.yaml, every value as it is written, or of an obj.data."""
    text = foreign.text_of(file, MAX_TEXT_BYTES)
    if file.suffix.lower() == ".data":
        return dict(re.findall(r"^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)[ \t\r]*$", text, re.MULTILINE))
    try:
        content = yaml.load(text, yaml.BaseLoader)  # makes nothing but texts, lists and dicts
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"{file}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise ValueError(f"{file}: not a YOLO data set: it has no names")
    return content


def _names_of(content: Mapping[str, Any], settings: str, dataset: ForeignDataset) -> Names:
    """`names: [a, b]`, `names: {0: a, 1: b}`, or a file of names."""
    names = content.get("names")
    if isinstance(names, str):
        for file in dataset.files.meant([_from(settings, names)]).values():
            names = _lines_of(dataset.files.paths[file], blank=False)
    names = dict(enumerate(names)) if isinstance(names, list) else names
    try:
        if not isinstance(names, dict) or {*map(type, names.values())} != {str}:
            raise ValueError
        numbered = {float(number): name for number, name in names.items()}
    except ValueError:
        rule = "names must be a list of names, or say a name for each number"
        raise ValueError(f"{dataset.files.root / settings}: {rule}") from None
    count = content.get("nc", content.get("classes"))
    if isinstance(count, str) and count.strip() != str(len(names)):
        detail = f"it says {foreign.shorten(count)}, and there are {len(names)} names"
        dataset.leave_out(settings, "wrong number of classes", detail, "names taken as they are")
    return numbered


def _names_by_folder(files: Files) -> dict[str, Names]:
    """What classes.txt or the like say, by folder, the highest first."""
    by_folder: dict[str, Names] = {}
    for name in sorted(files.paths, key=lambda name: name.count("/")):
        if posixpath.basename(name).lower() in _NAME_FILES or name.lower().endswith(".names"):
            lines = enumerate(_lines_of(files.paths[name]))
            by_folder[posixpath.dirname(name)] = {number: line for number, line in lines if line.strip()}
    return by_folder


def _nearest(by_folder: Mapping[str, Names], label: str) -> Names:
    """The names in the nearest folder above a label file, else in the highest of all."""
    folder = posixpath.dirname(label)
    while folder and folder not in by_folder:
        folder = posixpath.dirname(folder)
    return by_folder.get(folder) or next(iter(by_folder.values()))


def _listed(content: Mapping[str, Any], settings: str, dataset: ForeignDataset) -> list[tuple[str, str]]:
    """Split and name of the pictures of folders, of texts with paths, or of lists of such."""
    files, base = dataset.files, str(content.get("path", ""))
    base = files.folder(_from(settings, base)) if base else ""
    listed: list[tuple[str, str]] = []
    lines: list[tuple[str, str, Written]] = []
    for key, split in foreign.LIST_OF.items():
        value = content.get(key) or []
        for entry in value if isinstance(value, list) else [value]:
            written = _from(settings, entry if isinstance(entry, str) else "/", base)
            folder, text = files.folder(written), files.meant([written]).get(written)
            said, found = foreign.split_of(written[-1]), foreign.split_of(folder)
            if folder and not (said == split and found not in ("", split)):
                start = "" if folder == "." else f"{folder}/"
                listed += [(split, name) for name in files.pictures if name.startswith(start)]
            elif text:
                some = filter(str.strip, _lines_of(files.paths[text]))
                lines += [(split, text, _from(text, line, base)) for line in some]
            else:
                detail = f"{foreign.shorten(entry)}, not in {files.root}"
                dataset.leave_out(settings, "no such folder in the data set", detail)
    meant = files.meant(written for _, _, written in lines)
    for split, text, written in lines:
        if written in meant:
            listed.append((split, meant[written]))
        else:
            dataset.leave_out(text, "no such picture", foreign.shorten(written[-1]))
    return listed


def _from(file: str, path: str, base: str = "") -> Written:
    """A path in a file of the set: it counts from a base, from that file's folder, or from the set's."""
    starts = (base, posixpath.dirname(file), "")
    return (*(posixpath.join(start, path) for start in starts), path)


def _labels_of(files: Files) -> dict[str, str]:
    """The label file of each picture that has one, `STEM.txt` or `STEM.jpg.txt`, whatever its capitals.

    It lies in labels/ where the picture lies in images/, beside it, or in labels/ beside or in its folder.
    """
    wanted: dict[str, Written] = {}
    for picture in files.pictures:
        stem, places = posixpath.splitext(picture)[0], []
        for text in (f"{stem}.txt", f"{picture}.txt"):
            folder, name = posixpath.split(text)
            places += [re.sub("(^|.*/)images/", r"\1labels/", text, flags=re.IGNORECASE), text]
            places += (posixpath.normpath(posixpath.join(folder, up, "labels", name)) for up in ("..", ""))
        wanted[picture] = (*places, f"{stem}.txt")
    found = files.meant(wanted.values())
    meant = {picture: found[places] for picture, places in wanted.items() if places in found}
    return {one: label for one, label in meant.items() if folded(label) in map(folded, wanted[one])}


def _objects(
    files: Files, label: str, names: Names, with_points: bool, size: tuple[int, int]
) -> Iterator[RawObject | Problem]:
    """The objects of one picture; UnusableFile where the label file cannot be read."""
    try:
        lines = _lines_of(files.paths[label])
    except ValueError as error:
        raise UnusableFile("label file cannot be read", str(error)) from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _object_of(line, names, with_points, size)
        except (KeyError, ValueError) as error:
            unknown = isinstance(error, KeyError)
            rule = "number without a name" if unknown else "not a number and a box or polygon in fractions"
            yield Problem(label, f"line {number}", rule, foreign.shorten(line), OBJECT_DROPPED)


def _object_of(line: str, names: Names, with_points: bool, size: tuple[int, int]) -> RawObject:
    """Of `number x y width height`, or number and polygon, in fractions; perhaps with a confidence."""
    number, *values = numbers_of(line)
    name = names[number]
    values = values[:4] if with_points else values
    confidence = values.pop() if len(values) % 2 else 1
    if not 0 <= confidence <= 1 or any(not -1 <= value <= 2 for value in values):
        raise ValueError("no confidence, or no fractions")
    if len(values) == 4:
        x, y, width, height = values
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    else:
        corners = foreign.box_around(values)
    pixels = [value * side for value, side in zip(corners, 2 * size, strict=True)]
    return foreign.raw_object(name, pixels)


def _lines_of(file: Path, *, blank: bool = True) -> list[str]:
    """The lines of a text; without blank ones at its end if such are not wanted."""
    text = foreign.text_of(file, MAX_TEXT_BYTES)
    return re.split(r"\r\n|\r|\n", text if blank else text.rstrip())
