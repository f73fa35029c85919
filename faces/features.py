"""Rows of many faces: from the cache where they are there, computed once where not.

The cache has one folder for each way of computing rows (network, its weights, size, pooling), one file for
each face (its digest is the name), one row for each view. Whatever changes, changes a name: nothing stale is
ever found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.look_alikes import perceptual_hash
from datasets.pictures import PictureError, in_batches
from datasets.problems import Problem
from faces.encoder import FaceEncoder, View, face_view, look_at
from faces.folder import Face
from files.arrays import read_arrays, write_arrays
from files.threads import map_in_threads
from files.writing import write_json
from terminal.bars import Progress, silent

_AT_ONCE = 48  # faces whose views are in memory


@dataclass(frozen=True, eq=False)
class Entry:
    """What is kept of one face."""

    hash: np.uint64  # perceptual, uint64
    rows: Mapping[str, np.ndarray]  # key of a view -> float16 [D]


class FeatureCache:
    """Entries by digest of the face (32 hexadecimal digits), as one encoder makes them."""

    def __init__(self, folder: Path, encoder: FaceEncoder):
        """Opens or makes this encoder's folder in the folder for all."""
        self.encoder, way = encoder, encoder.way()
        text = json.dumps(way, sort_keys=True, ensure_ascii=False)
        digest = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        self.folder = folder / f"{way['backbone']}_{digest}"
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "way.json").is_file():
            write_json(self.folder / "way.json", way)  # for people

    def read(self, face: str) -> Entry | None:
        """What is there of a face; None where nothing is, or something damaged, which is then made anew."""
        path = self._path(face)
        if not path.is_file():
            return None
        try:
            arrays = read_arrays(path)
            views, features, hashed = arrays["views"], arrays["features"], arrays["hash"]
        except (ValueError, KeyError, OSError):
            return None
        right = views.ndim == 1 and features.dtype == np.float16 and hashed.dtype == np.uint64
        right = right and features.shape == (len(views), self.encoder.size) and hashed.shape == ()
        if not right:
            return None
        return Entry(np.uint64(hashed[()]), dict(zip(map(str, views), features, strict=True)))

    def write(self, face: str, entry: Entry) -> None:
        """Keeps an entry; a crash leaves the old one."""
        path = self._path(face)
        path.parent.mkdir(exist_ok=True)
        views, rows = np.array(list(entry.rows), str), np.stack(list(entry.rows.values()))
        hashed = np.asarray(entry.hash, np.uint64)
        write_arrays(path, {"hash": hashed, "views": views, "features": rows.astype(np.float16)})

    def _path(self, face: str) -> Path:
        return self.folder / face[:2] / f"{face}.npz"


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of faces."""

    faces: list[Face]  # N that could be read
    hashes: np.ndarray  # uint64 [N], perceptual
    rows: np.ndarray  # float16 [N, V, D], one for each view wanted
    problems: list[Problem]  # of those that could not be read
    computed: int  # rows that were not in the cache


def face_rows(
    faces: Sequence[Face],
    cache: FeatureCache,
    views: Sequence[int],
    *,
    what: str = "looking",
    progress: Progress = silent,
) -> Rows:
    """Rows of some views of each face, by their numbers; what was not in the cache is put there."""
    wanted = {face.digest: [face_view(number, face.digest) for number in views] for face in faces}
    kept = zip(faces, map_in_threads(lambda face: cache.read(face.digest), faces), strict=True)
    entries = {face.digest: entry for face, entry in kept if entry is not None}

    def missing(face: Face) -> list[View]:
        there = entries[face.digest].rows if face.digest in entries else {}
        return [view for view in wanted[face.digest] if view.key() not in there]

    def looked_at(face: Face) -> np.ndarray:
        """The face as it is, then the views that are missing: uint8 [1 + V, h, w, 3]."""
        image = face.picture()
        return np.stack([image, *(look_at(image, view) for view in missing(face))])

    def encoded(pictures: list[np.ndarray]) -> list[np.ndarray]:
        rows = cache.encoder.encode([view for one in pictures for view in one[1:]])
        return np.split(rows, np.cumsum([len(one) - 1 for one in pictures])[:-1])

    def unreadable(face: Face, error: PictureError) -> None:
        problems.append(Problem(face.shown, face.name, error.kind, error.detail, error.action))

    problems: list[Problem] = []
    todo = {face.digest: face for face in faces if missing(face)}.values()
    computed, total = 0, sum(len(missing(face)) for face in todo)
    for face, pictures, rows in in_batches(
        todo, looked_at, encoded, batch_size=_AT_ONCE, unreadable=unreadable
    ):
        old = entries.get(face.digest) or Entry(perceptual_hash(pictures[0]), {})
        fresh = {view.key(): row for view, row in zip(missing(face), rows, strict=True)}
        entries[face.digest] = Entry(old.hash, {**old.rows, **fresh})
        cache.write(face.digest, entries[face.digest])
        computed += len(fresh)
        progress(what, computed, total)
    readable = [face for face in faces if not missing(face)]
    rows = np.zeros((len(readable), len(views), cache.encoder.size), np.float16)
    for place, face in enumerate(readable):
        rows[place] = [entries[face.digest].rows[view.key()] for view in wanted[face.digest]]
    hashes = np.array([entries[face.digest].hash for face in readable], np.uint64)
    return Rows(readable, hashes, rows, problems, computed)
