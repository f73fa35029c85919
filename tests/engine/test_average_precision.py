"""Average precision against numbers by hand, a plain reference and its own properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.average_precision
from engine.average_precision import GroundTruth, average_precision, evaluate_detections
from tests.engine.by_hand import TABLES, A, B, C, D, by_hand, detected, marked, random_pictures


def number(value: float | None) -> float:
    """The value, of a name that has one."""
    assert value is not None
    return value


# The rule itself, on curves


def test_curve_by_hand():
    # Five detections of four objects: right, wrong, right, right, wrong; one object is never found.
    recall = [1 / 4, 1 / 4, 2 / 4, 3 / 4, 3 / 4]
    precision = [1, 1 / 2, 2 / 3, 3 / 4, 3 / 5]
    # Best precision from each recall on: 1 up to 1/4, then 3/4 up to 3/4, then 0.
    assert average_precision(recall, precision, rule="voc12") == pytest.approx(1 / 4 + 3 / 4 * 1 / 2)
    # Recalls 0, .1, .2 -> 1; .3 ... .7 -> 3/4; .8, .9, 1 -> 0.
    assert average_precision(recall, precision, rule="voc07") == pytest.approx((3 * 1 + 5 * 3 / 4) / 11)


@pytest.mark.parametrize(("recall", "precision", "voc07", "voc12"), TABLES["curves"])
def test_extreme_curves(recall, precision, voc07, voc12):
    assert average_precision(recall, precision, rule="voc07") == pytest.approx(voc07)
    assert average_precision(recall, precision, rule="voc12") == pytest.approx(voc12)


@pytest.mark.parametrize(("recall", "precision", "rule", "message"), TABLES["no_curves"])
def test_what_is_no_curve_or_no_rule_is_refused(recall, precision, rule, message):
    with pytest.raises(ValueError, match=message):
        average_precision(recall, precision, rule=rule)


# The VOC rules, on pictures


def assert_has(found, expected):
    """What stands in a table, to six digits."""
    for key, value in expected.items():
        has = np.asarray(getattr(found, key))
        has = has.astype(float).round(6) if has.dtype.kind == "f" else has
        np.testing.assert_array_equal(has, value, key)


@pytest.mark.parametrize("case", TABLES["pictures"], ids=lambda case: case["what"])
def test_pictures_by_hand(case):
    result = evaluate_detections(*by_hand(case), iou_threshold=case.get("iou_threshold", 0.5))
    assert_has(result, case.get("means", {}))
    assert_has(result.matches, case.get("matches", {}))
    for name, expected in case.get("names", {}).items():
        assert_has(result.names[name], expected)


def test_detection_belongs_to_the_object_it_overlaps_most_even_if_that_is_taken():
    # The second detection overlaps the other object by more than half as well; VOC does not pass it on.
    first, second = (0.0, 0.0, 1.0, 0.6), (0.0, 0.1, 1.0, 0.7)
    found = detected(("a", 0.9, first), ("a", 0.8, (0.0, 0.01, 1.0, 0.61)))
    truth = marked(("a", first), ("a", second))
    matches = evaluate_detections([found], [truth]).matches
    assert matches.overlap[matches.pairs.tolist().index([1, 1])] > 0.5
    assert matches.right.tolist() == [True, False]
    assert matches.object.tolist() == [0, 0]
    assert matches.missed_by(np.array([True, True])).tolist() == [False, True]


def test_names_without_objects_do_not_count_in_the_mean():
    truths = [marked(("a", A), ("only difficult", B, "difficult"))]
    found = [detected(("a", 0.9, A), ("never marked", 0.8, B))]
    result = evaluate_detections(found, truths, names=["never seen", "a"])
    assert list(result.names) == ["never seen", "a", "only difficult", "never marked"]
    assert result.map_voc07 == pytest.approx(1.0)
    assert [name for name, ap in result.ap_voc12.items() if ap is not None] == ["a"]
    assert result.names["never marked"].at(0.5).wrong == 1


def test_no_detections_at_all_give_zero():
    result = evaluate_detections([detected(), detected()], [marked(("a", A)), marked()])
    assert result.map_voc07 == result.map_voc12 == 0.0
    assert result.names["a"].best() is None
    point = result.names["a"].at(0.5)
    assert (point.right, point.wrong, point.missed) == (0, 0, 1)
    assert (point.precision, point.recall, point.f1) == (None, 0.0, 0.0)


@pytest.mark.parametrize("truths", [[], [marked(), marked()], [marked(("a", A, "difficult"))]])
def test_no_objects_at_all_is_an_error(truths):
    found = [detected(("a", 0.9, A)) for _ in truths]
    with pytest.raises(ValueError, match=f"{len(truths)} pictures have no marked object that counts"):
        evaluate_detections(found, truths)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(ValueError, match="2 and 1 pictures"):
        evaluate_detections([detected(), detected()], [marked(("a", A))])
    with pytest.raises(ValueError, match=r"\(1, 4\), 2 names"):
        GroundTruth(np.zeros((1, 4), np.float32), ("a", "b"))


def test_operating_points_by_hand():
    truths = [marked(("a", A), ("a", B))]
    found = [detected(("a", 0.9, A), ("a", 0.6, D), ("a", 0.3, B), ("a", 0.2, C))]
    numbers = evaluate_detections(found, truths).names["a"]
    point = numbers.at(0.5)
    assert (point.right, point.wrong, point.missed) == (1, 1, 1)
    assert (point.precision, point.recall, point.f1) == (0.5, 0.5, 0.5)
    # F1 at 0.9, 0.6, 0.3, 0.2: 2/3, 1/2, 4/5, 2/3.
    best = numbers.best()
    assert best is not None
    assert (best.threshold, best.f1) == pytest.approx((0.3, 0.8))
    assert numbers.at(number(best.threshold)) == best


def test_overlaps_do_not_depend_on_how_many_are_computed_at_once(monkeypatch):
    truths, found = random_pictures(np.random.default_rng(5))
    together = evaluate_detections(found, truths).matches
    monkeypatch.setattr(engine.average_precision, "_AT_ONCE", 1)
    single = evaluate_detections(found, truths).matches
    np.testing.assert_array_equal(together.pairs, single.pairs)
    np.testing.assert_array_equal(together.overlap, single.overlap)


# Against an independent reference, and properties, on random pictures


def reference_average_precision(found, truths, name, rule):
    """VOCevaldet.m and VOCap.m written out with loops, sharing no code with the module."""
    rows = [
        (float(score), picture, [float(v) for v in box])
        for picture, part in enumerate(found)
        for score, box, other in zip(part.scores, part.boxes, part.names, strict=True)
        if other == name
    ]
    rows.sort(key=lambda row: -row[0])
    taken, right, wrong, curve = set(), 0, 0, []
    objects = sum(
        other == name and not difficult
        for truth in truths
        for other, difficult in zip(truth.names, truth.difficult, strict=True)
    )
    for _score, picture, box in rows:
        best, index = -1.0, -1
        for i, (other, truth) in enumerate(zip(truths[picture].names, truths[picture].boxes, strict=True)):
            height = max(0.0, min(box[2], float(truth[2])) - max(box[0], float(truth[0])))
            width = max(0.0, min(box[3], float(truth[3])) - max(box[1], float(truth[1])))
            union = (
                (box[2] - box[0]) * (box[3] - box[1])
                + float(truth[2] - truth[0]) * float(truth[3] - truth[1])
                - height * width
            )
            if other == name and height * width / union > best:
                best, index = height * width / union, i
        if best >= 0.5:
            if truths[picture].difficult[index]:
                continue
            right, wrong = (right, wrong + 1) if (picture, index) in taken else (right + 1, wrong)
            taken.add((picture, index))
        else:
            wrong += 1
        curve.append((right / objects, right / (right + wrong)))
    if rule == "voc07":
        return sum(max((p for r, p in curve if r >= t / 10), default=0.0) for t in range(11)) / 11
    total, previous = 0.0, 0.0
    for i, (recall, _) in enumerate(curve):
        total += (recall - previous) * max(p for _, p in curve[i:])
        previous = recall
    return total


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_the_development_kit_written_out(seed):
    print(f"seed {seed}")
    truths, found = random_pictures(np.random.default_rng(seed))
    result = evaluate_detections(found, truths)
    assert result.matches.ignored.any()
    for rule, ours in (("voc07", result.ap_voc07), ("voc12", result.ap_voc12)):
        for name in ("a", "b", "千反田"):
            assert ours[name] == pytest.approx(reference_average_precision(found, truths, name, rule))


SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(SEEDS)
def test_properties(seed):
    rng = np.random.default_rng(seed)
    truths, found = random_pictures(rng)
    before = evaluate_detections(found, truths)

    # the order of the pictures does not matter
    order = rng.permutation(len(truths))
    turned = evaluate_detections([found[i] for i in order], [truths[i] for i in order])
    assert (turned.ap_voc07, turned.ap_voc12) == (before.ap_voc07, before.ap_voc12)

    # perfect detections have average precision one
    perfect = evaluate_detections(
        [detected(*((n, rng.random(), b) for n, b in zip(t.names, t.boxes, strict=True))) for t in truths],
        truths,
    )
    assert (perfect.map_voc07, perfect.map_voc12) == pytest.approx((1.0, 1.0))

    # one more wrong detection never raises the result
    rows = zip(found[1].names, found[1].scores, found[1].boxes, strict=True)
    added = [found[0], detected(*rows, ("a", rng.random(), (0.95, 0.95, 1.0, 1.0))), *found[2:]]
    after = evaluate_detections(added, truths)
    assert number(after.ap_voc07["a"]) <= number(before.ap_voc07["a"])
    assert number(after.ap_voc12["a"]) <= number(before.ap_voc12["a"])
    assert after.ap_voc12["b"] == before.ap_voc12["b"]

    # all points lie between the bounds
    for numbers in before.names.values():
        assert np.all(np.diff(numbers.recall) >= 0)
        assert np.all(np.diff(numbers.thresholds) < 0)
        assert 0 <= number(numbers.ap_voc12) <= max(numbers.recall, default=0.0) + 1e-9
        assert 0 <= number(numbers.ap_voc07) <= 1
