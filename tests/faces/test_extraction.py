"""Rows come from the cache where they are there, and are the same as if they had been computed."""

from datasets.pictures import MAX_PIXELS
from faces.backbone import open_backbone
from faces.cache import FeatureCache
from faces.encoder import FaceEncoder, Pooling
from faces.extraction import face_rows
from faces.folder import FaceOptions, read_faces
from tests.drawn_faces import write_faces, write_vgg


def rows_of(faces, encoder, cache, views, seed=0):
    return face_rows(faces, encoder, cache, views=views, seed=seed, margin=0.1, max_pixels=MAX_PIXELS)


def test_only_what_is_missing_is_computed(tmp_path, rng):
    faces = read_faces(write_faces(tmp_path / "faces", rng, each=2), FaceOptions(), margin=0.1).faces
    backbone = open_backbone("vgg16", str(write_vgg(tmp_path / "v.npz", rng)), image_size=32, strides=(4,))
    encoder = FaceEncoder(backbone, Pooling(1, ("mean",)))
    cache = FeatureCache(tmp_path / "cache", encoder.way(), encoder.size)
    first = rows_of(faces, encoder, cache, (0, 1))
    assert (first.computed, first.rows.shape) == (16, (8, 2, 6))
    more = rows_of(faces, encoder, cache, (0, 1, 2))
    assert more.computed == 8
    assert (more.rows[:, :2] == first.rows).all()
    assert rows_of(faces, encoder, cache, (2, 0)).computed == 0
    assert (rows_of(faces, encoder, cache, (2, 0)).rows[:, 1] == first.rows[:, 0]).all()
    # Drawn views depend on the seed, the first two do not.
    assert rows_of(faces, encoder, cache, (0, 1, 2), seed=1).computed == 8
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
        encoder = FaceEncoder(
            open_backbone("vgg16", path, image_size=size, strides=strides), Pooling(cells, ("mean",))
        )
        ways.add(FeatureCache(tmp_path / "cache", encoder.way(), encoder.size).folder)
    assert len(ways) == 4
