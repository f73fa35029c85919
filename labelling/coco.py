"""Labels of COCO data sets."""

import json
import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from datasets.problems import Problem
from datasets.voc import OBJECT_DROPPED, RawObject, number_each, numbers_of
from files.below import files_below
from labelling.foreign import Files, ForeignDataset, Written, raw_object, shorten, split_of, text_of

MAX_JSON_BYTES = 1_000_000_000  # COCO's own instances_train2017.json has 450 MB
_LISTS = ("images", "annotations", "categories")
_OTHERS = ("captions_", "person_keypoints_", "stuff_")  # of the pictures that instances_ are of
_PROGRAMS = {  # by keys that their files have
    **{"shapes": "LabelMe or X-AnyLabeling", "asset": "VoTT", "assets": "VoTT", "data": "Label Studio"},
    **{"items": "Datumaro", "objects": "Supervisely", "image": "CreateML", "_via_img_metadata": "VIA"},
}


def read_coco(source: Path, picture_dir: Path | None = None) -> ForeignDataset:
    """Reads COCO files: a .json file, or a folder with some; others in it are listed as problems.

    With no `picture_dir`, `file_name` counts from the folder of the .json file, or from the only place below
    `source` that fits. ValueError where there is no COCO file, or one that cannot be read at all.
    """
    root = source if source.is_dir() else source.parent
    contents: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    files = [source]
    if source.is_dir():
        files = sorted(files_below(source, {".json"}, links=False, tell=lambda path, why: None))
        files = [file for file in files if not file.name.startswith(_OTHERS)] or files
    for file in files:
        shown = file.relative_to(root).as_posix()
        try:
            contents[shown] = _load_json(file)
        except ValueError as error:
            problems.append(Problem(shown, "", "not a COCO file", str(error), "left out"))
    if not contents:
        first = [f"{root / one.file}: {one.reason}" for one in problems[:1]]
        raise ValueError(*first or [f"{source}: no .json file with images, annotations and categories in it"])
    files = Files(picture_dir or (root.parent if root.name.lower() == "annotations" else root))
    dataset = ForeignDataset(files, problems=problems)
    readings = {shown: _readings(files, root / shown, some["images"]) for shown, some in contents.items()}
    meant = files.meant(one for some in readings.values() for one in some.values())
    # A file that speaks of a split goes first: of a picture that is in two, the first counts.
    for shown in sorted(contents, key=lambda shown: not split_of(shown)):
        names = {name: meant[one] for name, one in readings[shown].items() if one in meant}
        _add_pictures(dataset, shown, contents[shown], names)
    return dataset


def _load_json(file: Path) -> dict[str, Any]:
    """The content of a COCO file; ValueError, which says what it is instead."""
    try:
        content = json.loads(text_of(file, MAX_JSON_BYTES))
    except RecursionError as error:
        raise ValueError(str(error)) from None
    first = content[0] if isinstance(content, list) and content else content
    keys = first if isinstance(first, dict) else {}
    missing = [key for key in _LISTS if not isinstance(keys.get(key), list)]
    if not missing and first is content:
        return keys
    if programs := [_PROGRAMS[key] for key in keys if key in _PROGRAMS and "images" in missing]:
        raise ValueError(f"a file of {programs[0]}; export its labels there as COCO, YOLO or Pascal VOC")
    raise ValueError(f"not an object with the lists {', '.join(_LISTS)}; it lacks {', '.join(missing)}")


def _readings(files: Files, file: Path, images: Iterable[object]) -> dict[str, Written]:
    """What file names in a COCO file may mean: they count from its folder, or from one with a likely name."""
    at, words, split = file.resolve().parent, file.stem.lower().split("_"), split_of(file.stem)

    def is_likely(folder: str) -> bool:
        name = posixpath.basename(folder).lower()
        return name in (*words, "images", "jpegimages", "data") or bool(split and split_of(name) == split)

    own = at.relative_to(files.root).as_posix() if at.is_relative_to(files.root) else "."
    likely = sorted(filter(is_likely, files.folders), key=lambda folder: (-folder.count("/"), folder))
    places = (own, *likely[:8], ".")
    names = filter(None, (_image_of(one)[1] for one in images))
    return {name: (*(posixpath.join(place, name) for place in places), name) for name in names}


