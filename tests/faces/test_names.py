"""Whoever names faces: a face classifier or a detector, by what the folder holds."""

from pathlib import Path

import numpy as np
import pytest

from faces.backbone import open_backbone
from faces.classifier import FaceClassifier, Head, Judgement
from faces.encoder import FaceEncoder
from faces.names import ClassifierNames, DetectorNames, open_names
from tests.drawn_faces import HAIR, drawn_face, write_vgg

DETECTOR = Path(__file__).parents[2] / "checkpoints" / "drawn_lite"


def test_a_classifier_names_faces_and_leaves_strangers_without(tmp_path, rng):
    backbone = open_backbone("vgg16", str(write_vgg(tmp_path / "v.npz", rng)), image_size=32, strides=(4,))
    encoder = FaceEncoder(backbone, 1)
    head = Head(rng.normal(size=(encoder.size, 4)).astype(np.float32) * 9, np.zeros(4, np.float32))
    faces = [drawn_face(hair, rng) for hair in HAIR.values()]
    FaceClassifier(tuple(HAIR), encoder, head, Judgement()).save(tmp_path / "all")
    FaceClassifier(tuple(HAIR), encoder, head, Judgement(1.0, "gap", 1e9)).save(tmp_path / "none")
    namer = open_names(tmp_path / "all")
    assert isinstance(namer, ClassifierNames)
    said = namer.names_of(faces)
    assert {one.name for one in said} <= set(HAIR)
    assert all(0.25 <= one.score <= 1 for one in said)
    assert [one.name for one in open_names(tmp_path / "none").names_of(faces)] == [""] * 4


def test_a_detector_is_opened_as_one(tmp_path):
    assert isinstance(open_names(DETECTOR), DetectorNames)
    with pytest.raises(ValueError, match="does not exist"):
        open_names(tmp_path / "gone")
