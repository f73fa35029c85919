import numpy as np
import pytest

from boxes.geometry import encode, iou
from nets.network import Scores
from nets.postprocess import MAX_DETECTIONS, Look, answers_of_anchors, look_at, probabilities, suppress
from tests.conftest import tables


def look(codes, logits, anchors, scores: Scores = "softmax") -> tuple[Look, np.ndarray]:
    """At a picture of which a network says codes [A, 4] and logits [A, C]; and the classes found."""
    boxes, shares = (
        np.asarray(one)[0] for one in answers_of_anchors(codes[None], logits[None], anchors, scores)
    )
    seen = look_at(boxes, shares, logits, [str(number) for number in range(1, logits.shape[1])])
    return seen, np.array(seen.detections.names, int)


def greedy(boxes, threshold):
    """The textbook loop."""
    overlaps = iou(boxes, boxes)
    kept = []
    for index in range(len(boxes)):
        if all(overlaps[index, better] <= threshold for better in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize("seed", range(6))
def test_suppress_is_the_greedy_loop(seed):
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.5, (60, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.1, 0.5, (60, 2))], -1).astype(np.float32)
    # A chain, each box overlapping only its neighbours, is settled in as many rounds as it has boxes.
    left = np.arange(30) * 0.02
    chain = np.stack([np.zeros(30), left, np.ones(30), left + 0.06], -1).astype(np.float32)
    for some in (boxes, np.concatenate([chain, boxes]), boxes[:0]):
        assert list(np.flatnonzero(suppress(some))) == greedy(some, 0.45)


TABLES = tables(__file__)
ANCHORS = np.array(TABLES["anchors"]["places"], "f")


def test_detections_are_sorted_and_suppressed_per_name():
    seen, classes = look(np.zeros((4, 4), "f"), np.log(np.array(TABLES["anchors"]["said"], "f")), ANCHORS)
    # The second anchor goes for name 1 (the first is better) and stays for name 2 (there it is the best).
    np.testing.assert_array_equal(classes, [2, 1, 2, 1])
    np.testing.assert_allclose(seen.detections.scores, [0.9, 0.8, 0.2, 0.05], rtol=1e-5)
    np.testing.assert_array_equal(seen.anchors, [2, 0, 1, 2])
    np.testing.assert_allclose(seen.detections.boxes, np.clip(ANCHORS[[2, 0, 1, 2]], 0, 1), atol=1e-6)


def test_the_best_of_each_name_and_of_all_are_kept_the_first_of_equal_ones():
    """300 anchors side by side and two names: 200 candidates of each, 200 detections of both."""
    left = np.arange(300, dtype="f")[:, None] / 300
    anchors = np.concatenate([0 * left, left, 0 * left + 1, left + 1 / 300], 1)
    logits = np.zeros((300, 3), "f")
    logits[:250, 1], logits[50:, 2] = 3.0, 2.0
    seen, classes = look(np.zeros((300, 4), "f"), logits, anchors, "sigmoid")
    assert classes.tolist() == [1] * MAX_DETECTIONS
    np.testing.assert_array_equal(seen.anchors, np.arange(MAX_DETECTIONS))
    seen, classes = look(
        np.zeros((300, 4), "f"), logits[::-1, [0, 2, 1]], anchors[:, [0, 1, 2, 3]], "sigmoid"
    )
    assert classes.tolist() == [2] * MAX_DETECTIONS
    np.testing.assert_array_equal(seen.anchors, np.arange(50, 250))


def test_names_without_a_score_change_nothing():
    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(80)[:40])
    low = rng.uniform(0, 0.7, (90, 2))
    anchors = np.concatenate([low, low + rng.uniform(0.1, 0.3, (90, 2))], 1).astype("f")
    logits = np.full((90, 81), -60, "f")
    logits[:, 0] = 0.0
    logits[:, some + 1] = np.round(rng.normal(0, 2, (90, 40)))  # equal scores, too
    (many, of_many), (few, of_few) = (
        look(np.zeros((90, 4), "f"), one, anchors, "sigmoid") for one in (logits, logits[:, [0, *(some + 1)]])
    )
    assert len(of_few) == MAX_DETECTIONS
    np.testing.assert_array_equal(of_many, some[of_few - 1] + 1)
    for one, other in ((many.anchors, few.anchors), (many.best_of_head, few.best_of_head)):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(many.detections.scores, few.detections.scores)


def test_boxes_are_clipped_and_decoded():
    wanted = np.array([[0.85, 0.85, 1.3, 1.3]] * 4, "f")
    codes = encode(wanted, ANCHORS)
    logits = np.array([[9.0, 0.0], [9.0, 0.0], [9.0, 0.0], [0.0, 9.0]], "f")
    seen, _ = look(codes, logits, ANCHORS)
    np.testing.assert_allclose(seen.detections.boxes, [[0.85, 0.85, 1.0, 1.0]], atol=1e-5)
    nothing, _ = look(codes[:3], logits[:3], ANCHORS[:3])
    assert len(nothing.detections) == len(nothing.best_of_head) == 0


def test_sigmoids_answer_for_each_name_by_itself():
    logits = np.log([[99.0, 4.0, 9.0], [99.0, 1 / 9, 1 / 4]]).astype("f")
    found = np.asarray(probabilities(logits[None], "sigmoid"))
    np.testing.assert_allclose(found, [[[0.1, 0.8, 0.9], [0.8, 0.1, 0.2]]], atol=1e-6)
    seen, classes = look(np.zeros((2, 4), "f"), logits, ANCHORS[:2], "sigmoid")
    np.testing.assert_allclose(seen.detections.scores[:2], [0.9, 0.8], atol=1e-6)
    np.testing.assert_array_equal(classes[:2], [2, 1])


def test_evidence_belongs_to_the_anchor_of_each_detection():
    anchors = np.array([[0, 0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0, 0.5, 0.4, 0.9]], "f")
    seen, classes = look(np.zeros((3, 4), "f"), np.array([[0, 1, 0], [0, 0, 6], [0, 4, 1]], "f"), anchors)
    gaps = np.asarray(seen.detections.evidence)
    assert (classes[0], gaps[0]) == (2, pytest.approx(6))
    assert (classes[1], gaps[1]) == (1, pytest.approx(3))
    # an anchor is a detection of either name (once below 0.01); its evidence is the same for both
    assert sorted(np.round(gaps, 4).tolist()) == [1, 1, 3, 3, 6]


def test_one_head_has_one_name():
    anchors, probability = (np.array(TABLES["one_head"][key], "f") for key in ("anchors", "said"))
    seen, classes = look(np.zeros((5, 4), "f"), np.log(probability), anchors)
    best = seen.best_of_head
    assert [*zip(seen.anchors[best], classes[best], strict=True)] == [(0, 1), (2, 2), (4, 1)]
    assert (3, 2) in zip(seen.anchors, classes, strict=True)
    np.testing.assert_allclose(seen.anchor_boxes, np.clip(anchors, 0, 1), atol=1e-6)
    np.testing.assert_allclose(seen.probabilities, probability, rtol=1e-5)