def _image_of(entry: object) -> tuple[str | None, str | None]:
    """Id and file name of an entry of `images`, None where it has none."""
    entry = entry if isinstance(entry, dict) else {}
    number, name = _id(entry.get("id")), entry.get("file_name")
    return number, name if isinstance(name, str) and number is not None else None


def _id(value: object) -> str | None:
    """An id as text: 1, 1.0 and "1" are one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else None


def _add_pictures(
    dataset: ForeignDataset, file: str, content: Mapping[str, Any], found: Mapping[str, str]
) -> None:
    """Adds the pictures of one COCO file that are there: `found`, names in `Files` by file name."""
    left_out = partial(dataset.leave_out, file)
    names = _names_of(content["categories"], left_out)
    boxes: dict[str | None, list[Any]] = {}
    for annotation in content["annotations"]:
        image = _id(annotation.get("image_id")) if isinstance(annotation, dict) else None
        boxes.setdefault(image, []).append(annotation)
    shared = Counter(number for number, _ in set(map(_image_of, content["images"])))
    for image in content["images"]:
        number, written = _image_of(image)
        if written is None:
            left_out("picture without id or file name", shorten(image))
        elif shared[number] > 1:
            left_out("several pictures with one id", f"{number}: {written}")
        elif written not in found:
            detail = f"{written!r} in {dataset.files.root}, or several; --picture_dir says where"
            left_out("no such picture", detail)
        else:
            name = found[written]
            objects = partial(_objects, boxes.get(number, []), names, f"{file}: {name}")
            dataset.add(name, split_of(file) or split_of(name), _size(image), objects)
    for number in boxes.keys() - shared.keys():
        detail = f"image_id {number}, {len(boxes[number])} boxes, first {shorten(boxes[number][0])}"
        left_out("annotation of no known picture or category", detail)


def _names_of(categories: Sequence[object], left_out: Callable[[str, str], None]) -> dict[str | None, str]:
    """Names by category id."""
    names: dict[str | None, str] = {}
    for category in categories:
        match category:
            case {"id": number, "name": str(name) | int(name)} if (known := _id(number)) is not None:
                if names.setdefault(known, str(name)) != str(name):
                    left_out("several categories with one id", f"{known}: {names[known]!r} and {name!r}")
                    names[known] = ""  # whose objects they are, nobody knows
            case _:
                left_out("category without id or name", shorten(category))
    return names


def _objects(
    annotations: Sequence[Any], names: Mapping[str | None, str], file: str, size: tuple[int, int]
) -> Iterator[RawObject | Problem]:
    """The objects of one picture; their boxes are in pixels of whatever size."""
    for annotation in annotations:
        name = names.get(_id(annotation.get("category_id")))
        if name is None:
            kind = "annotation of no known picture or category"
            yield Problem(file, "", kind, shorten(annotation), OBJECT_DROPPED)
        elif _flag(annotation.get("iscrowd")):
            yield Problem(file, name, "crowd", "one region for many", OBJECT_DROPPED)
        else:
            try:
                yield raw_object(name, _box_of(annotation), difficult=_flag(annotation.get("difficult")))
            except (ValueError, RecursionError) as error:
                detail = f"{shorten(annotation.get('bbox'))} ({error})"
                yield Problem(file, name, "box is not four numbers", detail, OBJECT_DROPPED)


def _box_of(annotation: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """(xmin, ymin, xmax, ymax) of `bbox`: a list of numbers, or of texts, or one text."""
    bbox = annotation.get("bbox")
    text = " ".join(map(str, bbox)) if isinstance(bbox, list) else str(bbox).strip("[]()")
    xmin, ymin, width, height = numbers_of(text)
    return xmin, ymin, xmin + width, ymin + height


def _flag(value: object) -> bool:
    return str(value).strip().lower() in ("1", "1.0", "true", "yes")


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    sides = number_each([str(image.get(side)) for side in ("width", "height")])
    width, height = map(round, sides or (0, 0))
    return (width, height) if 0 < width < 10**7 and 0 < height < 10**7 else None
