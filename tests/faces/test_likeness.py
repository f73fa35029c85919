from pathlib import Path

import numpy as np
import pytest

from faces import likeness
from faces.likeness import alike_groups, colours_and_outlines, combine, features_of_backbone
from tests.drawn_faces import HAIR, drawn_face, write_vgg


def test_faces_with_the_same_hair_are_alike(rng):
    images = [drawn_face(list(HAIR.values())[i % 4], rng) for i in range(40)]
    points = combine(colours_and_outlines(images))
    groups = alike_groups(points, 8)
    assert all(len(set((np.flatnonzero(groups == group) % 4).tolist())) == 1 for group in range(8))


def test_features_of_odd_pictures_are_finite():
    images = [np.zeros((1, 1, 3), np.uint8), np.full((500, 3, 3), 255, np.uint8)]
    for block in colours_and_outlines(images):
        assert block.shape[0] == 2
        assert np.isfinite(block).all()
    assert np.isfinite(combine(colours_and_outlines(images))).all()
    assert combine(colours_and_outlines(images[:1])).shape[0] == 1


def test_each_kind_of_feature_has_its_say(rng):
    large, small = rng.normal(size=(30, 10)), 1e-4 * rng.normal(size=(30, 10))
    for block in (large, small):
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    narrow = np.ones((30, 4)) / 2 + 1e-3 * rng.normal(size=(30, 4))  # all nearly alike
    combined = combine([large, narrow])
    first, second = combined[:, :10], combined[:, 10:]
    assert (first**2).sum() == pytest.approx((second**2).sum(), rel=0.05)


def test_layers_of_vgg(tmp_path, rng):
    features_of = features_of_backbone(write_vgg(tmp_path / "vgg.npz", rng, width=4, blocks=4))
    images = [drawn_face(HAIR["ao"], rng) for _ in range(3)]
    blocks = features_of(images)
    assert [block.shape for block in blocks] == [(3, 4), (3, 4)]
    np.testing.assert_allclose(np.linalg.norm(blocks[0], axis=1), 1, rtol=1e-3)
    np.testing.assert_allclose(features_of(images[1:2])[1], blocks[1][1:2], atol=1e-3)


def test_layers_of_a_checkpoint(tmp_path, rng):
    """With the shipped detector of the drawn characters."""
    images = [drawn_face(HAIR["ao"], rng) for _ in range(2)]
    checkpoint = Path(__file__).parents[2] / "checkpoints" / "drawn_lite"
    assert [len(block) for block in features_of_backbone(checkpoint)(images)] == [2, 2]
    with pytest.raises(ValueError, match="is not a checkpoint folder"):
        features_of_backbone(tmp_path)


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
    monkeypatch.setattr(likeness, "MOST_FACES", 4)
    with pytest.raises(ValueError, match="5 faces are too many to compare at once, at most 4"):
        alike_groups(np.zeros((5, 2)), 2)
