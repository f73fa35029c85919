"""Features of faces, kept on disk, so that they are computed once.

One folder for each way of computing them (network, its weights, size, pooling), one file for each face (its
digest is the name), one row for each view. Whatever changes, changes a name: nothing stale is ever found.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from files.arrays import read_arrays, write_arrays
from files.writing import write_json

_DIGITS = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, eq=False)
class Entry:
    """What is known of one face.

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
        if not right or features.shape != (len(views), self._size) or hashed.shape != ():
            return None
        if not np.isfinite(features).all():
            return None
        return Entry(np.uint64(hashed[()]), dict(zip(map(str, views), features, strict=True)))

    def write(self, face: str, entry: Entry) -> None:
        """Keeps an entry; a crash leaves the old one."""
        path = self._path(face)
        path.parent.mkdir(exist_ok=True)
        write_arrays(
            path,
            {
                "hash": np.asarray(entry.hash, np.uint64),
                "views": np.array(list(entry.rows), str),
                "features": np.stack(list(entry.rows.values())).astype(np.float16),
            },
        )

    def _path(self, face: str) -> Path:
        if not _DIGITS.fullmatch(face):
            raise ValueError(f"{face!r} is no digest of a face: 32 hexadecimal digits are expected")
        return self.folder / face[:2] / f"{face}.npz"
