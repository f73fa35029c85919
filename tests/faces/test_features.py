"""Rows come from the cache where they are there, and are the same as if they had been computed."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faces.features import Entry, FeatureCache, face_rows
from faces.folder import FaceOptions, read_faces
from tests.drawn_faces import small_encoder, write_faces

FACE = "0" * 31 + "1"
ENCODER: Any = SimpleNamespace(way=lambda: {"backbone": "vgg16", "weights": "abc"}, size=6)


def entry(rng) -> Entry:
    return Entry(np.uint64(2**63 + 5), {view: rng.normal(size=6).astype(np.float16) for view in "ab"})


@pytest.mark.parametrize("damage", ["short", "text", "pickle", "shape", "type", "infinite", "no hash"])
def test_damaged_entries_are_nothing(tmp_path, rng, damage):
    cache = FeatureCache(tmp_path, ENCODER)
    cache.write(FACE, entry(rng))
    (path,) = cache.folder.rglob(f"{FACE}.npz")
    arrays = dict(np.load(path))
    features = arrays["features"]
    changes = {
        "pickle": {"views": np.array([{}, {}], object)},
        "shape": {"features": features[:, :5]},
        "type": {"features": features.astype(np.float64)},
        "infinite": {"features": np.full_like(features, np.inf)},
    }
    if damage in changes:
        np.savez(path, allow_pickle=True, **{**arrays, **changes[damage]})
    elif damage == "no hash":
        np.savez(path, views=arrays["views"], features=features)
    else:
        path.write_bytes({"short": path.read_bytes()[:-40], "text": b"no zip"}[damage])
    assert cache.read(FACE) is None
    kept = entry(rng)
    cache.write(FACE, kept)
    found = FeatureCache(tmp_path, ENCODER).read(FACE)
    assert found is not None
    assert (found.hash, list(found.rows)) == (kept.hash, ["a", "b"])
    np.testing.assert_array_equal(found.rows["b"], kept.rows["b"])
    there = sorted(path.name for path in cache.folder.rglob("*.*"))
    assert there == [f"{FACE}.npz", "way.json"]  # nothing temporary stays


def test_only_what_is_missing_is_computed(tmp_path, rng):
    faces = read_faces(write_faces(tmp_path / "faces", rng, each=2), FaceOptions(), margin=0.1).faces
    cache = FeatureCache(tmp_path / "cache", small_encoder(tmp_path, rng))
    first = face_rows(faces, cache, (0, 1))
    assert (first.computed, first.rows.shape) == (16, (8, 2, 6))
    more = face_rows(faces, cache, (0, 1, 2))
    assert more.computed == 8
    assert (more.rows[:, :2] == first.rows).all()
    assert face_rows(faces, cache, (2, 0)).computed == 0
    assert (face_rows(faces, cache, (2, 0)).rows[:, 1] == first.rows[:, 0]).all()
    # A changed picture is another face; a broken one is told and left out.
    faces[0].path.write_bytes(faces[5].path.read_bytes() + b" ")
    faces[1].path.write_bytes(b"broken")
    again = read_faces(tmp_path / "faces", FaceOptions(), margin=0.1).faces
    found = face_rows(again, cache, (0,))
    assert found.computed == 1
    assert [problem.kind for problem in found.problems] == ["not a picture"]
    assert len(found.faces) == len(found.rows) == len(found.hashes) == 7


def test_another_size_or_pooling_is_another_way(tmp_path, rng):
    others = [{}, {"size": 64}, {"strides": (8,)}, {"cells": 2}]
    encoders = [small_encoder(tmp_path, np.random.default_rng(1), **other) for other in others]
    assert len({FeatureCache(tmp_path / "cache", encoder).folder for encoder in encoders}) == 4
