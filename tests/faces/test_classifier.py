import json

import numpy as np
import pytest

from faces.classifier import FaceClassifier, FaceEncoder, Head, Judgement, softmax
from files.writing import write_json
from tests.conftest import tables
from tests.drawn_faces import HAIR, drawn_face


@pytest.fixture
def classifier(rng) -> FaceClassifier:
    encoder = FaceEncoder()
    head = Head(rng.normal(size=(encoder.size, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32))
    return FaceClassifier(tuple(HAIR), encoder, head, Judgement(0.5, 0.3))


@pytest.fixture
def faces(rng) -> list[np.ndarray]:
    return [drawn_face(hair, rng) for hair in HAIR.values()] * 5


def test_what_is_saved_is_what_is_read(classifier, faces, tmp_path):
    folder = tmp_path / "run"
    classifier.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "weights.npz"]
    read = FaceClassifier.load(folder)
    np.testing.assert_array_equal(read.logits(faces), classifier.logits(faces))
    assert read.judgement == classifier.judgement
    assert read.names == tuple(HAIR)


def test_answers_are_sorted_and_sum_to_one(classifier, faces):
    answers = classifier.answers(faces)
    shares = softmax(classifier.logits(faces) / 0.5)
    for answer, row in zip(answers, shares, strict=True):
        assert sorted(answer.names) == sorted(HAIR)
        assert list(answer.probabilities) == sorted(row, reverse=True)
        assert answer.probabilities.sum() == pytest.approx(1)
        assert answer.name == (answer.names[0] if answer.known else "unknown")
    assert classifier.answers([]) == []
    known = classifier.judgement.evidence(classifier.logits(faces)) >= 0.3
    assert [answer.known for answer in answers] == known.tolist()


def test_a_mirror_image_gets_the_same_answer(classifier, faces):
    mirrored = [np.ascontiguousarray(face[:, ::-1]) for face in faces]
    np.testing.assert_allclose(classifier.logits(mirrored), classifier.logits(faces), atol=2e-3)


def test_boxes_are_cropped_with_their_margin(classifier, rng):
    image = rng.integers(0, 255, (80, 100, 3), dtype=np.uint8)
    box = np.array([0.25, 0.2, 0.75, 0.6])
    assert classifier.crop(image, box).shape == (52, 52, 3)  # 40 pixels and 15 % of them on each side


def test_evidence_decides_what_is_known():
    assert Judgement().evidence(np.zeros((0, 3))).shape == (0,)
    logits = np.array([[3.0, 1.0, 0.5]])
    assert Judgement().evidence(logits) == pytest.approx([2.0])
    assert Judgement(limit=2.5).known(logits).tolist() == [False]
    assert Judgement().known(logits).tolist() == [True]


@pytest.mark.parametrize(("values", "message"), tables(__file__)["changes"])
def test_a_changed_configuration_is_refused(classifier, tmp_path, values, message):
    classifier.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    for key, value in values.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) else value
    write_json(tmp_path / "config.json", config)
    with pytest.raises(ValueError, match=message):
        FaceClassifier.load(tmp_path)


def test_what_is_no_classifier_is_said(classifier, tmp_path):
    with pytest.raises(ValueError, match="is no folder of a face classifier"):
        FaceClassifier.load(tmp_path)
    classifier.save(tmp_path)
    weights = tmp_path / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"cannot be read as a NumPy \.npz"):
        FaceClassifier.load(tmp_path)
