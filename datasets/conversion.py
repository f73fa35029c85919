"""Converts a folder of labelled pictures to TFRecords: reads, divides, numbers the names, writes, describes.

Nothing of an earlier conversion is touched before everything new is complete in a folder beside it.
"""

import hashlib
import itertools
import json
import platform
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import tensorflow as tf

from datasets.annotations import Annotation, FolderReading, read_folder, set_statistics, sets_of
from datasets.examples import (
    SHARD_NAME,
    VOC_NAMES,
    make_example,
    traces_of_records,
    write_index,
    write_shards,
)
from datasets.labels import read_labels
from datasets.look_alikes import leak_notes, look_alike_names, perceptual_hash_of_jpeg, traces_of
from datasets.new_labels import extend_labels, write_labels
from datasets.options import ConversionOptions
from datasets.pictures import MAX_PIXELS, decode_picture, encode_picture, read_picture_file
from datasets.problems import Problem, group_problems, some_of, write_problems
from datasets.splits import SPLITS, Assignment, coverage_notes, hash_fraction
from files.below import sha256_of
from files.parallel import map_in_threads, map_with_beam
from files.telling import printable
from files.writing import write_text
from terminal.bars import Progress, silent

# The layout of dataset.json; a reader that knows only smaller numbers must refuse.
FORMAT = 1
_VOC_SET = re.compile(r"voc_(2007|2012)_.+")  # sets in which SSD-Tensorflow would look for Pascal VOC
_MEASURED_ON = re.compile(r"(validation|test)$")  # how sets end that a detector is measured on


@dataclass(frozen=True)
class Conversion:
    """What was done."""

    labels: tuple[str, ...]  # names in the order of their ids; of the whole output folder
    # annotations by the name of the set, in the order of the records
    sets: Mapping[str, Sequence[Annotation]]
    statistics: Mapping[str, Mapping[str, Any]]  # by the name of the set, see `set_statistics`
    notes: Sequence[str]  # what a person should know beside them


def convert(
    options: ConversionOptions,
    *,
    progress: Progress = silent,
    report: Callable[[Sequence[Problem]], None] = lambda problems: None,
) -> Conversion:
    """Converts a folder.

    Args:
        progress: how many pictures are read, and how many written.
        report: called with the problems as soon as all are known, also when an error follows.

    Raises:
        ValueError: nothing to convert, unknown names against a given labels file, problems where `strict`
            wants none, or options that contradict the folders. problems.csv is written all the same.
    """
    options.check()
    output_dir = options.output_dir
    if output_dir.exists() and not output_dir.is_dir():
        raise ValueError(f"--output_dir {output_dir}: is a file; give a folder, existing or not")
    own = [output_dir]
    if output_dir.resolve() == options.dataset_dir.resolve():  # among the pictures
        names = ("dataset.json", "dataset.png", "labels.txt", "problems.csv")
        own = [output_dir / name for name in names]
        own += [path for kind in ("*.tfrecord", "*.index.npz") for path in output_dir.glob(kind)]
    mapped = partial(map_in_threads, workers=options.reading.workers)
    if options.runner is not None:
        mapped = partial(map_with_beam, runner=options.runner, folder=output_dir)
    reading = read_folder(options.dataset_dir, options.reading, exclude=own, progress=progress, mapped=mapped)
    output_dir.mkdir(parents=True, exist_ok=True)
    earlier = _read_earlier(output_dir / "dataset.json")
    assignment = _assign(reading, options, earlier)
    problems = [*reading.problems, *assignment.problems]
    write_problems(output_dir / "problems.csv", problems)
    report(problems)
    sets = sets_of(reading.annotations, assignment.splits)
    for some in sets.values():  # in an order that depends on the seed and nothing else
        some.sort(key=lambda one: (hash_fraction(options.splitting.seed, one.name), one.name))
    if not sets:
        raise ValueError(f"nothing to convert: {reading.nothing_found(problems)}")
    if options.strict and problems:
        counted = f"{len(problems)} problems (all in {output_dir / 'problems.csv'})"
        raise ValueError(f"--strict, and there are {counted}; nothing was converted")

    labels = _labels(sets, options)
    statistics = {name: set_statistics(some) for name, some in sets.items()}
    notes = [*assignment.notes, *coverage_notes(statistics, assignment.by)]
    notes += _notes(reading, labels, options)

    working = output_dir / ".converting"
    shutil.rmtree(working, ignore_errors=True)  # left by a run that was killed
    working.mkdir()
    try:
        shards, hashes = _write_sets(working, sets, labels, options, mapped, progress)
        description = _describe(options, labels, statistics, shards, assignment, problems, earlier)
        kept = {
            name: [output_dir / shard["file"] for shard in one["shards"]]
            for name, one in description["splits"].items()
            if name not in shards
        }
        notes += _leak_notes(sets, kept, hashes, assignment.by)
        for name, some in sets.items():
            digests = (shard["sha256"] for shard in description["splits"][name]["shards"])
            _write_index(dict(zip(shards[name], digests, strict=True)), some, labels, hashes)
        write_labels(working / "labels.txt", labels)
        write_text(working / "dataset.json", json.dumps(description, ensure_ascii=False, indent=1) + "\n")
        _move_in(working, output_dir, options)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return Conversion(tuple(labels), sets, statistics, notes)


