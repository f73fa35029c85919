"""The bootstrap, against the measure itself."""

import time

import numpy as np
import pytest

from boxes.detections import Detections
from engine.average_precision import GroundTruth, evaluate_detections
from engine.measures.intervals import average_precision_of_draws, bootstrap_intervals
from tests.engine.by_hand import random_pictures


def test_every_draw_is_the_measure_of_its_pictures(rng):
    truths, found = random_pictures(rng, 25, digits=1)
    result = evaluate_detections(found, truths)
    names = [name for name, one in result.names.items() if one.objects]
    drawn = rng.multinomial(25, np.full(25, 1 / 25), size=20)
    drawn[0] = 1
    voc07, voc12 = average_precision_of_draws(result, drawn)
    for row, counts in enumerate(drawn):
        chosen = np.repeat(np.arange(25), counts)
        again = evaluate_detections([found[i] for i in chosen], [truths[i] for i in chosen], names=names)
        for column, name in enumerate(names):
            expected = again.names[name]
            if expected.objects:
                assert voc07[row, column] == pytest.approx(expected.ap_voc07)
                assert voc12[row, column] == pytest.approx(expected.ap_voc12)
            else:
                assert np.isnan(voc07[row, column])


def test_intervals_hold_the_figure_and_shrink_with_more_pictures(rng):
    widths = []
    for pictures in (30, 300):
        truths, found = random_pictures(rng, pictures)
        result = evaluate_detections(found, truths, names=["never"])
        intervals = bootstrap_intervals(result, replicates=200)
        low, high = intervals.map_voc12
        assert low <= result.map_voc12 <= high
        assert intervals.ap_voc07["never"] is None
        assert all(0 <= one[0] <= one[1] <= 1 for one in intervals.ap_voc07.values() if one)
        widths.append(high - low)
    assert widths[1] < 0.6 * widths[0]


def test_the_same_result_has_the_same_intervals(rng):
    truths, found = random_pictures(rng)
    result = evaluate_detections(found, truths)
    assert bootstrap_intervals(result, replicates=50) == bootstrap_intervals(result, replicates=50)


def test_a_thousand_pictures_in_seconds(rng):
    truths, found = random_pictures(rng, 1000)
    result = evaluate_detections(found, truths)
    started = time.perf_counter()
    bootstrap_intervals(result)
    assert time.perf_counter() - started < 20  # 0.4 s on a quiet core


def test_nothing_was_detected():
    truths = [GroundTruth(np.array([[0, 0, 1, 1]], "f"), ("a",))] * 3
    found = [Detections(np.zeros((0, 4), "f"), np.zeros(0, "f"), ())] * 3
    intervals = bootstrap_intervals(evaluate_detections(found, truths), replicates=10)
    assert intervals.map_voc07 == (0, 0)
