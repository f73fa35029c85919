"""Labels of YOLO data sets: Ultralytics' data.yaml, and what LabelImg writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from datasets.pictures import ACCEPTED_SUFFIXES
from datasets.problems import Problem
from datasets.voc import MAX_OBJECTS, RawObject
from files.below import files_below
from labelling.foreign import (
    SPLIT_WORDS,
    ForeignDataset,
    ForeignPicture,
    inside,
    raw_object,
    shorten,
    text_of,
)

MAX_TEXT_BYTES = 4_000_000  # of a label file, a list of names or of pictures
_MOST_NAMES = 100_000
_YAML_FILES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
_NAME_FILES = ("classes.txt", "obj.names", "labels.txt")


def is_yolo(folder: Path) -> bool:
    """Whether a folder says what the numbers in its label files mean."""
    return bool(_first(folder, _YAML_FILES) or _names_file(folder))


def read_yolo(source: Path) -> ForeignDataset:
    """Reads data.yaml with images/ and labels/, or LabelImg's pictures, texts and classes.txt.

    Args:
        source: data.yaml, or the folder.

    Raises:
        ValueError: the names cannot be read.
    """
    file = source if source.is_file() else _first(source, _YAML_FILES)
    root = (source.parent if source.is_file() else source).resolve()
    problems: list[Problem] = []
    if file is not None:
        content = _load_yaml(file)
        names = _names_of(content.get("names"), file)
        # What `path` says is a folder on the machine where the set was made, where it is absolute.
        declared = content.get("path")
        there = inside(root, root, declared) if isinstance(declared, str) else None
        base = there if there is not None and there.is_dir() else root
        listed = [
            (split, path)
            for key, split in SPLIT_WORDS.items()
            for path in _pictures_of(content.get(key), base, root, file.name, problems)
        ]
    else:
        names_file = _names_file(source)
        if names_file is None:
            raise ValueError(f"{source}: no data.yaml and no classes.txt says what the numbers mean")
        names = {number: name for number, name in enumerate(_lines_of(names_file)) if name.strip()}
        listed = [("", path) for path in _pictures_below(root)]
    pictures: dict[Path, ForeignPicture] = {}
    for split, path in listed:
        label = _label_file(path)
        shown = path.relative_to(root).as_posix()
        if label is None:
            problems.append(Problem(shown, "", "picture without a label file", "", "left out"))
        elif path not in pictures:
            objects = partial(_objects, label, names, shown)
            pictures[path] = ForeignPicture(path, shown, split, None, objects)
    return ForeignDataset(list(pictures.values()), problems)


def _objects(
    label: Path, names: Mapping[int, str], file: str, size: tuple[int, int]
) -> Iterator[RawObject | Problem]:
    """The objects of one picture."""
    try:
        lines = _lines_of(label)
    except ValueError as error:
        yield Problem(file, "", "label file cannot be read", str(error), "taken as without objects")
        return
    for number, line in enumerate(lines[:MAX_OBJECTS], start=1):
        if not line.strip():
            continue
        try:
            name, box = _box_of(line, size)
            yield raw_object(names[name], box)
        except (KeyError, ValueError, OverflowError) as error:
            unknown = isinstance(error, KeyError)
            rule = "number without a name" if unknown else "not a number and four fractions"
            yield Problem(file, f"line {number}", rule, shorten(line), "object dropped")


def _box_of(line: str, size: tuple[int, int]) -> tuple[int, tuple[float, ...]]:
    """The number, and (xmin, ymin, xmax, ymax) in pixels, of `number x y width height [confidence]`."""
    number, *values = line.split()
    x, y, width, height, *confidence = map(float, values)
    if len(confidence) > 1 or not all(0 <= one <= 1 for one in confidence):
        raise ValueError("too many numbers, or the sixth is no confidence")
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if not (width >= 0 and height >= 0):
        raise ValueError("no width or no height")
    return int(number), tuple(value * side for value, side in zip(corners, 2 * size, strict=True))


def _load_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text_of(file, MAX_TEXT_BYTES))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{file}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict):
        raise ValueError(f"{file}: not a YOLO data set: it has no names")
    return content


def _names_of(names: object, file: Path) -> dict[int, str]:
    """`names: [a, b]` or `names: {0: a, 1: b}`."""
    if isinstance(names, list) and len(names) <= _MOST_NAMES:
        names = dict(enumerate(names))
    if isinstance(names, dict) and 0 < len(names) <= _MOST_NAMES:
        kinds = {(type(number), type(name)) for number, name in names.items()}
        if kinds <= {(int, str), (int, int), (int, float)}:
            return {number: str(name) for number, name in names.items()}
    raise ValueError(f"{file}: names must be a list of names, or say a name for each number")


def _pictures_of(value: object, base: Path, root: Path, file: str, problems: list[Problem]) -> Iterator[Path]:
    """Pictures of one split: `value` is a folder, a text with paths, or a list of such."""
    for entry in value if isinstance(value, list) else [value] if value is not None else []:
        # Roboflow writes ../train/images, counted from a folder that is not there.
        tries = [entry, str(entry).removeprefix("../")] if isinstance(entry, str) else []
        path = next((found for one in tries if (found := inside(base, root, one)) and found.exists()), None)
        if path is None:
            detail = f"{shorten(entry)}, not in {root}"
            problems.append(Problem(file, "", "no such folder in the data set", detail, "left out"))
        elif path.is_dir():
            yield from _pictures_below(path)
        else:
            for line in filter(str.strip, _lines_of(path)):
                picture = inside(path.parent, root, line.strip())
                if picture is not None and picture.is_file() and picture.suffix.lower() in ACCEPTED_SUFFIXES:
                    yield picture
                else:
                    problems.append(Problem(path.name, "", "no such picture", shorten(line), "left out"))


def _pictures_below(folder: Path) -> list[Path]:
    pictures = files_below(folder, ACCEPTED_SUFFIXES)
    return [path for path in pictures if not path.is_symlink()]  # a link may lead anywhere


def _label_file(picture: Path) -> Path | None:
    """images/x/a.jpg -> labels/x/a.txt, or a.txt beside it."""
    before, images, after = picture.with_suffix(".txt").as_posix().rpartition("/images/")
    tries = [Path(before, "labels", after)] if images else []
    tries.append(picture.with_suffix(".txt"))
    return next((label for label in tries if label.is_file() and not label.is_symlink()), None)


def _lines_of(file: Path) -> list[str]:
    return text_of(file, MAX_TEXT_BYTES).splitlines()


def _names_file(folder: Path) -> Path | None:
    return _first(folder, _NAME_FILES) or _first(folder / "labels", _NAME_FILES)


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)
