"""Rows of many faces: from the cache where they are there, computed once where not.

The cache has one folder for each way of computing rows (network, its weights, size, pooling), one file for
each face (its digest is the name), one row for each view. Whatever changes, changes a name: nothing stale is
ever found.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.look_alikes import perceptual_hash
from datasets.pictures import PictureError, read_picture
from datasets.problems import Problem
from faces.encoder import FaceEncoder
from faces.folder import Face, read_pictures
from faces.views import face_view, look_at
from files.arrays import read_arrays, write_arrays
from files.threads import map_in_threads
from files.writing import write_json
from preprocessing.crops import crop_around

_DIGITS = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, eq=False)
class Entry:
    """What is kept of one face.

    Attributes:
        hash: perceptual, uint64.
        rows: key of a view -> float16 [D].
    """

    hash: np.uint64
    rows: Mapping[str, np.ndarray]


class FeatureCache:
    """Entries by digest of the face."""

    def __init__(self, folder: Path, way: Mapping[str, Any], size: int):
        """Opens or makes the folder for one way of computing features.

        Args:
            folder: for all ways.
            way: everything that the features depend on beside the face and the view, as plain values.
            size: D, numbers in a row.
        """
        text = json.dumps(way, sort_keys=True, ensure_ascii=False)
        digest = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        self.folder = folder / f"{way['backbone']}_{digest}"
        self._size = size
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "way.json").is_file():
            write_json(self.folder / "way.json", way)  # for people

    def read(self, face: str) -> Entry | None:
        """What is there of a face; None where nothing is, or something damaged, which is then made anew.

        Args:
            face: its digest, 32 hexadecimal digits.
        """
        path = self._path(face)
        if not path.is_file():
            return None
        try:
            arrays = read_arrays(path)
            views, features, hashed = arrays["views"], arrays["features"], arrays["hash"]
        except (ValueError, KeyError, OSError):
            return None
        right = views.ndim == 1 and features.dtype == np.float16 and hashed.dtype == np.uint64
        right = right and features.shape == (len(views), self._size) and hashed.shape == ()
        if not right or not np.isfinite(features).all():
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
        if not _DIGITS.fullmatch(face):
            raise ValueError(f"{face!r} is no digest of a face: 32 hexadecimal digits are expected")
        return self.folder / face[:2] / f"{face}.npz"


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of faces.

    Attributes:
        faces: N that could be read.
        hashes: uint64 [N], perceptual.
        rows: float16 [N, V, D], one for each view wanted.
        problems: of those that could not be read.
        computed: rows that were not in the cache.
    """

    faces: list[Face]
    hashes: np.ndarray
    rows: np.ndarray
    problems: list[Problem]
    computed: int


def crop_face(face: Face, margin: float, max_pixels: int) -> np.ndarray:
    """The picture of a face: uint8 [h, w, 3].

    Args:
        face: of a picture, or the picture.
        margin: around a box, as a share of its longer side.
        max_pixels: larger pictures are refused.

    Raises:
        PictureError: it cannot be read.
    """
    image = read_picture(face.path, turn=face.turned, max_pixels=max_pixels)
    return image if face.box is None else crop_around(image, np.array(face.box), margin)[0]


def face_rows(
    faces: Sequence[Face],
    encoder: FaceEncoder,
    cache: FeatureCache,
    *,
    views: Sequence[int],
    margin: float,
    max_pixels: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rows:
    """Rows of some views of each face.

    Args:
        faces: whose.
        encoder: computes what is missing.
        cache: of this encoder; what is computed is put there.
        views: numbers of views, see `faces.views`.
        margin: around boxes.
        max_pixels: larger pictures are refused.
        progress: called with rows done and all.
    """
    keys = {face.digest: [face_view(number, face.digest).key() for number in views] for face in faces}
    kept = zip(faces, map_in_threads(lambda face: cache.read(face.digest), faces), strict=True)
    entries = {face.digest: entry for face, entry in kept if entry is not None}

    def missing(face: Face) -> list[tuple[int, str]]:
        there = entries[face.digest].rows if face.digest in entries else {}
        return [(n, key) for n, key in zip(views, keys[face.digest], strict=True) if key not in there]

    wanting = [face for face in faces if missing(face)]
    problems: list[Problem] = []
    computed, total = 0, sum(len(missing(face)) for face in wanting)

    def wrong(face: Face, error: PictureError) -> None:
        problems.append(Problem(face.shown, face.name, error.kind, error.detail, error.action))

    for chunk in read_pictures(wanting, lambda face: crop_face(face, margin, max_pixels), wrong):
        wanted = [(face, image, number, key) for face, image in chunk for number, key in missing(face)]
        seen = [look_at(image, face_view(number, face.digest)) for face, image, number, _ in wanted]
        fresh: dict[str, dict[str, np.ndarray]] = {}
        for (face, _, _, key), row in zip(wanted, encoder.encode(seen), strict=True):
            fresh.setdefault(face.digest, {})[key] = row
        for face, image in chunk:
            old = entries.get(face.digest) or Entry(perceptual_hash(image), {})
            entries[face.digest] = Entry(old.hash, {**old.rows, **fresh.get(face.digest, {})})
            cache.write(face.digest, entries[face.digest])
        computed += len(wanted)
        progress(computed, total)
    readable = [face for face in faces if not missing(face)]
    rows = np.zeros((len(readable), len(views), encoder.size), np.float16)
    for place, face in enumerate(readable):
        rows[place] = [entries[face.digest].rows[key] for key in keys[face.digest]]
    hashes = np.array([entries[face.digest].hash for face in readable], np.uint64)
    return Rows(readable, hashes, rows, problems, computed)
