"""What faces are sorted by: names of a classifier or of a detector, and likeness."""

import numpy as np
import pytest

from boxes.pixels import crop_around
from datasets.annotations import ReadOptions, read_folder
from datasets.pictures import read_picture
from faces import sorting
from faces.classifier import FaceClassifier, Head, Judgement
from faces.encoder import FaceEncoder
from faces.sorting import alike_groups, open_likeness, open_names
from tests.conftest import ROOT
from tests.drawn_faces import HAIR, drawn_face

DETECTOR = ROOT / "checkpoints" / "drawn_lite"


def test_a_classifier_names_faces_and_leaves_strangers_without(tmp_path, rng):
    encoder = FaceEncoder()
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
    groups = alike_groups(np.stack(open_likeness()(images)), 8)
    together = sum(np.bincount(np.arange(40)[groups == group] % 4).max() for group in range(8))
    assert together >= 36


def test_vectors_of_odd_pictures_are_finite():
    images = [np.zeros((1, 1, 3), np.uint8), np.full((500, 3, 3), 255, np.uint8)]
    assert np.isfinite(open_likeness()(images)).all()


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
