"""Which pictures went well and which did not."""

import pytest

from engine.average_precision import evaluate_detections
from engine.measures.measure import picture_scores, worst_and_best
from tests.engine.by_hand import A, B, C, D, detected, marked


def scores(found, truths, threshold=0.5):
    matches = evaluate_detections(found, truths).matches
    return picture_scores(matches, matches.score >= threshold)


def test_one_picture_by_hand():
    truth = marked(("a", A), ("b", B), ("b", C), ("a", D, "difficult"))
    found = detected(
        ("a", 0.9, A),
        ("a", 0.8, D),  # the difficult one: ignored
        ("a", 0.7, A),  # found already
        ("b", 0.6, B),
        ("b", 0.4, C),  # right, but below the threshold
    )
    (score,) = scores([found], [truth])
    assert (score.counts.right, score.counts.wrong, score.counts.missed) == (2, 1, 1)
    assert score.f1 == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert score.margin == pytest.approx(0.4 - 0.7)


def test_picture_without_objects():
    truths = [marked(("a", A)), marked(), marked(), marked()]
    found = [detected(), detected(), detected(("a", 0.3, A)), detected(("a", 0.8, A))]
    f1_and_margin = [(score.f1, pytest.approx(score.margin)) for score in scores(found, truths)]
    assert f1_and_margin == [(0, 0), (1, 0), (1, -0.3), (0, -0.8)]


def test_ranking_is_by_f1_then_margin_then_filename():
    truths = [marked(("a", A)), marked(), marked(("a", A)), marked(("a", A)), marked(("a", A)), marked()]
    found = [
        detected(("a", 0.9, A)),
        detected(("a", 0.8, B)),
        detected(("a", 0.9, A), ("a", 0.3, B)),
        detected(),
        detected(("a", 0.9, A)),
        detected(),
    ]
    names = ["z.jpg", "wrong.jpg", "unsure.jpg", "missed.jpg", "a.jpg", "empty.jpg"]
    ranked = scores(found, truths)
    assert worst_and_best(ranked, names, 3) == ([1, 3, 5], [4, 0, 2])
    assert worst_and_best(ranked, names, 1) == ([1], [4])
    assert worst_and_best(ranked, names, 0) == ([], [])


@pytest.mark.parametrize("pictures", [0, 1, 2, 3, 7])
def test_no_picture_is_among_the_best_and_the_worst(pictures):
    ranked = scores([detected(("a", 0.9, A))] * pictures, [marked(("a", A))] * pictures) if pictures else []
    worst, best = worst_and_best(ranked, [f"{i}.jpg" for i in range(pictures)], 5)
    assert len(set(worst + best)) == len(worst + best) == pictures
    assert len(worst) >= len(best)
