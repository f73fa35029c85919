"""What the reports advise."""

import numpy as np
import pytest

from boxes.detections import Detections
from engine.average_precision import GroundTruth
from engine.measures.measure import measure
from engine.reports.words import how_it_learnt, most_mixed_up, name_notes, what_would_help
from nets.thresholds import Thresholds
from tests.engine.by_hand import evaluated

A = np.array([[0, 0, 0.5, 0.5]], "f")


def measured(*rows):
    """One picture for each (marked name, detected name or None, how many)."""
    found, truths = [], []
    for marked, detected, count in rows:
        for i in range(count):
            names = () if detected is None else (detected,)
            scores = np.array([0.9 - 0.001 * i] * len(names), "f")
            found.append(Detections(A[: len(names)], scores, names))
            truths.append(GroundTruth(A, (marked,)))
    return measure(evaluated(found, truths), Thresholds())


def test_names_that_data_and_checkpoint_do_not_share():
    assert name_notes(["a", "b"], ["b", "a"]) == []
    assert len(name_notes(["a", "b"], ["b", "c"])) == 2
    with pytest.raises(ValueError, match="knows none of the dataset's names"):
        name_notes(["a"], ["b"])


def test_mix_ups_scarce_names_and_the_costliest_mistakes():
    result = measured(("a", "a", 40), ("b", "b", 40), ("c", "a", 15), ("c", "c", 5), ("c", None, 3))
    assert most_mixed_up(result, 3) == [("c", "a", 15, 23)]
    said = " ".join(what_would_help(result, {"a": 100, "b": 90, "c": 20}))
    assert "It takes c for a (15 of 23)." in said
    assert "More pictures are needed most of c (AP" in said
    assert "20 boxes" in said
    assert "The costliest mistakes are of the kind “wrong name”" in said
    # with as many boxes as the others, it is something else
    said = " ".join(what_would_help(result, {"a": 100, "b": 90, "c": 95}))
    assert "Found worse than the rest, though not for lack of boxes: c (AP" in said


def test_nothing_to_blame():
    result = measured(("a", "a", 20), ("b", "b", 20))
    said = " ".join(what_would_help(result, {"a": 30, "b": 20, "never": 5}))
    assert "It does not confuse any two names more than once." in said
    assert "begin with b (AP 100.0 %, 20 boxes to learn from)" in said
    assert "costliest" not in said


def test_few_to_judge():
    result = measured(("a", "a", 20), ("b", None, 2))
    assert any("fewer than 10 objects of b" in one for one in what_would_help(result, {"a": 9, "b": 9}))


def test_length_of_the_training():
    steps = [100, 200, 300, 400, 500]

    def said(precision, best_step, total_steps=500):
        return how_it_learnt(steps, precision, best_step, total_steps)[0]

    assert said([0.1, 0.2, 0.3, 0.4, 0.5], 500).startswith("It was still getting better")
    assert said([0.1, 0.5, 0.4, 0.4, 0.4], 200).startswith("It was best at step 200")
    assert said([0.1, 0.4, 0.5, 0.5, 0.5], 500).startswith("It had settled")
    assert said([0.1, 0.4, 0.5, 0.5, 0.5], 500, 900) == "The training stopped at step 500 of 900."
    assert said([0.0, 0.0, 0.01, 0.01, 0.02], 500).startswith("So far it has learnt next to nothing")
    assert how_it_learnt([1], [0.5], 1, 1) == []


def test_a_detector_that_has_learnt_nothing_gets_no_advice_on_labels():
    assert what_would_help(measured(("a", "b", 9), ("b", None, 9)), {"a": 9, "b": 1}) == []
