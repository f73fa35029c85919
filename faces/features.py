"""Rows of many faces: what `nets.likeness` sees in each, from the cache where it is, else computed once.

The cache has one folder for each way of computing rows, one file for each face (its digest is the name).
Whatever changes, changes a name: nothing stale is ever found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.look_alikes import perceptual_hash
from datasets.pictures import PictureError, in_batches
from datasets.problems import Problem
from faces.classifier import FaceEncoder
from faces.folder import Face
from files.parallel import map_in_threads
from files.reading import read_arrays
from files.writing import write_arrays
from terminal.bars import Progress, silent

_AT_ONCE = 48  # faces in memory


# What is kept of a face: its perceptual hash, and its rows, float16 [2, D].
Entry = tuple[np.uint64, np.ndarray]


class FeatureCache:
    """Entries by digest of the face (32 hexadecimal digits), as one encoder makes them."""

    def __init__(self, folder: Path, encoder: FaceEncoder):
        """Opens or makes this encoder's folder in the folder for all."""
        self.encoder, self.folder = encoder, folder / encoder.way
        self.folder.mkdir(parents=True, exist_ok=True)

    def read(self, face: str) -> Entry | None:
        """What is there of a face; None where nothing is, or something damaged, which is then made anew."""
        path = self._path(face)
        if not path.is_file():
            return None
        try:
            arrays = read_arrays(path)
            rows, hashed = arrays["rows"], arrays["hash"]
        except (ValueError, KeyError, OSError):
            return None
        right = rows.shape == (2, self.encoder.size) and rows.dtype == np.float16
        right = right and hashed.dtype == np.uint64
        return (np.uint64(hashed[()]), rows) if right and hashed.shape == () else None

    def write(self, face: str, entry: Entry) -> None:
        """Keeps an entry; a crash leaves the old one."""
        path = self._path(face)
        path.parent.mkdir(exist_ok=True)
        write_arrays(path, {"hash": np.asarray(entry[0], np.uint64), "rows": entry[1]})

    def _path(self, face: str) -> Path:
        return self.folder / face[:2] / f"{face}.npz"


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of faces."""

    faces: list[Face]  # N that could be read
    hashes: np.ndarray  # uint64 [N], perceptual
    rows: np.ndarray  # float16 [N, 2, D]
    problems: list[Problem]  # of those that could not be read
    computed: int  # faces that were not in the cache


def face_rows(faces: Sequence[Face], cache: FeatureCache, *, progress: Progress = silent) -> Rows:
    """Rows of each face and its mirror image; what was not in the cache is put there."""
    kept = zip(faces, map_in_threads(lambda face: cache.read(face.digest), faces), strict=True)
    entries = {face.digest: entry for face, entry in kept if entry is not None}
    todo = list({face.digest: face for face in faces if face.digest not in entries}.values())

    def unreadable(face: Face, error: PictureError) -> None:
        problems.append(Problem(face.shown, face.name, error.kind, error.detail, error.action))

    problems: list[Problem] = []

    def encoded(pictures: list[np.ndarray]) -> list[np.ndarray]:
        return list(cache.encoder.encode(pictures))

    looked = in_batches(todo, Face.picture, encoded, batch_size=_AT_ONCE, unreadable=unreadable)
    for number, (face, picture, rows) in enumerate(looked, start=1):
        entries[face.digest] = perceptual_hash(picture), rows
        cache.write(face.digest, entries[face.digest])
        progress("looking", number + len(problems), len(todo))
    readable = [face for face in faces if face.digest in entries]
    found = [entries[face.digest] for face in readable]
    rows = np.array([rows for _, rows in found], np.float16).reshape(-1, 2, cache.encoder.size)
    hashes = np.array([bits for bits, _ in found], np.uint64)
    return Rows(readable, hashes, rows, problems, len(todo) - len(problems))
