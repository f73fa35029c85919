"""Rows come from the cache where they are there, and are the same as if they had been computed."""

import numpy as np
import pytest

from datasets.pictures import MAX_PIXELS
from faces.backbone import open_backbone
from faces.encoder import FaceEncoder
from faces.features import Entry, FeatureCache, face_rows
from faces.folder import FaceOptions, read_faces
from tests.drawn_faces import write_faces, write_vgg

FACE, OTHER = "0" * 31 + "1", "0" * 31 + "2"
WAY = {"backbone": "vgg16", "weights": "abc", "image_size": 32}


def entry(rng, views=("a", "b"), size=6) -> Entry:
    return Entry(np.uint64(2**63 + 5), {view: rng.normal(size=size).astype(np.float16) for view in views})


def test_what_was_kept_is_found(tmp_path, rng):
    cache, kept = FeatureCache(tmp_path, WAY, 6), entry(rng)
    cache.write(FACE, kept)
    found = FeatureCache(tmp_path, WAY, 6).read(FACE)
    assert found is not None
    assert found.hash == kept.hash
    assert list(found.rows) == ["a", "b"]
    np.testing.assert_array_equal(found.rows["b"], kept.rows["b"])
    assert cache.read(OTHER) is None


@pytest.mark.parametrize("damage", ["short", "text", "pickle", "shape", "type", "infinite", "no hash"])
def test_damaged_entries_are_nothing(tmp_path, rng, damage):
    cache = FeatureCache(tmp_path, WAY, 6)
    cache.write(FACE, entry(rng))
    (path,) = cache.folder.rglob(f"{FACE}.npz")
    arrays = dict(np.load(path))
    if damage == "short":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "text":
        path.write_text("no zip")
    else:
        if damage == "pickle":
            arrays["views"] = np.array([{}, {}], object)
        elif damage == "shape":
            arrays["features"] = arrays["features"][:, :5]
        elif damage == "type":
            arrays["features"] = arrays["features"].astype(np.float64)
        elif damage == "infinite":
            arrays["features"][0, 0] = np.inf
        else:
            del arrays["hash"]
        np.savez(path, allow_pickle=True, **arrays)
    assert cache.read(FACE) is None
    cache.write(FACE, entry(rng))
    assert cache.read(FACE) is not None


def test_no_temporary_file_stays_and_names_are_digests(tmp_path, rng):
    cache = FeatureCache(tmp_path, WAY, 6)
    cache.write(FACE, entry(rng))
    assert sorted(path.name for path in cache.folder.rglob("*") if path.is_file()) == [
        f"{FACE}.npz",
        "way.json",
    ]
    with pytest.raises(ValueError, match="is no digest of a face"):
        cache.read("../../x")


def rows_of(faces, encoder, cache, views):
    return face_rows(faces, encoder, cache, views=views, margin=0.1, max_pixels=MAX_PIXELS)


def test_only_what_is_missing_is_computed(tmp_path, rng):
    faces = read_faces(write_faces(tmp_path / "faces", rng, each=2), FaceOptions(), margin=0.1).faces
    backbone = open_backbone("vgg16", str(write_vgg(tmp_path / "v.npz", rng)), image_size=32, strides=(4,))
    encoder = FaceEncoder(backbone, 1)
    cache = FeatureCache(tmp_path / "cache", encoder.way(), encoder.size)
    first = rows_of(faces, encoder, cache, (0, 1))
    assert (first.computed, first.rows.shape) == (16, (8, 2, 6))
    more = rows_of(faces, encoder, cache, (0, 1, 2))
    assert more.computed == 8
    assert (more.rows[:, :2] == first.rows).all()
    assert rows_of(faces, encoder, cache, (2, 0)).computed == 0
    assert (rows_of(faces, encoder, cache, (2, 0)).rows[:, 1] == first.rows[:, 0]).all()
    # A changed picture is another face; a broken one is told and left out.
    faces[0].path.write_bytes(faces[5].path.read_bytes() + b" ")
    faces[1].path.write_bytes(b"broken")
    again = read_faces(tmp_path / "faces", FaceOptions(), margin=0.1).faces
    found = rows_of(again, encoder, cache, (0,))
    assert found.computed == 1
    assert [problem.kind for problem in found.problems] == ["not a picture"]
    assert len(found.faces) == len(found.rows) == len(found.hashes) == 7


def test_another_size_or_pooling_is_another_way(tmp_path, rng):
    path = str(write_vgg(tmp_path / "v.npz", rng))
    ways = set()
    for size, strides, cells in ((32, (4,), 1), (64, (4,), 1), (32, (8,), 1), (32, (4,), 2)):
        encoder = FaceEncoder(open_backbone("vgg16", path, image_size=size, strides=strides), cells)
        ways.add(FeatureCache(tmp_path / "cache", encoder.way(), encoder.size).folder)
    assert len(ways) == 4
