"""Whoever names faces: a face classifier or a detector, by what the folder holds."""

from pathlib import Path

import numpy as np
import pytest

from datasets.pictures import read_picture
from datasets.voc import read_xml
from faces.backbone import open_backbone
from faces.classifier import FaceClassifier, Head, Judgement
from faces.encoder import FaceEncoder
from faces.names import open_names
from preprocessing.crops import crop_around
from tests.drawn_faces import HAIR, drawn_face, write_vgg

ROOT = Path(__file__).parents[2]


def test_a_classifier_names_faces_and_leaves_strangers_without(tmp_path, rng):
    backbone = open_backbone("vgg16", str(write_vgg(tmp_path / "v.npz", rng)), image_size=32, strides=(4,))
    encoder = FaceEncoder(backbone, 1)
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
    said = open_names(ROOT / "checkpoints" / "drawn_lite")(faces)
    assert all(0 < score <= 1 for _, score in said)
    assert sum(one == name for (one, _), name in zip(said, names, strict=True)) >= 0.7 * len(names) > 5
    with pytest.raises(ValueError, match="does not exist"):
        open_names(tmp_path / "gone")
