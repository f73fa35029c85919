"""The confusion matrix against pictures counted by hand; each kind of mistake."""

import numpy as np
import pytest

from engine.average_precision import evaluate_detections
from engine.measures.mistakes import KINDS, confusion_matrix, count_errors
from tests.engine.by_hand import TABLES, A, by_hand, detected, marked, random_pictures


def broken_down(found, truths, threshold=0.0):
    result = evaluate_detections(found, truths)
    return count_errors(result.matches, result.matches.score >= threshold), result


@pytest.mark.parametrize(("row", "kind"), TABLES["kinds"])
def test_kinds(row, kind):
    other = marked(("b", A))  # so that b is a name that can be detected
    errors, _ = broken_down([detected(row), detected(("b", 0.95, A))], [marked(("a", A)), other])
    expected = dict.fromkeys(KINDS, 0) | {kind: 1}
    if kind not in ("bad box", "wrong name"):  # these meant the object: putting them right finds it
        expected["missed"] = 1
    assert errors == expected


@pytest.mark.parametrize("case", TABLES["mistakes"], ids=lambda case: case["what"])
def test_counts_by_hand(case):
    errors, result = broken_down(*by_hand(case), case.get("threshold", 0.0))
    assert errors == dict.fromkeys(KINDS, 0) | case["counts"]
    assert {name: result.ap_voc12[name] for name in case.get("ap", {})} == pytest.approx(case.get("ap", {}))


def test_every_mistake_has_one_kind(rng):
    truths, found = random_pictures(rng, 60)
    errors, result = broken_down(found, truths)
    wrong = sum(int((~one.right).sum()) for one in result.names.values())
    assert sum(errors[kind] for kind in KINDS if kind != "missed") == wrong
    unfound = sum(one.objects - int(one.right.sum()) for one in result.names.values())
    assert errors["missed"] <= unfound


# The confusion matrix


def confused(found, truths, threshold=0.5, names=("a", "b")):
    matches = evaluate_detections(found, truths, names=names).matches
    return confusion_matrix(matches, matches.score >= threshold)


def test_every_object_and_every_detection_is_in_the_matrix_once(rng):
    truths, found = random_pictures(rng, 60)
    truths = [type(truth)(truth.boxes, truth.names) for truth in truths]  # none difficult
    confusion = confused(found, truths, 0.3)
    assert confusion.counts[:-1, :-1].sum() > 0
    for i, name in enumerate(confusion.names):
        assert confusion.counts[i].sum() == sum(truth.names.count(name) for truth in truths)
        assert confusion.counts[:, i].sum() == sum(part.above(0.3).names.count(name) for part in found)
    assert confusion.counts[-1, -1] == 0


@pytest.mark.parametrize("case", TABLES["confusions"], ids=lambda case: case["what"])
def test_who_is_paired_with_whom(case):
    found, truths = by_hand(case)
    confusion = confused(found, truths, names=case.get("names", ["a", "b"]))
    assert (list(confusion.names), confusion.counts.tolist()) == (case.get("are", ["a", "b"]), case["counts"])
    assert confused([*found, detected()], [*truths, marked()]).counts.dtype == np.int64