def _assign(reading: FolderReading, options: ConversionOptions, earlier: Mapping[str, Any]) -> Assignment:
    if options.output_name is not None:
        stems = [annotation.stem for annotation in reading.annotations]
        used = f"--output_name puts all {len(stems)} pictures into one set. Leave it out to get one per list."
        notes = (f"{reading.contents.given.where} is not used: {used}",) if reading.contents.given else ()
        return Assignment("output_name", dict.fromkeys(stems, options.output_name), {}, notes)
    before = earlier.get("assignment", {})
    by = "picture" if options.splitting.split_by == "picture" else "source"
    again = before.get("by") == by and before.get("options") == options.assigning()
    return reading.assign(options.splitting, before.get("keys") if again else None)


def _labels(sets: Mapping[str, Sequence[Annotation]], options: ConversionOptions) -> list[str]:
    own = options.output_dir / "labels.txt"
    existing = read_labels(own) if own.is_file() else []
    files: dict[str, list[str]] = {}  # in which a name occurs
    for annotation in itertools.chain(*sets.values()):
        for name in set(annotation.names):
            files.setdefault(name, []).append((annotation.xml or annotation.path).name)
    if options.labels_file is None:
        if not existing and not files:
            raise ValueError(
                f"--dataset_dir {options.dataset_dir}: not one usable box in {sum(map(len, sets.values()))} "
                "pictures; a set without names can only be added to an --output_dir that has a labels.txt"
            )
        if not existing and _VOC_SET.fullmatch(options.output_name or "") and set(files) <= set(VOC_NAMES):
            return list(VOC_NAMES)  # they are VOC's pictures, converted as SSD-Tensorflow's README does
        return extend_labels(existing, files)
    given = read_labels(options.labels_file)
    unknown = [f"{name!r} in {some_of(sorted(files[name]))}" for name in sorted(set(files) - set(given))]
    if unknown:
        raise ValueError(
            f"--labels_file {options.labels_file} does not list {'; '.join(unknown)}. Correct the XML, add "
            "the name at the end of the file, or leave --labels_file out"
        )
    if existing != given[: len(existing)]:
        number = next(i for i, name in enumerate(existing) if given[i : i + 1] != [name])
        raise ValueError(
            f"--labels_file {options.labels_file}: line {number + 1} is not {existing[number]!r} as in "
            f"{own}, whose ids the records there use; give another --output_dir"
        )
    return given


