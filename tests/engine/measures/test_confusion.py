"""The confusion matrix against pictures counted by hand."""

import numpy as np
import pytest

from boxes.detections import Detections
from engine.average_precision import GroundTruth
from engine.measures.confusion import confusion_matrix, pair
from tests.engine.by_hand import detected, marked

A, B, C = (0.0, 0.0, 0.4, 0.4), (0.0, 0.5, 0.4, 0.9), (0.5, 0.0, 0.9, 0.4)


def test_counts_by_hand():
    truths = [
        marked(("える", A), ("奉太郎", B)),  # the first taken for the second, the second found
        marked(("える", A)),  # missed; something is seen where nothing is
        marked(),  # a picture without objects, one detection below the threshold
    ]
    found = [
        detected(("奉太郎", 0.9, A), ("奉太郎", 0.8, B)),
        detected(("奉太郎", 0.9, C)),
        detected(("える", 0.4, A)),
    ]
    confusion = confusion_matrix(found, truths, ["える", "奉太郎"], score_threshold=0.5)
    assert confusion.names == ("える", "奉太郎")
    np.testing.assert_array_equal(
        confusion.counts,
        [
            [0, 1, 1],  # える: taken for 奉太郎 once, missed once
            [0, 1, 0],
            [0, 1, 0],  # background taken for 奉太郎
        ],
    )


def test_every_object_and_every_detection_is_counted_once():
    seed = 3
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(20):
        corners = rng.uniform(0, 0.6, (2, 4, 2))
        boxes = np.concatenate([corners, corners + 0.3], -1).astype(np.float32)
        names = rng.choice(["a", "b", "c"], (2, 4)).tolist()
        truths.append(GroundTruth(boxes[0], tuple(names[0])))
        found.append(Detections(boxes[1], np.sort(rng.random(4).astype(np.float32))[::-1], tuple(names[1])))
    confusion = confusion_matrix(found, truths, ["a", "b", "c"], score_threshold=0.3)
    assert confusion.counts[:3, :3].sum() > 0
    for i, name in enumerate("abc"):
        assert confusion.counts[i].sum() == sum(truth.names.count(name) for truth in truths)
        assert confusion.counts[:, i].sum() == sum(part.above(0.3).names.count(name) for part in found)
    assert confusion.counts[3, 3] == 0


def test_second_detection_of_an_object_is_background():
    confusion = confusion_matrix(
        [detected(("a", 0.9, A), ("b", 0.8, A))], [marked(("a", A))], "ab", score_threshold=0.5
    )
    np.testing.assert_array_equal(confusion.counts, [[1, 0, 0], [0, 0, 0], [0, 1, 0]])


def test_difficult_objects_are_neither_missed_nor_found():
    truths = [marked(("a", A, "difficult"), ("a", B, "difficult"), ("a", C))]
    found = [detected(("a", 0.9, A), ("b", 0.8, A), ("a", 0.7, C))]
    confusion = confusion_matrix(found, truths, "ab", score_threshold=0.5)
    np.testing.assert_array_equal(confusion.counts, [[1, 0, 0], [0, 0, 0], [0, 0, 0]])


def test_better_detection_chooses_first_and_others_take_what_is_free():
    overlap = np.array([[0.9, 0.6], [0.8, 0.7], [0.55, 0.9]])
    assert pair(overlap, np.array([False, False])).tolist() == [0, 1, -1]
    assert pair(overlap, np.array([True, False])).tolist() == [1, 0, 0]
    assert pair(np.zeros((2, 0)), np.zeros(0, bool)).tolist() == [-1, -1]


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no row for 'b'"):
        confusion_matrix([detected(("b", 0.9, A))], [marked(("a", A))], ["a"], score_threshold=0.5)
