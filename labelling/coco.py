"""Labels of COCO data sets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from datasets.pictures import ACCEPTED_SUFFIXES
from datasets.problems import Problem
from datasets.voc import MAX_OBJECTS, RawObject
from labelling.foreign import (
    SPLIT_WORDS,
    ForeignDataset,
    ForeignPicture,
    inside,
    raw_object,
    shorten,
    text_of,
)

MAX_JSON_BYTES = 1_000_000_000  # COCO's own instances_train2017.json has 450 MB
_LISTS = ("images", "annotations", "categories")


def read_coco(source: Path, picture_dir: Path | None = None) -> ForeignDataset:
    """Reads COCO files.

    Args:
        source: a .json file, or a folder with some. What a file's or its folder's name says of train, val or
            test is the split.
        picture_dir: where `file_name` counts from; not given, the folder of the .json file, or the only
            place below `source` that fits.

    Raises:
        ValueError: no COCO file, or one that cannot be read at all.
    """
    files = coco_files(source) if source.is_dir() else [source]
    if not files:
        raise ValueError(f"{source}: no .json file with images, annotations and categories in it")
    root = source if source.is_dir() else source.parent
    dataset = ForeignDataset([], [])
    for file in files:
        folders = [file.parent, *_image_folders(root, file)] if picture_dir is None else [picture_dir]
        _add_pictures(dataset, _load_json(file), folders, file.relative_to(root).as_posix())
    return dataset


def coco_files(folder: Path) -> list[Path]:
    """The COCO files in a folder, its annotations/ and its folders of splits (Roboflow's)."""
    others = ("captions_", "person_keypoints_", "stuff_")
    files = [*folder.glob("*.json"), *folder.glob("annotations/*.json"), *folder.glob("*/_annotations*.json")]
    return [file for file in sorted(files) if not file.name.startswith(others)]


def _image_folders(root: Path, file: Path) -> list[Path]:
    """Where pictures of a COCO file may lie: COCO's own layout has annotations/instances_X.json and X/."""
    stem = file.stem.split("_")[-1]
    names = (".", stem, "images", f"images/{stem}", "JPEGImages")
    bases = [root, root.parent] if root.name == "annotations" else [root]
    return [base / name for base in bases for name in names if (base / name).is_dir()]


def _split_of(text: str) -> str:
    """The split that a file's name and folder speak of; "" where they speak of none, or of several."""
    words = "".join(letter if letter.isalpha() else " " for letter in text.lower()).split()
    found = {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}
    return found.pop() if len(found) == 1 else ""


def _load_json(file: Path) -> dict[str, Any]:
    text = text_of(file, MAX_JSON_BYTES)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not a COCO file ({error})") from None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in _LISTS):
        raise ValueError(
            f"{file}: not a COCO file (not an object with the lists images, annotations and categories)"
        )
    return content


def _add_pictures(
    dataset: ForeignDataset, content: Mapping[str, Any], folders: Sequence[Path], file: str
) -> None:
    """Adds the pictures of one COCO file that are there."""

    def left_out(kind: str, detail: str, action: str = "left out") -> None:
        dataset.problems.append(Problem(file, "", kind, detail, action))

    names: dict[int, str] = {}
    for category in content["categories"]:
        match category:
            case {"id": int(number), "name": str(name)}:
                names[number] = name
            case _:
                left_out("category without id or name", shorten(category))
    boxes: dict[int, list[Mapping[str, Any]]] = {}
    for annotation in content["annotations"]:
        match annotation:
            case {"image_id": int(image), "category_id": int(category)} if category in names:
                boxes.setdefault(image, []).append(annotation)
            case _:
                left_out("annotation of no known picture or category", shorten(annotation))
    seen: set[Path] = set()
    known: set[int] = set()
    for image in content["images"]:
        if isinstance(image, dict) and isinstance(image.get("id"), int):
            known.add(image["id"])
        match image:
            case {"id": int(number), "file_name": str(name)}:
                tries = (inside(folder, folder, name) for folder in folders)
                path = next((one for one in tries if one and one.is_file()), None)
            case _:
                left_out("picture without id or file name", shorten(image))
                continue
        if path is None or path.suffix.lower() not in ACCEPTED_SUFFIXES:
            left_out("no such picture", f"{name!r} in {', '.join(str(folder) for folder in folders[:3])}")
        elif path in seen:
            left_out("the same picture twice", name, "second one left out")
        else:
            seen.add(path)
            objects = partial(_objects, boxes.pop(number, []), names, f"{file}: {name}")
            dataset.pictures.append(ForeignPicture(path, name, _split_of(file), _size(image), objects))
    for number in boxes.keys() - known:
        detail = f"image_id {number}, {len(boxes[number])} boxes"
        left_out("annotation of no known picture or category", detail)


def _objects(
    annotations: Sequence[Mapping[str, Any]], names: Mapping[int, str], file: str, size: tuple[int, int]
) -> Iterator[RawObject | Problem]:
    """The objects of one picture; their boxes are in pixels of whatever size."""
    for annotation in annotations[:MAX_OBJECTS]:
        name = names[annotation["category_id"]]
        if annotation.get("iscrowd") in (1, True):
            yield Problem(file, name, "crowd", "one region for many", "left out")
            continue
        try:
            xmin, ymin, width, height = (float(value) for value in annotation["bbox"])
            box = (xmin, ymin, xmin + width, ymin + height)
            yield raw_object(name, box, difficult=bool(annotation.get("difficult")))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            detail = f"{shorten(annotation.get('bbox'))} ({error})"
            yield Problem(file, name, "box is not four numbers", detail, "object dropped")


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    match image:
        case {"width": int(width), "height": int(height)} if 0 < width < 10**7 and 0 < height < 10**7:
            return width, height
    return None
