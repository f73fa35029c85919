"""False detections where nobody is: counted, told apart, and what "unknown" would change."""

import numpy as np
import pytest
from PIL import Image

from boxes.detections import Detections
from engine.average_precision import GroundTruth
from engine.evaluation import Evaluation
from engine.measures.strangers import (
    StrangerDetections,
    detect_strangers,
    find_pictures,
    measure_strangers,
    pictures_without_objects,
)
from nets.thresholds import Thresholds
from tests.engine.by_hand import evaluated
from tests.engine.colour_network import NETWORK, picture

A = (0.0, 0.0, 0.5, 0.5)


def detected(*rows) -> Detections:
    """From (name, score, gap) rows."""
    scores, gap = (np.array([row[i] for row in rows], "f") for i in (1, 2))
    boxes = np.array([A] * len(rows), "f").reshape(-1, 4)
    return Detections(boxes, scores, tuple(row[0] for row in rows), gap)


@pytest.fixture
def measured() -> Evaluation:
    """Three objects that are found, and two pictures without any."""
    marked = GroundTruth(np.array([A], "f"), ("a",))
    nobody = GroundTruth(np.zeros((0, 4), "f"), ())
    return evaluated(
        [detected(("a", 0.9, 5)), detected(("a", 0.8, 4)), detected(("a", 0.7, 1)), detected(("a", 0.6, 2)),
         detected()],
        [marked, marked, marked, nobody, nobody],
    )  # fmt: skip


def test_counts_by_hand(measured):
    strangers = StrangerDetections(
        ("x", "y", "z"), (detected(("b", 0.95, 3), ("a", 0.55, 0.5), ("a", 0.1, 9)), detected(), detected())
    )
    result = measure_strangers(strangers, measured, Thresholds(0.5, {"b": 0.9}, {"gap": 1.0}))
    assert (result.pictures, result.false_detections, result.pictures_with_any) == (3, 2, 1)
    assert result.per_picture == pytest.approx(2 / 3)
    assert result.share_with_any == pytest.approx(1 / 3)
    assert result.by_name == {"b": 1, "a": 1}
    assert [(name, found.names) for name, found in result.worst] == [("x", ("b", "a"))]
    assert result.right_detections == 3
    # scores 0.9, 0.8, 0.7 against 0.95, 0.55; gaps 5, 4, 1 against 3, 0.5
    assert result.auroc["score"] == pytest.approx(3 / 6)
    assert result.auroc["gap"] == pytest.approx(5 / 6)
    answer = result.unknown
    assert answer is not None
    assert (answer.false_detections, answer.pictures_with_any) == (1, 1)
    assert answer.right_kept == 1


def test_pictures_on_which_nobody_is_marked(measured):
    empty = pictures_without_objects(measured)
    assert empty is not None
    assert empty.filenames == ("3.jpg", "4.jpg")
    result = measure_strangers(empty, measured, Thresholds())
    assert (result.pictures, result.false_detections) == (2, 1)
    assert result.unknown is None
    marked = measured.ground_truths[0]
    assert pictures_without_objects(evaluated([detected(("a", 0.9, 1))], [marked])) is None


def test_a_folder_of_pictures(tmp_path):
    """One picture on which the network sees somebody, one empty, one damaged, one hidden, one no picture."""
    (tmp_path / "series").mkdir()
    seen, empty = picture((1, 0.9), (0, 0), (0, 0), (0, 0)), picture((0, 0), (0, 0), (0, 0), (0, 0))
    Image.fromarray(seen).save(tmp_path / "series" / "千.png")
    Image.fromarray(empty).save(tmp_path / "b.png")
    Image.fromarray(empty).save(tmp_path / ".hidden.png")
    (tmp_path / "c.jpg").write_bytes(b"no picture")
    (tmp_path / "d.txt").write_text("text")
    steps = []
    found = detect_strangers(
        NETWORK.build(3), NETWORK, ["a", "b"], tmp_path, batch_size=4, progress=lambda *s: steps.append(s)
    )
    assert found.filenames == ("b.png", "series/千.png")
    assert [name for name, _ in found.unreadable] == ["c.jpg"]
    assert [len(one.above(0.5)) for one in found.detections] == [0, 1]
    assert np.asarray(found.detections[1].evidence).shape == found.detections[1].scores.shape
    assert steps[-1] == ("Strangers", 3, 3)


def test_folders_without_pictures_are_said(tmp_path):
    with pytest.raises(ValueError, match="there is no such folder"):
        find_pictures(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no picture in it.*show none of the characters"):
        find_pictures(tmp_path)
