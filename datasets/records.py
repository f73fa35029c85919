"""What a folder of TFRecords holds: its sets, their boxes, and the names, which its records agree on."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from datasets.examples import (
    SIDES,
    VOC_NAMES,
    examples,
    index_of_set,
    is_box,
    objects_of,
    traces_of_records,
)
from datasets.kinds import need_folder, seems
from datasets.labels import clean_name, read_labels
from datasets.look_alikes import Traces, traces_in
from files.below import sha256_of
from files.parallel import map_in_threads
from files.reading import read_arrays

# What people are told.
_SAID: dict[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_MOST_NAMES = 65_535  # without labels.txt: each id below the highest has a name, if only a placeholder
# Of the Object Detection API: NAME.record-00000-of-00010, NAME.record, NAME-00000-of-00010.tfrecord ...
_FILE = re.compile(
    r"(?P<set>[^.].*?)(?:[_-](?P<number>\d{3,})(-of-\d+)?)?\.(tf)?records?(-(?P<last>\d{5})-of-\d+)?"
)


_COLUMNS = ("corners", "classes", "difficult", "picture")  # of a set, a row for each box


@dataclass(frozen=True, eq=False)
class SplitInfo:
    """One set of pictures: train, validation, test, or whatever --output_name said."""

    files: tuple[Path, ...]  # the shards in order
    pictures: int  # how many they hold
    corners: np.ndarray  # float32 [N, 4] of its boxes, without those that are none
    classes: np.ndarray  # int32 [N], 1...K
    difficult: np.ndarray  # bool [N]
    picture: np.ndarray  # int64 [N], whose box it is
    note: str = ""  # what a person should know about boxes that are none, or nothing
    known: Traces | None = None  # by what its pictures can be recognised, where an index says it

    @property
    def boxes(self) -> int:
        """How many it has."""
        return len(self.corners)

    @property
    def max_boxes(self) -> int:
        """On one picture."""
        return int(np.bincount(self.picture).max(initial=0))


@dataclass(frozen=True)
class RecordDataset:
    """A folder of TFRecords."""

    folder: Path  # where it is
    labels: tuple[str, ...]  # K names; the class id of `labels[i]` is `i + 1`, 0 is background
    splits: Mapping[str, SplitInfo]  # by the name of the set
    note: str = ""  # what a person should know about how it was opened, or nothing

    def split(self, name: str) -> SplitInfo:
        """The set that `split_name` finds."""
        return self.splits[self.split_name(name)]

    def traces(self, name: str) -> Traces:
        """By what the pictures of a set can be recognised."""
        info = self.split(name)
        return traces_of_records(info.files) if info.known is None else info.known

    def split_name(self, name: str) -> str:
        """`name`, or the name of the only set that ends in `_name` (`train` finds `voc_2007_train`).

        ValueError, which lists the sets, where there is no such one, or more than one.
        """
        if name in self.splits:
            return name
        endings = [known for known in self.splits if known.endswith(f"_{name}")]
        if len(endings) == 1:
            return endings[0]
        found = "more than one set ends so" if endings else "there is no such set"
        raise ValueError(_SAID["no_split"].format(self.folder, name, found, ", ".join(self.splits)))


def open_dataset(folder: Path, dataset_name: str | None = None) -> RecordDataset:
    """Finds the sets (those that `_sets_of_name` tells of) and names of a folder of TFRecords.

    Records without an index (`examples.write_index`) are read, 0.3 ms each, so that labels.txt says what they
    say. Without labels.txt
    the names are those of the records; where these are Pascal VOC's all twenty, as in SSD-Tensorflow.

    Raises:
        ValueError: no folder, no TFRecords, none of that name, a shard missing or of another size than
            dataset.json says, no way to know the names, or a record that contradicts them.
    """
    need_folder(folder, "--dataset_dir", "tf_convert_data.py makes one")
    shards = _find_shards(folder)
    if not shards:
        kind = seems(folder, own="train_ssd_network.py")
        raise ValueError(_SAID["no_records"].format(folder) + (kind and f"; {kind}"))
    known = _sets_of_dataset_json(folder)
    shards = known | shards | known  # in the order of dataset.json
    path = folder / "labels.txt"
    labels, note, named = read_labels(path) if path.is_file() else [], "", {}
    chosen = _sets_of_name(folder, [*shards], dataset_name or "")
    splits = {
        name: _indexed(shards[name], labels) or _read_set(name, shards[name], labels, named)
        for name in chosen
    }
    if not labels:
        labels, note = _labels_of_records(folder, named)
    return RecordDataset(folder=folder, labels=tuple(labels), splits=splits, note=note)


def with_more(dataset: RecordDataset, split: str, more: RecordDataset) -> RecordDataset:
    """The data set with the same set of another one, whose names are the same, added to one of its sets."""
    name = dataset.split_name(split)
    one, other = dataset.splits[name], more.split(split)
    columns = {key: np.concatenate([getattr(one, key), getattr(other, key)]) for key in _COLUMNS}
    columns["picture"][one.boxes :] += one.pictures
    pictures = one.pictures + other.pictures
    both = replace(one, files=one.files + other.files, pictures=pictures, known=None, **columns)
    return replace(dataset, splits={**dataset.splits, name: both})


def _find_shards(folder: Path) -> dict[str, tuple[Path, ...]]:
    numbered: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(folder.glob("*record*")):
        if (match := _FILE.fullmatch(path.name)) and path.is_file():
            number = int(match["number"] or match["last"] or 0)
            numbered.setdefault(match["set"], []).append((number, path))
    for parts in numbered.values():
        if (last := re.search(r"-of-(\d+)", parts[-1][1].name)) and int(last[1]) != len(parts):
            raise ValueError(
                f"{parts[-1][1]}: {len(parts)} of its {int(last[1])} files are there; copy the rest"
            )
    return {name: tuple(path for _, path in sorted(parts)) for name, parts in sorted(numbered.items())}


def _sets_of_name(folder: Path, names: Sequence[str], dataset_name: str) -> list[str]:
    """The sets that a --dataset_name means; `pascalvoc` alone, or nothing, means all.

    `pascalvoc_2007` means `voc_2007_train`, `voc_2007_test` and so on (FILE_PATTERN in SSD-Tensorflow's
    datasets/pascalvoc_2007.py); other names stand for themselves.
    """
    start = re.sub("^pascalvoc", "voc", dataset_name)
    prefix = f"{start}_" if dataset_name not in ("", "pascalvoc") else ""
    found = [name for name in names if name.startswith(prefix)]
    if not found:
        said = {"prefix": prefix, "asked": dataset_name, "there": ", ".join(names)}
        raise ValueError(_SAID["no_set"].format(folder, **said))
    return found


def _sets_of_dataset_json(folder: Path) -> dict[str, tuple[Path, ...]]:
    path = folder / "dataset.json"
    if not path.is_file():
        return {}
    sizes = {}
    try:
        for name, one in json.loads(path.read_text(encoding="utf-8"))["splits"].items():
            sizes[name] = {folder / shard["file"]: shard["bytes"] for shard in one["shards"]}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(_SAID["no_dataset_json"].format(path, type(error).__name__, error)) from None
    for shard, size in (pair for files in sizes.values() for pair in files.items()):
        found = shard.stat().st_size if shard.is_file() else None
        if found != size:
            what = "it is not there" if found is None else f"it has {found} bytes"
            raise ValueError(f"{shard}: {path.name} says {size} bytes, but {what}; convert again")
    return {name: tuple(files) for name, files in sizes.items()}


def _indexed(files: tuple[Path, ...], labels: Sequence[str]) -> SplitInfo | None:
    """A set by its index; None where that is of other files or names, or is none: its records tell."""
    try:
        arrays = read_arrays(index_of_set(files))
        before, traces, n = arrays["labels"].tolist(), traces_in(arrays), len(arrays["corners"])
        if before != [*labels[: len(before)]] or arrays["shards"].tolist() != [
            *map_in_threads(sha256_of, files)
        ]:
            return None
        kinds = (
            ("corners", (n, 4), "f4"),
            ("classes", (n,), "i4"),
            ("difficult", (n,), "?"),
            ("picture", (n,), "i8"),
        )
        if any(
            (arrays[key].shape, arrays[key].dtype) != (shape, np.dtype(kind)) for key, shape, kind in kinds
        ):
            return None
        corners, classes, difficult, picture = (arrays[key] for key in _COLUMNS)
        info = SplitInfo(files, len(traces), corners, classes, difficult, picture, known=traces)
    except (ValueError, KeyError, TypeError, OSError):
        return None
    whole = info.boxes == 0 or (
        is_box(info.corners).numpy().all()
        and 1 <= info.classes.min() <= info.classes.max() <= len(before)
        and 0 <= info.picture.min() <= info.picture.max() < info.pictures
        and (np.diff(info.picture) >= 0).all()
    )
    return info if whole else None


def _read_set(
    name: str, files: tuple[Path, ...], labels: Sequence[str], named: dict[int, tuple[str, str]]
) -> SplitInfo:
    """A set by its records, whose names and ids must agree with each other, and with labels if there are any.

    What records call a class id, and where, is `named`; new ones are added.
    """
    places, counts, objects = [], [], []
    for where, example in examples(files):
        corners, classes, names, difficult = objects_of(where, example)
        for number, text in zip(classes, names or [b""] * len(classes), strict=True):
            _agree(where, number, clean_name(text.decode("utf-8", errors="surrogateescape")), labels, named)
        places.append(where)
        counts.append(len(classes))
        objects += zip(*corners, classes, difficult or [0] * len(classes), strict=True)
    columns = np.array(objects, np.float64).reshape(-1, 6)
    corners = columns[:, :4].astype(np.float32)
    kept, picture = is_box(corners).numpy(), np.repeat(np.arange(len(counts)), counts)
    note = ""
    if not kept.all():
        first = int(np.argmin(kept))
        sides = ", ".join(f"{side} {value:g}" for side, value in zip(SIDES, corners[first], strict=True))
        where = places[picture[first]]
        note = _SAID["no_boxes"].format(name, np.sum(~kept), len(kept), sides=sides, where=where)
    return SplitInfo(
        files=files,
        pictures=len(counts),
        corners=np.clip(corners[kept], 0.0, 1.0),
        classes=columns[kept, 4].astype(np.int32),
        difficult=columns[kept, 5] > 0,
        picture=picture[kept],
        note=note,
    )


def _agree(
    where: str, number: int, name: str, labels: Sequence[str], named: dict[int, tuple[str, str]]
) -> None:
    """A class id and its name (empty: it has none) against the labels, or against what was read before."""
    if not 1 <= number <= (len(labels) or _MOST_NAMES):
        rule = f"labels.txt has {len(labels)} names" if labels else f"ids are 1 to {_MOST_NAMES}"
        cure = "write its name into that line" if labels and number > 0 else "convert again"
        raise ValueError(f"{where}: class id {number} ({name!r}), but {rule}, and 0 is background; {cure}")
    known, place = (labels[number - 1], "labels.txt") if labels else named.get(number, ("", where))
    if name and known and name != known:
        cure = _SAID["cure_of_labels" if labels else "cure_of_records"]
        raise ValueError(f"{where}: class id {number} is {name!r} here, {known!r} in {place}; {cure}")
    named[number] = known or name, place


def _labels_of_records(folder: Path, named: Mapping[int, tuple[str, str]]) -> tuple[list[str], str]:
    """Names by class id, and a note on where they come from.

    Where VOC's names stand under VOC's ids they are all twenty; else an id without box gets a placeholder.
    """
    pairs = {number: name for number, (name, _) in named.items()}
    nameless = next((f" ({place}: class id {i})" for i, (name, place) in named.items() if not name), "")
    if not pairs or nameless:
        raise ValueError(_SAID["no_names"].format(folder, nameless))
    if pairs.items() <= dict(enumerate(VOC_NAMES, start=1)).items():
        return list(VOC_NAMES), _SAID["voc_names"].format(folder, len(VOC_NAMES))
    labels = [pairs.get(number, f"class {number}") for number in range(1, max(pairs) + 1)]
    if len(set(pairs.values())) < len(pairs):
        name, count = Counter(pairs.values()).most_common(1)[0]
        raise ValueError(f"{folder}: {name!r} has {count} class ids in its records; convert again")
    return labels, f"No labels.txt in {folder}: the labels are those of its records, {', '.join(labels)}."
