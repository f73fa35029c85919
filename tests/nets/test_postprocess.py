import numpy as np
import pytest
from keras import ops

from boxes.geometry import encode, iou
from nets.postprocess import probabilities, select_detections, suppress
from tests.conftest import tables


def greedy(boxes, scores, threshold):
    """The textbook loop."""
    overlaps = np.asarray(iou(boxes, boxes))
    kept = []
    for index in range(len(boxes)):
        if scores[index] > 0 and all(overlaps[index, better] <= threshold for better in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize("seed", range(6))
def test_suppress_is_the_greedy_loop(seed):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.5, (3, 60, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.1, 0.5, (3, 60, 2))], -1).astype(np.float32)
    scores = np.sort(rng.uniform(0, 1, (3, 60)).astype(np.float32))[:, ::-1].copy()
    scores[:, 50:] = 0.0
    # A chain, each box overlapping only its neighbours, is settled in as many rounds as it has boxes.
    left = np.arange(30) * 0.02
    boxes[0, :30] = np.stack([np.zeros(30), left, np.ones(30), left + 0.06], -1)
    kept = np.asarray(suppress(boxes, scores, iou_threshold=0.45))
    for row in range(3):
        assert list(np.flatnonzero(kept[row])) == greedy(boxes[row], scores[row], 0.45)


TABLES = tables(__file__)
ANCHORS = np.array(TABLES["anchors"]["places"], "f")


def test_detections_are_sorted_suppressed_per_name_and_padded():
    probability = np.array([TABLES["anchors"]["said"]], "f")
    found = select_detections(np.zeros((1, 4, 4), "f"), np.log(probability), ANCHORS)
    found = {name: np.asarray(value)[0, :6] for name, value in found.items()}
    # The second anchor goes for name 1 (the first is better) and stays for name 2 (there it is the best).
    np.testing.assert_array_equal(found["classes"], [2, 1, 2, 1, 0, 0])
    np.testing.assert_allclose(found["scores"], [0.9, 0.8, 0.2, 0.05, 0.0, 0.0], rtol=1e-5)
    np.testing.assert_array_equal(found["anchors"][:4], [2, 0, 1, 2])
    np.testing.assert_allclose(found["boxes"][:4], np.clip(ANCHORS[[2, 0, 1, 2]], 0, 1), atol=1e-6)


def test_names_without_a_score_cost_nothing_and_change_nothing():
    """Of 80 names 40 have scores, more than are suppressed at once: answers are those of these 40 alone."""
    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(80)[:40])
    low = rng.uniform(0, 0.7, (90, 2))
    anchors = np.concatenate([low, low + rng.uniform(0.1, 0.3, (90, 2))], 1).astype("f")
    logits = np.full((2, 90, 81), -60, "f")
    logits[..., 0] = 0.0
    logits[..., some + 1] = np.round(rng.normal(0, 2, (2, 90, 40)))  # equal scores, too
    many, few = (
        select_detections(np.zeros((2, 90, 4), "f"), one, anchors, score_activation="sigmoid")
        for one in (logits, logits[..., [0, *(some + 1)]])
    )
    assert np.asarray(few["classes"]).all()
    np.testing.assert_array_equal(many["classes"], some[np.asarray(few["classes"]) - 1] + 1)
    for key in ("boxes", "anchors", "best_of_head", "scores"):
        np.testing.assert_array_equal(many[key], few[key])


def test_boxes_are_clipped_and_decoded():
    wanted = np.array([[0.85, 0.85, 1.3, 1.3]] * 4, "f")
    codes = np.asarray(encode(wanted, ANCHORS))[None]
    logits = np.array([[[9.0, 0.0], [9.0, 0.0], [9.0, 0.0], [0.0, 9.0]]], "f")
    found = select_detections(codes, logits, ANCHORS)
    np.testing.assert_allclose(np.asarray(found["boxes"])[0, 0], [0.85, 0.85, 1.0, 1.0], atol=1e-5)
    nothing = select_detections(codes[:, :3], logits[:, :3], ANCHORS[:3])
    assert not np.asarray(nothing["classes"]).any()
    assert not np.asarray(nothing["scores"]).any()


def test_sigmoids_answer_for_each_name_by_itself():
    logits = np.log([[[99.0, 4.0, 9.0], [99.0, 1 / 9, 1 / 4]]]).astype("f")
    found = np.asarray(probabilities(logits, "sigmoid"))
    np.testing.assert_allclose(found, [[[0.1, 0.8, 0.9], [0.8, 0.1, 0.2]]], atol=1e-6)
    codes = np.zeros((1, 2, 4), "f")
    selected = select_detections(codes, logits, ANCHORS[:2], score_activation="sigmoid")
    np.testing.assert_allclose(np.asarray(selected["scores"])[0, :2], [0.9, 0.8], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(selected["classes"])[0, :2], [2, 1])


def test_evidence_belongs_to_the_anchor_of_each_detection():
    anchors = np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0, 0.5, 0.4, 0.9]], "f")
    logits = np.array([[[0, 1, 0], [0, 0, 6], [0, 4, 1]]], "f")
    found = select_detections(np.zeros((1, 3, 4), "f"), logits, anchors)
    gaps, classes = (ops.convert_to_numpy(found[key])[0] for key in ("evidence", "classes"))
    assert (classes[0], gaps[0]) == (2, pytest.approx(6))
    assert (classes[1], gaps[1]) == (1, pytest.approx(3))
    # an anchor is a detection of either name (once below 0.01); its evidence is the same for both
    assert sorted(np.round(gaps[classes > 0], 4).tolist()) == [1, 1, 3, 3, 6]


def test_one_head_has_one_name():
    anchors, probability = (np.array(TABLES["one_head"][key], "f") for key in ("anchors", "said"))
    found = select_detections(np.zeros((1, 5, 4), "f"), np.log(probability[None]), anchors)
    found = {key: ops.convert_to_numpy(value)[0] for key, value in found.items()}
    best = found["best_of_head"]
    assert [*zip(found["anchors"][best], found["classes"][best], strict=True)] == [(0, 1), (2, 2), (4, 1)]
    assert (3, 2) in zip(found["anchors"], found["classes"], strict=True)
    np.testing.assert_allclose(found["anchor_boxes"], np.clip(anchors, 0, 1), atol=1e-6)
    np.testing.assert_allclose(found["probabilities"], probability, rtol=1e-5)
