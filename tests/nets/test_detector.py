from dataclasses import asdict

import numpy as np
import pytest

import nets
from boxes.detections import Detections
from files.writing import write_json
from nets.detector import Detector
from nets.postprocess import Look
from nets.saving import model_weights, write_checkpoint
from nets.thresholds import Thresholds, evidence, read_thresholds
from tests.conftest import tables
from tests.engine.conftest import TINY


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(nets.NETWORKS, TINY.name, TINY)


def written(folder, labels):
    weights = model_weights(TINY.build(len(labels) + 1))
    write_checkpoint(folder, labels=labels, config={"model_name": TINY.name}, weights=weights)
    return folder


@pytest.fixture
def detector(tmp_path, tiny):
    return Detector.load(written(tmp_path, ["千反田える", "Mira"]))


def test_names_boxes_and_scores_of_pictures_of_any_size(detector):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((40, 90), (512, 512))]
    batch = detector.detect_batch(pictures, score_threshold=0.01)
    assert len(batch) == 2
    for found in batch:
        assert set(found.names) <= {"千反田える", "Mira"}
        assert (np.diff(found.scores) <= 0).all()
        assert found.boxes.min(initial=0.0) >= 0.0
        assert found.boxes.max(initial=1.0) <= 1.0
    alone = detector.detect(pictures[1], score_threshold=0.01)
    np.testing.assert_allclose(alone.scores, batch[1].scores, atol=1e-5)


def test_a_float_picture_is_refused_and_no_picture_has_no_detections(detector):
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 3\]"):
        detector.detect(np.zeros((30, 30, 3), np.float32))
    assert detector.detect_batch([]) == detector.look([]) == []


ANCHORS = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.4], [0.5, 0.5, 1.0, 1.0]], "f")
PROBABILITIES = np.array([[0.2, 0.7, 0.1], [0.9, 0.0, 0.1], [0.1, 0.1, 0.8]], "f")


def look(*found: tuple[str, float, int, bool, float]) -> Look:
    """From (name, score, anchor, best of its head, gap) rows, best first."""
    names, scores, anchors, best, gaps = zip(*found, strict=True) if found else ((),) * 5
    at = np.array(anchors, int)
    detections = Detections(ANCHORS[at], np.array(scores, "f"), tuple(names), np.array(gaps, "f"))
    return Look(detections, np.array(best, bool), at, ANCHORS, PROBABILITIES, PROBABILITIES)


@pytest.fixture
def judged(detector, monkeypatch):
    """The detector with four given detections in place of the network's."""
    seen = look(
        ("Mira", 0.8, 0, True, 4), ("千反田える", 0.6, 2, True, 0.5), ("Mira", 0.55, 2, False, 0.5),
        ("千反田える", 0.3, 1, True, 0.5),
    )  # fmt: skip
    monkeypatch.setattr(detector, "look", lambda images: [seen])
    monkeypatch.setattr(detector, "thresholds", Thresholds(0.5, {"Mira": 0.9, "千反田える": 0.2}))
    return detector


PICTURE = np.zeros((30, 30, 3), np.uint8)


def test_each_name_has_its_threshold_and_a_number_overrides(judged):
    assert judged.detect(PICTURE).names == ("千反田える", "千反田える")
    assert judged.detect(PICTURE, score_threshold=0.7).names == ("Mira",)
    assert len(judged.detect(PICTURE, score_threshold=0.0)) == 3
    (everything,) = judged.detect_batch([PICTURE], score_threshold=0.0, all_names=True)
    assert everything.names == ("Mira", "千反田える", "Mira", "千反田える")


def test_unknown_is_answered_on_request(judged, monkeypatch):
    monkeypatch.setattr(judged, "unknown", 1.0)
    assert judged.detect(PICTURE, score_threshold=0.5).names == ("Mira", "unknown")


@pytest.mark.tensorflow_only  # files and names, which no backend changes
def test_thresholds_travel_in_the_checkpoint_and_go_with_its_weights(tmp_path):
    written(tmp_path, ["Mira"])
    assert Detector.load(tmp_path).thresholds == Thresholds()
    with pytest.raises(ValueError, match="cannot tell unknown characters"):
        Detector.load(tmp_path, unknown=True)
    chosen = Thresholds(0.4, {"Mira": 0.3}, {"gap": 1.5}, {"split": "validation"})
    write_json(tmp_path / "thresholds.json", asdict(chosen))
    detector = Detector.load(tmp_path, unknown=True)
    assert (detector.thresholds, detector.unknown) == (chosen, 1.5)
    assert Detector.load(tmp_path).unknown is None
    detector.detect(PICTURE)  # the graph with evidence
    written(tmp_path, ["Mira"])
    assert Detector.load(tmp_path).thresholds == Thresholds()


@pytest.mark.parametrize("text", tables(__file__)["no_thresholds"])
def test_what_is_no_threshold_is_refused(text, tmp_path):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(ValueError, match=r"t\.json (does not hold|is damaged).*tools\.training_report"):
        read_thresholds(tmp_path / "t.json")


def test_evidence_by_hand():
    values = evidence(np.array([[9.0, 3.0, 1.0], [0.0, -2.0, -2.0]], "f"))
    assert values == pytest.approx([2, 0])  # background, first, has no say
    alone = evidence(np.array([[5.0, 3.0]], "f"))  # a detector of one name
    assert float(alone[0]) == pytest.approx(3)
