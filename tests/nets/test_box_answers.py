import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nets.box_answers import answer_boxes

ANCHORS = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.4], [0.5, 0.5, 1.0, 1.0]], np.float32)
PROBABILITIES = np.array([[0.2, 0.7, 0.1], [0.9, 0.0, 0.1], [0.1, 0.1, 0.8]], np.float32)


def test_the_box_that_overlaps_says_who_it_is():
    (first, last) = answer_boxes(ANCHORS[[0, 2]], ANCHORS, PROBABILITIES)
    assert first.argmax() == 1
    np.testing.assert_allclose(last, PROBABILITIES[2], atol=1e-6)  # nobody else overlaps it


def test_a_certain_neighbour_counts_more_than_an_uncertain_one():
    (answer,) = answer_boxes(ANCHORS[[1]], ANCHORS, PROBABILITIES)
    # The second anchor overlaps fully but sees hardly anybody; weights by hand: 0.8^4 · 0.8 and 1 · 0.1.
    weights = np.array([0.8**5, 0.1])
    np.testing.assert_allclose(answer, weights @ PROBABILITIES[:2] / weights.sum(), atol=1e-5)


def test_no_boxes_no_answers():
    assert answer_boxes(np.zeros((0, 4)), ANCHORS, PROBABILITIES).shape == (0, 3)


@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 4), min_size=1, max_size=5))
def test_any_box_has_an_answer_that_sums_to_one(boxes):
    answers = answer_boxes(np.array(boxes), ANCHORS, PROBABILITIES)
    assert answers.min() >= 0
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-5)
