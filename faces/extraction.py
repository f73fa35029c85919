"""Rows of many faces, from the cache where they are there, computed once where not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from datasets.look_alikes import perceptual_hash
from datasets.pictures import PictureError, read_picture
from datasets.problems import Problem
from faces.cache import Entry, FeatureCache
from faces.encoder import FaceEncoder
from faces.folder import Face
from faces.views import face_view, look_at
from files.threads import map_in_threads
from preprocessing.crops import crop_around

_CHUNK = 48  # faces in memory at once
Progressed = Callable[[int, int], None]


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
    seed: int,
    margin: float,
    max_pixels: int,
    progress: Progressed = lambda done, total: None,
) -> Rows:
    """Rows of some views of each face.

    Args:
        faces: whose.
        encoder: computes what is missing.
        cache: of this encoder; what is computed is put there.
        views: numbers of views, see `faces.views`.
        seed: of views that are drawn.
        margin: around boxes.
        max_pixels: larger pictures are refused.
        progress: called with rows done and all.
    """
    keys = {face.digest: [face_view(n, seed=seed, face=face.digest).key() for n in views] for face in faces}
    entries: dict[str, Entry] = {}
    for face, entry in zip(faces, map_in_threads(lambda face: cache.read(face.digest), faces), strict=True):
        if entry is not None:
            entries[face.digest] = entry
    missing = [face for face in faces if not _complete(entries.get(face.digest), keys[face.digest])]
    problems: list[Problem] = []
    computed, total = 0, sum(len(keys[face.digest]) for face in missing)
    for chunk in _read(missing, margin, max_pixels, problems):
        wanted: list[tuple[str, str]] = []
        pictures: list[np.ndarray] = []
        for face, image in chunk:
            there = entries.get(face.digest)
            for number, key in zip(views, keys[face.digest], strict=True):
                if there is None or key not in there.rows:
                    wanted.append((face.digest, key))
                    pictures.append(look_at(image, face_view(number, seed=seed, face=face.digest)))
        fresh: dict[str, dict[str, np.ndarray]] = {}
        for (digest, key), row in zip(wanted, encoder.encode(pictures), strict=True):
            fresh.setdefault(digest, {})[key] = row
        for face, image in chunk:
            there = entries.get(face.digest)
            hashed = perceptual_hash(image) if there is None else there.hash
            kept = {} if there is None else dict(there.rows)
            entries[face.digest] = Entry(hashed, kept | fresh.get(face.digest, {}))
            cache.write(face.digest, entries[face.digest])
        computed += len(wanted)
        progress(computed, total)
    readable = [face for face in faces if _complete(entries.get(face.digest), keys[face.digest])]
    rows = np.zeros((len(readable), len(views), encoder.size), np.float16)
    for place, face in enumerate(readable):
        rows[place] = [entries[face.digest].rows[key] for key in keys[face.digest]]
    hashes = np.array([entries[face.digest].hash for face in readable], np.uint64)
    return Rows(readable, hashes, rows, problems, computed)


def _complete(entry: Entry | None, keys: Sequence[str]) -> bool:
    return entry is not None and all(key in entry.rows for key in keys)


def _read(
    faces: Sequence[Face], margin: float, max_pixels: int, problems: list[Problem]
) -> Iterator[list[tuple[Face, np.ndarray]]]:
    def read(face: Face) -> np.ndarray | Problem:
        try:
            return crop_face(face, margin, max_pixels)
        except PictureError as error:
            return Problem(face.shown, face.name, error.kind, error.detail, error.action)

    for start in range(0, len(faces), _CHUNK):
        chunk = []
        some = faces[start : start + _CHUNK]
        for face, image in zip(some, map_in_threads(read, some), strict=True):
            if isinstance(image, Problem):
                problems.append(image)
            else:
                chunk.append((face, image))
        if chunk:
            yield chunk
