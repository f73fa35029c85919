import numpy as np
import pytest

from boxes.detections import Detections
from files.writing import write_json
from nets import get_network
from nets.checkpoint import model_weights, write_checkpoint
from nets.detector import Detector, named_detections
from nets.thresholds import Thresholds


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    model = get_network("ssd_300_lite").build(3)
    write_checkpoint(
        folder,
        labels=["千反田える", "Mira"],
        config={"model_name": "ssd_300_lite"},
        weights=model_weights(model),
    )
    return Detector.load(folder)


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


def test_no_pictures_no_detections(detector):
    assert detector.detect_batch([]) == []


def test_a_float_picture_is_refused(detector):
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 3\]"):
        detector.detect(np.zeros((30, 30, 3), np.float32))


def test_padding_is_left_out():
    selected = {
        "boxes": np.zeros((1, 3, 4), "f"),
        "scores": np.array([[0.9, 0.4, 0.0]], "f"),
        "classes": np.array([[2, 1, 0]]),
    }
    (found,) = named_detections(selected, ["a", "b"])
    assert found.names == ("b", "a")


@pytest.fixture
def judged(detector, monkeypatch):
    """The detector with three given detections in place of the network's."""
    found = Detections(
        np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 1, 1], [0, 0.6, 0.3, 1]], "f"),
        np.array([0.8, 0.6, 0.3], "f"),
        ("Mira", "千反田える", "千反田える"),
        {"gap": np.array([4.0, 0.5, 0.5], "f")},
    )
    monkeypatch.setattr("nets.detector.named_detections", lambda selected, labels: [found])
    monkeypatch.setattr(detector, "thresholds", Thresholds(0.5, {"Mira": 0.9, "千反田える": 0.2}))
    return detector


PICTURE = np.zeros((30, 30, 3), np.uint8)


def test_each_name_has_its_threshold_and_a_number_overrides(judged):
    assert judged.detect(PICTURE).names == ("千反田える", "千反田える")
    assert judged.detect(PICTURE, score_threshold=0.7).names == ("Mira",)
    assert len(judged.detect(PICTURE, score_threshold=0.0)) == 3


def test_unknown_is_answered_on_request(judged, monkeypatch):
    monkeypatch.setattr(judged, "unknown", 1.0)
    assert judged.detect(PICTURE, score_threshold=0.5).names == ("Mira", "unknown")


@pytest.mark.tensorflow_only  # files and names, which no backend changes
def test_thresholds_travel_in_the_checkpoint_and_go_with_its_weights(tmp_path):
    def write():
        weights = model_weights(get_network("ssd_300_lite").build(2))
        write_checkpoint(tmp_path, labels=["Mira"], config={"model_name": "ssd_300_lite"}, weights=weights)

    write()
    assert Detector.load(tmp_path).thresholds == Thresholds()
    with pytest.raises(ValueError, match="cannot tell unknown characters"):
        Detector.load(tmp_path, unknown=True)
    chosen = Thresholds(0.4, {"Mira": 0.3}, {"gap": 1.5})
    write_json(tmp_path / "thresholds.json", chosen.as_json())
    detector = Detector.load(tmp_path, unknown=True)
    assert (detector.thresholds, detector.unknown) == (chosen, 1.5)
    assert Detector.load(tmp_path).unknown is None
    detector.detect(PICTURE)  # the graph with evidence
    write()
    assert Detector.load(tmp_path).thresholds == Thresholds()