def _notes(reading: FolderReading, labels: Sequence[str], options: ConversionOptions) -> list[str]:
    """What a person should know about the files passed over, and about names that were not in the XML."""
    notes = []
    ignored = sorted(reading.contents.ignored.items())
    if listed := ", ".join(f"{count} {printable(suffix)}" for suffix, count in ignored):
        notes.append(f"Passed over: {listed}.")
    notes += look_alike_names(labels)
    of_voc = tuple(labels) == VOC_NAMES and _VOC_SET.fullmatch(options.output_name or "")
    if of_voc and not options.labels_file:
        notes.append(
            f"All names are Pascal VOC's and --output_name is {options.output_name}: labels.txt has VOC's "
            f"{len(VOC_NAMES)} names with SSD-Tensorflow's class ids. --labels_file gives another list."
        )
    return notes


def _write_sets(
    folder: Path,
    sets: Mapping[str, Sequence[Annotation]],
    labels: Sequence[str],
    options: ConversionOptions,
    mapped: Callable[..., Iterator[tuple[bytes, np.uint64]]],
    progress: Progress,
) -> tuple[dict[str, list[Path]], dict[str, np.uint64]]:
    """Gives the shards by the name of the set, and the perceptual hash of each picture by its name."""
    hashes: dict[str, np.uint64] = {}
    ids = {name: number for number, name in enumerate(labels, start=1)}
    total, done = sum(map(len, sets.values())), itertools.count(1)
    record = partial(_record, ids=ids, max_pixels=options.reading.max_pixels)

    def counted(annotations: Sequence[Annotation]) -> Iterator[bytes]:
        for one, (made, hashed) in zip(annotations, mapped(record, annotations), strict=True):
            hashes[one.name] = hashed
            progress("writing", next(done), total)
            yield made

    per_shard = options.pictures_per_shard
    shards = {name: write_shards(folder, name, counted(some), per_shard) for name, some in sets.items()}
    return shards, hashes


def _record(annotation: Annotation, ids: Mapping[str, int], max_pixels: int) -> tuple[bytes, np.uint64]:
    """A picture with its objects, and its perceptual hash."""
    keep, turn = annotation.keep_bytes, annotation.turned
    encoded = jpeg_bytes(annotation.path, keep=keep, turn=turn, max_pixels=max_pixels)
    made = make_example(
        encoded,
        filename=printable(annotation.name),
        source=printable(annotation.source),
        width=annotation.width,
        height=annotation.height,
        boxes=annotation.boxes,
        classes=[ids[name] for name in annotation.names],
        names=annotation.names,
        difficult=annotation.difficult,
        truncated=annotation.truncated,
    )
    return made, perceptual_hash_of_jpeg(encoded)


def jpeg_bytes(path: Path, *, keep: bool, turn: bool, max_pixels: int = MAX_PIXELS) -> bytes:
    """The picture as a JPEG for a record, as `read_picture` gives it; `keep` a `plain_jpeg`'s own bytes."""
    data = read_picture_file(path, max_pixels=max_pixels)
    return data if keep else encode_picture(decode_picture(data, turn=turn, max_pixels=max_pixels))


def _leak_notes(
    sets: Mapping[str, Sequence[Annotation]],
    kept: Mapping[str, Sequence[Path]],
    hashes: Mapping[str, np.uint64],
    by: str,
) -> list[str]:
    """Says what sets to measure on have in common with those to train on, if one of both is new.

    Args:
        sets: the new ones.
        kept: the records of those that the folder has already.
        hashes: of the new ones' pictures, by name.
        by: what they were split by.
    """
    # Where sources were cut into blocks, the assignment's own note speaks of sources.
    traces = {
        name: traces_of(
            (printable(one.name), "" if by == "block" else printable(one.source), hashes[one.name])
            for one in some
        )
        for name, some in sets.items()
    }
    notes = []
    for name in (*sets, *kept):
        train = _MEASURED_ON.sub("train", name)  # of voc_2007_test it is voc_2007_train
        if train == name or train not in {*sets, *kept} or {name, train} <= kept.keys():
            continue
        measured, trained = (
            traces[one] if one in traces else traces_of_records(kept[one]) for one in (name, train)
        )
        notes += leak_notes(measured, trained, name, train)
    return notes


