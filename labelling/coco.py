"""Labels of COCO data sets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.pictures import ACCEPTED_SUFFIXES
from datasets.problems import Problem
from datasets.voc import MAX_OBJECTS, RawObject
from files.writing import printable
from labelling.foreign import (
    SPLIT_WORDS,
    ForeignDataset,
    ForeignPicture,
    ObjectsIn,
    inside,
    raw_object,
    shorten,
)

MAX_JSON_BYTES = 1_000_000_000  # COCO's own instances_train2017.json has 450 MB


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
    pictures: list[ForeignPicture] = []
    problems: list[Problem] = []
    for file in files:
        folders = [picture_dir] if picture_dir is not None else [file.parent, *_image_folders(root, file)]
        content = _load_json(file)
        shown = file.name if file.parent == root else file.relative_to(root).as_posix()
        split = _split_of(shown)
        some, found = _coco_pictures(content, folders, split, shown)
        pictures += some
        problems += found
    return ForeignDataset(pictures, problems)


def coco_files(folder: Path) -> list[Path]:
    """The COCO files in a folder, its annotations/ and its folders of splits (Roboflow's)."""
    candidates = sorted(
        [*folder.glob("*.json"), *folder.glob("annotations/*.json"), *folder.glob("*/_annotations*.json")]
    )
    return [
        file for file in candidates if not file.name.startswith(("captions_", "person_keypoints_", "stuff_"))
    ]


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
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise ValueError(f"more than {MAX_JSON_BYTES} bytes")
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        if not isinstance(content, dict) or not all(
            isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
        ):
            raise ValueError("not an object with the lists images, annotations and categories")
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file}: not a COCO file ({error})") from None
    return content


def _coco_pictures(
    content: Mapping[str, Any], folders: Sequence[Path], split: str, file: str
) -> tuple[list[ForeignPicture], list[Problem]]:
    """Pictures of one COCO file that are there."""
    problems: list[Problem] = []

    def left_out(kind: str, detail: str, action: str = "left out") -> None:
        problems.append(Problem(file, "", kind, detail, action))

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
    pictures: list[ForeignPicture] = []
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
            objects = _coco_objects(boxes.pop(number, []), names, f"{file}: {name}")
            pictures.append(ForeignPicture(path, name, split, _size(image), objects))
    for number in boxes.keys() - known:
        detail = f"image_id {number}, {len(boxes[number])} boxes"
        left_out("annotation of no known picture or category", detail)
    return pictures, problems


def _coco_objects(annotations: Sequence[Mapping[str, Any]], names: Mapping[int, str], file: str) -> ObjectsIn:
    def objects_in(size: tuple[int, int]) -> tuple[tuple[RawObject, ...], list[Problem]]:
        objects, problems = [], []
        for annotation in annotations[:MAX_OBJECTS]:
            name = printable(names[annotation["category_id"]])
            if annotation.get("iscrowd") in (1, True):
                problems.append(Problem(file, name, "crowd", "one region for many", "left out"))
                continue
            try:
                xmin, ymin, width, height = (float(value) for value in annotation["bbox"])
                box = (xmin, ymin, xmin + width, ymin + height)
                objects.append(raw_object(name, box, difficult=bool(annotation.get("difficult"))))
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                detail = f"{shorten(annotation.get('bbox'))} ({error})"
                problems.append(Problem(file, name, "box is not four numbers", detail, "object dropped"))
        return tuple(objects), problems

    return objects_in


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = image.get("width"), image.get("height")
    if isinstance(width, int) and isinstance(height, int) and 0 < width < 10**7 and 0 < height < 10**7:
        return width, height
    return None
