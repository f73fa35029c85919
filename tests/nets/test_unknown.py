"""The rules that tell strangers, by hand, and what a detector answers by them."""

import numpy as np
import pytest
from keras import ops

from boxes.detections import Detections
from nets.postprocess import select_detections
from nets.unknown import RULES, UNKNOWN, evidence, name_unknowns


def test_rules_by_hand():
    values = evidence(np.array([[9.0, 3.0, 1.0], [0.0, -2.0, -2.0]], "f"))
    assert set(values) == set(RULES)
    numbers = {rule: np.asarray(ops.convert_to_numpy(value)) for rule, value in values.items()}
    assert numbers["max_logit"] == pytest.approx([3, -2])  # background, first, has no say
    assert numbers["gap"] == pytest.approx([2, 0])
    assert numbers["energy"] == pytest.approx([np.log(np.exp(3) + np.exp(1)), np.log(2) - 2])


def test_a_detector_of_one_name():
    values = evidence(np.array([[5.0, 3.0]], "f"))
    assert all(float(value[0]) == pytest.approx(3) for value in values.values())


def test_evidence_belongs_to_the_anchor_of_each_detection():
    anchors = np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0, 0.5, 0.4, 0.9]], "f")
    logits = np.array([[[0, 1, 0], [0, 0, 6], [0, 4, 1]]], "f")
    plain = select_detections(np.zeros((1, 3, 4), "f"), logits, anchors)
    found = select_detections(np.zeros((1, 3, 4), "f"), logits, anchors, with_evidence=True)
    assert set(found) == set(plain) | set(RULES)
    scores, gaps, classes = (ops.convert_to_numpy(found[k])[0] for k in ("scores", "gap", "classes"))
    np.testing.assert_allclose(scores, ops.convert_to_numpy(plain["scores"])[0])
    assert (classes[0], gaps[0]) == (2, pytest.approx(6))
    assert (classes[1], gaps[1]) == (1, pytest.approx(3))
    # an anchor is a detection of either name (once below 0.01); its evidence is the same for both
    assert sorted(np.round(gaps[classes > 0], 4).tolist()) == [1, 1, 3, 3, 6]


def detections(*rows) -> Detections:
    """From (name, score, gap, box) rows."""
    boxes = np.array([row[3] for row in rows], "f").reshape(-1, 4)
    scores, gap = (np.array([row[i] for row in rows], "f") for i in (1, 2))
    return Detections(boxes, scores, tuple(row[0] for row in rows), {"gap": gap})


HEAD, MOVED, OTHER = (0, 0, 0.5, 0.5), (0, 0.02, 0.5, 0.5), (0.5, 0.5, 1, 1)


def test_weak_answers_are_unknown_and_one_for_each_head():
    found = name_unknowns(
        detections(("a", 0.9, 5, HEAD), ("b", 0.8, 1, OTHER), ("c", 0.7, 0, OTHER), ("b", 0.6, 0, MOVED)), 2.0
    )
    assert found.names == ("a", UNKNOWN)  # a named box and a better unknown one stand for the other two
    assert found.scores == pytest.approx([0.9, 0.8])
    assert found.evidence["gap"] == pytest.approx([5, 1])


def test_a_better_scored_unknown_gives_way_to_a_name():
    found = name_unknowns(detections(("a", 0.9, 0, HEAD), ("b", 0.8, 5, MOVED)), 2.0)
    assert found.names == ("b",)


def test_no_detections():
    assert len(name_unknowns(detections(), 1.0)) == 0