def _write_index(
    shards: Mapping[Path, str],
    annotations: Sequence[Annotation],
    labels: Sequence[str],
    hashes: Mapping[str, np.uint64],
) -> None:
    counts = [len(one.names) for one in annotations]
    numbers = {name: number for number, name in enumerate(labels, start=1)}
    columns = {
        "corners": np.concatenate([one.boxes for one in annotations]).astype(np.float32),
        "classes": np.array([numbers[name] for one in annotations for name in one.names], np.int32),
        "difficult": np.array([mark for one in annotations for mark in one.difficult], bool),
        "picture": np.repeat(np.arange(len(counts)), counts),
    }
    rows = ((printable(one.name), printable(one.source), hashes[one.name]) for one in annotations)
    write_index(shards, labels, columns, traces_of(rows))


def _describe(
    options: ConversionOptions,
    labels: Sequence[str],
    statistics: Mapping[str, Mapping[str, Any]],
    shards: Mapping[str, Sequence[Path]],
    assignment: Assignment,
    problems: Sequence[Problem],
    earlier: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of dataset.json; without dates, so that the same command writes the same bytes."""
    given = {
        "output_name": options.output_name,
        "labels_file": None if options.labels_file is None else str(options.labels_file),
        "pictures_per_shard": options.pictures_per_shard,
        **asdict(options.reading),
        **asdict(options.splitting),
    }
    del given["workers"]  # has no influence on the result
    versions = {"tensorflow": tf.__version__, "pillow": PIL.__version__, "numpy": np.__version__}
    # Sets of another --output_name stay.
    splits = {
        name: one
        for name, one in earlier.get("splits", {}).items()
        if name not in _replaced(options)
        and all((options.output_dir / part["file"]).is_file() for part in one["shards"])
    }
    for name, paths in shards.items():
        splits[name] = {
            **statistics[name],
            "shards": [
                {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in paths
            ],
            "dataset_dir": printable(str(options.dataset_dir)),
            "options": given,
            "problems": {f"{kind}: {done}": count for count, kind, done, _ in group_problems(problems)},
        }
    described = {
        "format": FORMAT,
        "written_by": {"python": platform.python_version(), **versions},
        "labels": list(labels),
        "labels_sha256": hashlib.sha256("".join(f"{name}\n" for name in labels).encode()).hexdigest(),
        "splits": splits,
    }
    if options.output_name is None:
        keys = {printable(key): split for key, split in assignment.keys.items()}
        described["assignment"] = {"by": assignment.by, "options": options.assigning(), "keys": keys}
    elif "assignment" in earlier:
        described["assignment"] = earlier["assignment"]
    return described


def _move_in(working: Path, output_dir: Path, options: ConversionOptions) -> None:
    """Renames everything into place; dataset.json last, which says how long every shard has to be."""
    written = sorted(path.name for path in working.glob("*.tfrecord"))
    indices = [path.name for path in working.glob("*.index.npz")]
    for name in [*written, *indices, "labels.txt", "dataset.json"]:
        (working / name).replace(output_dir / name)
    for name in _replaced(options):
        if f"{name}.index.npz" not in indices:
            (output_dir / f"{name}.index.npz").unlink(missing_ok=True)
    for path in output_dir.glob("*.tfrecord"):
        match = SHARD_NAME.fullmatch(path.name)
        if match and match["set"] in _replaced(options) and path.name not in written:
            path.unlink()


def _replaced(options: ConversionOptions) -> set[str]:
    """Sets whose earlier records go: train, validation and test together, or the one with --output_name."""
    return set(SPLITS) if options.output_name is None else {options.output_name}


def _read_earlier(path: Path) -> dict[str, Any]:
    """dataset.json of an earlier conversion into the same folder; {} when there is none."""
    if not path.is_file():
        return {}
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier["format"] != FORMAT or not isinstance(earlier["splits"], dict):
            raise KeyError("format")
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path}: not written by this version of tf_convert_data.py; give another --output_dir, or "
            "delete that folder"
        ) from None
    return earlier
