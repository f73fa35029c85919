import numpy as np
import pytest

from nets import get_network
from nets.checkpoint import model_weights, write_checkpoint
from nets.detector import Detector, named_detections


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
