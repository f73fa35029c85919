"""What faces are sorted by: names of a classifier or of a detector, and likeness."""

from pathlib import Path

import numpy as np
import pytest

from datasets.pictures import read_picture
from datasets.voc import read_xml
from faces import sorting
from faces.classifier import FaceClassifier, Head, Judgement
from faces.sorting import alike_groups, colours_and_outlines, combine, open_features, open_names
from preprocessing.crops import crop_around
from tests.drawn_faces import HAIR, drawn_face, small_encoder, write_vgg

ROOT = Path(__file__).parents[2]
DETECTOR = ROOT / "checkpoints" / "drawn_lite"


def test_a_classifier_names_faces_and_leaves_strangers_without(tmp_path, rng):
    encoder = small_encoder(tmp_path, rng)
    head = Head(rng.normal(size=(encoder.size, 4)).astype(np.float32) * 9, np.zeros(4, np.float32))
    faces = [drawn_face(hair, rng) for hair in HAIR.values()]
    FaceClassifier(tuple(HAIR), encoder, head, Judgement()).save(tmp_path / "all")
    FaceClassifier(tuple(HAIR), encoder, head, Judgement(1.0, 1e9)).save(tmp_path / "none")
    said = open_names(tmp_path / "all")(faces)
    assert {name for name, _ in said} <= set(HAIR)
    assert all(0.25 <= score <= 1 for _, score in said)
    assert [name for name, _ in open_names(tmp_path / "none")(faces)] == [""] * 4


def test_a_detector_names_drawn_heads(tmp_path):
    faces, names = [], []
    for xml in sorted((ROOT / "demo").glob("*.xml")):
        raw, image = read_xml(xml), read_picture(xml.with_suffix(".jpg"))
        high, wide = image.shape[:2]
        for item in raw.objects:
            assert item.box is not None
            xmin, ymin, xmax, ymax = (float(value or 0) for value in item.box)
            box = np.array([ymin / high, xmin / wide, ymax / high, xmax / wide])
            faces.append(crop_around(image, box, 0.1)[0])
            names.append(item.name)
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
    for block in colours_and_outlines(images):
        assert block.shape[0] == 2
        assert np.isfinite(block).all()
    assert np.isfinite(combine(open_features(None)(images))).all()
    assert combine(open_features(None)(images[:1])).shape[0] == 1


def test_each_kind_of_feature_has_its_say(rng):
    large = rng.normal(size=(30, 10))
    large /= np.linalg.norm(large, axis=1, keepdims=True)
    narrow = np.ones((30, 4)) / 2 + 1e-3 * rng.normal(size=(30, 4))  # all nearly alike
    combined = combine(list(zip(large, narrow, strict=True)))
    first, second = combined[:, :10], combined[:, 10:]
    assert (first**2).sum() == pytest.approx((second**2).sum(), rel=0.05)


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


def test_the_largest_group_comes_first():
    points = np.array([[0.0], [0.1], [9.0], [0.2], [5.0], [5.1]])
    assert alike_groups(points, 3).tolist() == [0, 0, 2, 0, 1, 1]


def test_equal_points_are_one_group():
    assert alike_groups(np.zeros((5, 2)), 1).tolist() == [0] * 5
    assert sorted(alike_groups(np.zeros((5, 2)), 5).tolist()) == [0, 1, 2, 3, 4]
    assert alike_groups(np.repeat(np.eye(3), 4, axis=0), 3).tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_impossible_numbers_are_named(monkeypatch):
    with pytest.raises(ValueError, match="5 faces cannot make 6 groups; ask for 1 to 5"):
        alike_groups(np.zeros((5, 2)), 6)
    monkeypatch.setattr(sorting, "MOST_FACES", 4)
    with pytest.raises(ValueError, match="5 faces are too many to compare at once, at most 4"):
        alike_groups(np.zeros((5, 2)), 2)
