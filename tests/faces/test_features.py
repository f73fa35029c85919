"""Rows come from the cache where they are there, and are the same as if they had been computed."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faces.classifier import FaceEncoder
from faces.features import Entry, FeatureCache, face_rows
from faces.folder import FaceOptions, read_faces
from tests.drawn_faces import write_faces

FACE = "0" * 31 + "1"
ENCODER: Any = SimpleNamespace(
    way="2_96_abc",
    size=6,
    encode=lambda faces: np.stack([np.full((2, 6), face.mean(), np.float16) for face in faces]),
)


def entry(rng) -> Entry:
    return np.uint64(2**63 + 5), rng.normal(size=(2, 6)).astype(np.float16)


@pytest.mark.parametrize("damage", ["short", "text", "pickle", "shape", "type", "infinite", "no hash"])
def test_damaged_entries_are_nothing(tmp_path, rng, damage):
    cache = FeatureCache(tmp_path, ENCODER)
    cache.write(FACE, entry(rng))
    (path,) = cache.folder.rglob(f"{FACE}.npz")
    arrays = dict(np.load(path))
    rows = arrays["rows"]
    changes = {
        "pickle": {"rows": np.array([{}, {}], object)},
        "shape": {"rows": rows[:, :5]},
        "type": {"rows": rows.astype(np.float64)},
        "infinite": {"rows": np.full_like(rows, np.inf)},
    }
    if damage in changes:
        np.savez(path, allow_pickle=True, **{**arrays, **changes[damage]})
    elif damage == "no hash":
        np.savez(path, rows=rows)
    else:
        path.write_bytes({"short": path.read_bytes()[:-40], "text": b"no zip"}[damage])
    assert cache.read(FACE) is None
    kept = entry(rng)
    cache.write(FACE, kept)
    found = FeatureCache(tmp_path, ENCODER).read(FACE)
    assert found is not None
    assert found[0] == kept[0]
    np.testing.assert_array_equal(found[1], kept[1])
    there = sorted(path.name for path in cache.folder.rglob("*.*"))
    assert there == [f"{FACE}.npz"]  # nothing temporary stays


def test_only_what_is_missing_is_computed(tmp_path, rng):
    faces = read_faces(write_faces(tmp_path / "faces", rng, each=2), FaceOptions(), margin=0.1).faces
    cache = FeatureCache(tmp_path / "cache", ENCODER)
    first = face_rows(faces[:6], cache)
    assert (first.computed, first.rows.shape) == (6, (6, 2, 6))
    more = face_rows(faces, cache)
    assert more.computed == 2
    assert (more.rows[:6] == first.rows).all()
    # A changed picture is another face; a broken one is told and left out.
    faces[0].path.write_bytes(faces[5].path.read_bytes() + b" ")
    faces[1].path.write_bytes(b"broken")
    again = read_faces(tmp_path / "faces", FaceOptions(), margin=0.1).faces
    found = face_rows(again, cache)
    assert found.computed == 1
    assert [problem.kind for problem in found.problems] == ["not a picture"]
    assert len(found.faces) == len(found.rows) == len(found.hashes) == 7


def test_a_face_and_its_mirror_image_change_places(rng):
    face = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
    rows = FaceEncoder().encode([face, np.ascontiguousarray(face[:, ::-1])])
    np.testing.assert_array_equal(rows[0], rows[1][::-1])
    assert not np.array_equal(rows[0], rows[1])
