"""What faces are sorted by: names of a classifier or of a detector, and likeness."""

import numpy as np
import pytest

from boxes.pixels import crop_around
from datasets.annotations import ReadOptions, read_folder
from datasets.pictures import read_picture
from faces import sorting
from faces.classifier import FaceClassifier, Head, Judgement
from faces.sorting import alike_groups, combine, open_features, open_names
from tests.conftest import ROOT
from tests.drawn_faces import HAIR, drawn_face, small_encoder, write_vgg

DETECTOR = ROOT / "checkpoints" / "drawn_lite"


def test_a_classifier_names_faces_and_leaves_strangers_without(tmp_path, rng):
    encoder = small_encoder(tmp_path, rng)
    head = Head(rng.normal(size=(encoder.size, 4)).astype(np.float32) * 9, np.zeros(4, np.float32))
    faces = [drawn_face(hair, rng) for hair in HAIR.values()]
    FaceClassifier(tuple(HAIR), encoder, head, Judgement()).save(tmp_path / "all")
    FaceClassifier(tuple(HAIR), encoder, head, Judgement(1.0, 1e9)).save(tmp_path / "none")
    for name, score in open_names(tmp_path / "all")(faces):
        assert name in HAIR
        assert 0.25 <= score <= 1
    assert [name for name, _ in open_names(tmp_path / "none")(faces)] == [""] * 4


@pytest.mark.slow
def test_a_detector_names_drawn_heads(tmp_path):
    faces, names = [], []
    for one in read_folder(ROOT / "demo", ReadOptions()).annotations:
        image = read_picture(one.path)
        faces += [crop_around(image, box, 0.1)[0] for box in one.boxes]
        names += one.names
    said = open_names(DETECTOR)(faces)
    assert all(0 < score <= 1 for _, score in said)
    assert sum(one == name for (one, _), name in zip(said, names, strict=True)) >= 0.7 * len(names) > 5
    with pytest.raises(ValueError, match="does not exist"):
        open_names(tmp_path / "gone")


def test_faces_with_the_same_hair_are_alike(rng):
    images = [drawn_face(list(HAIR.values())[i % 4], rng) for i in range(40)]
    groups = alike_groups(combine(open_features(None)(images)), 8)
    together = sum(np.bincount(np.arange(40)[groups == group] % 4).max() for group in range(8))
    assert together >= 36  # of 200 seeds none gave less


def test_features_of_odd_pictures_are_finite():
    images = [np.zeros((1, 1, 3), np.uint8), np.full((500, 3, 3), 255, np.uint8)]
    features = open_features(None)(images)
    assert all(np.isfinite(kind).all() for one in features for kind in one)
    assert np.isfinite(combine(features)).all()
    assert len(combine(features[:1])) == 1


def test_each_kind_of_feature_has_its_say(rng):
    large = rng.normal(size=(30, 10))
    large /= np.linalg.norm(large, axis=1, keepdims=True)
    narrow = np.ones((30, 4)) / 2 + 1e-3 * rng.normal(size=(30, 4))  # all nearly alike
    combined = combine(list(zip(large, narrow, strict=True)))
    first, second = combined[:, :10], combined[:, 10:]
    assert (first**2).sum() == pytest.approx((second**2).sum(), rel=0.05)


@pytest.mark.slow
def test_layers_of_networks_add_to_colours_and_outlines(tmp_path, rng):
    """Of a VGG in a file, and of the shipped detector of the drawn characters."""
    images = [drawn_face(HAIR["ao"], rng) for _ in range(3)]
    features_of = open_features(write_vgg(tmp_path / "vgg.npz", rng, width=4, blocks=4))
    features = features_of(images)
    assert [tuple(map(len, one)) for one in features] == [(144, 900, 4, 4)] * 3
    np.testing.assert_allclose(np.linalg.norm(features[0][2]), 1, rtol=1e-3)
    np.testing.assert_allclose(features_of(images[1:2])[0][3], features[1][3], atol=1e-3)
    assert [len(one) for one in open_features(DETECTOR)(images)] == [4, 4, 4]
    with pytest.raises(ValueError, match="is not a checkpoint folder"):
        open_features(tmp_path)


@pytest.mark.parametrize(
    ("points", "groups"),
    [
        ([[0.0], [0.1], [9.0], [0.2], [5.0], [5.1]], [0, 0, 2, 0, 1, 1]),
        (np.zeros((5, 2)), [0] * 5),
        (np.repeat(np.eye(3), 4, axis=0), [0] * 4 + [1] * 4 + [2] * 4),
    ],
)
def test_the_largest_group_comes_first(points, groups):
    assert alike_groups(np.array(points), max(groups) + 1).tolist() == groups
    assert sorted(alike_groups(np.zeros((5, 2)), 5).tolist()) == [0, 1, 2, 3, 4]


def test_impossible_numbers_are_named(monkeypatch):
    with pytest.raises(ValueError, match="5 faces cannot make 6 groups; ask for 1 to 5"):
        alike_groups(np.zeros((5, 2)), 6)
    monkeypatch.setattr(sorting, "MOST_FACES", 4)
    with pytest.raises(ValueError, match="5 faces are too many to compare at once, at most 4"):
        alike_groups(np.zeros((5, 2)), 2)
