"""The confusion matrix against pictures counted by hand; each kind of mistake, and what undoing it gains."""

import numpy as np
import pytest

from engine.average_precision import evaluate_detections
from engine.measures.mistakes import KINDS, break_down_errors, confusion_matrix
from tests.engine.by_hand import TABLES, A, B, C, D, detected, marked, random_pictures


def broken_down(found, truths, threshold=0.0):
    result = evaluate_detections(found, truths)
    return break_down_errors(result, result.matches.score >= threshold), result


@pytest.mark.parametrize(("row", "kind"), TABLES["kinds"])
def test_kinds(row, kind):
    other = marked(("b", A))  # so that b is a name that can be detected
    errors, _ = broken_down([detected(row), detected(("b", 0.95, A))], [marked(("a", A)), other])
    expected = dict.fromkeys(KINDS, 0) | {kind: 1}
    if kind not in ("bad box", "wrong name"):  # these meant the object: putting them right finds it
        expected["missed"] = 1
    assert errors.counts == expected


def test_duplicate():
    errors, result = broken_down([detected(("a", 0.9, A), ("a", 0.8, A))], [marked(("a", A))])
    assert errors.counts == dict.fromkeys(KINDS, 0) | {"duplicate": 1}
    assert result.map_voc12 == 1
    assert errors.costs == dict.fromkeys(KINDS, 0.0)


def test_costs_by_hand():
    """Two objects: one found at 0.8, below a false alarm at 0.9; the other missed."""
    found = [detected(("a", 0.8, A)), detected(), detected(("a", 0.9, D))]
    errors, result = broken_down(found, [marked(("a", A)), marked(("a", A)), marked()])
    assert errors.counts == dict.fromkeys(KINDS, 0) | {"background": 1, "missed": 1}
    assert result.map_voc12 == pytest.approx(0.25)  # recall 1/2 at precision 1/2
    assert errors.costs["background"] == pytest.approx(0.25)  # recall 1/2 at precision 1
    assert errors.costs["missed"] == pytest.approx(0.25)  # one object, found at precision 1/2
    assert errors.costs["wrong name"] == errors.costs["bad box"] == 0


def test_the_best_of_those_that_meant_an_object_is_put_right():
    found = [detected(("b", 0.9, A), ("b", 0.8, (0.0, 0.0, 0.4, 0.39))), detected(("b", 0.7, A))]
    errors, result = broken_down(found, [marked(("a", A)), marked(("b", A))])
    assert errors.counts["wrong name"] == 2
    assert result.ap_voc12 == {"a": 0, "b": pytest.approx(1 / 3)}
    # a is found by the first, the second goes, so b is all right too
    assert result.map_voc12 + errors.costs["wrong name"] == pytest.approx(1)


def test_counts_are_at_the_thresholds():
    found = [detected(("a", 0.9, A), ("a", 0.3, D)), detected(("a", 0.2, A))]
    for threshold, counts in ((0.0, {"background": 1}), (0.5, {"missed": 1})):
        errors, _ = broken_down(found, [marked(("a", A))] * 2, threshold)
        assert errors.counts == dict.fromkeys(KINDS, 0) | counts


def test_difficult_objects_are_neither_missed_nor_found():
    found = [detected(("a", 0.9, A)), detected(("a", 0.8, A))]
    errors, _ = broken_down(found, [marked(("a", A, "difficult")), marked(("a", A))])
    assert errors.counts == dict.fromkeys(KINDS, 0)


def test_every_mistake_has_one_kind(rng):
    truths, found = random_pictures(rng, 60)
    errors, result = broken_down(found, truths)
    wrong = sum(int((~one.right).sum()) for one in result.names.values())
    assert sum(errors.counts[kind] for kind in KINDS if kind != "missed") == wrong
    unfound = sum(one.objects - int(one.right.sum()) for one in result.names.values())
    assert errors.counts["missed"] <= unfound
    assert all(0 <= cost <= 1 - result.map_voc12 + 1e-9 for cost in errors.costs.values())
    assert errors.costs["missed"] > 0


# The confusion matrix


def confused(found, truths, threshold=0.5, names=("a", "b")):
    matches = evaluate_detections(found, truths, names=names).matches
    return confusion_matrix(matches, matches.score >= threshold)


def test_confusion_by_hand():
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
    confusion = confused(found, truths, names=())
    assert confusion.names == ("える", "奉太郎")
    assert confusion.counts.tolist() == [
        [0, 1, 1],  # える: taken for 奉太郎 once, missed once
        [0, 1, 0],
        [0, 1, 0],  # background taken for 奉太郎
    ]


def test_every_object_and_every_detection_is_in_the_matrix_once(rng):
    truths, found = random_pictures(rng, 60)
    truths = [type(truth)(truth.boxes, truth.names) for truth in truths]  # none difficult
    confusion = confused(found, truths, 0.3)
    assert confusion.counts[:-1, :-1].sum() > 0
    for i, name in enumerate(confusion.names):
        assert confusion.counts[i].sum() == sum(truth.names.count(name) for truth in truths)
        assert confusion.counts[:, i].sum() == sum(part.above(0.3).names.count(name) for part in found)
    assert confusion.counts[-1, -1] == 0


@pytest.mark.parametrize(("truth", "found", "counts"), TABLES["confusions"])
def test_who_is_paired_with_whom(truth, found, counts):
    truth, found = marked(*truth), detected(*found)
    assert confused([found], [truth]).counts.tolist() == counts
    assert confused([found, detected()], [truth, marked()]).counts.dtype == np.int64
