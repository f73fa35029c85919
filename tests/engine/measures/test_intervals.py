"""The bootstrap, against the measure itself."""

import numpy as np
import pytest

from engine.average_precision import evaluate_detections
from engine.measures.intervals import average_precision_of_draws, bootstrap_intervals
from tests.engine.by_hand import A, detected, marked, random_pictures


def test_every_draw_is_the_measure_of_its_pictures(rng):
    truths, found = random_pictures(rng, 25, digits=1)
    result = evaluate_detections(found, truths)
    names = [name for name, one in result.names.items() if one.objects]
    drawn = rng.multinomial(25, np.full(25, 1 / 25), size=20)
    drawn[0] = 1
    measured = np.array(average_precision_of_draws(result, drawn))  # [2, R, K]
    for row, counts in enumerate(drawn):
        chosen = np.repeat(np.arange(25), counts)
        again = evaluate_detections([found[i] for i in chosen], [truths[i] for i in chosen], names=names)
        for column, name in enumerate(names):
            expected = again.ap_voc07[name], again.ap_voc12[name]  # None, as NaN, without objects
            assert measured[:, row, column] == pytest.approx(np.array(expected, float), nan_ok=True)


def test_intervals_hold_the_figure_and_shrink_with_more_pictures(rng):
    widths = []
    for pictures in (30, 300):
        truths, found = random_pictures(rng, pictures)
        result = evaluate_detections(found, truths, names=["never"])
        intervals = bootstrap_intervals(result, replicates=200)
        assert intervals == bootstrap_intervals(result, replicates=200)  # draws are the same each time
        low, high = intervals.map_voc12
        assert low <= result.map_voc12 <= high
        assert intervals.ap_voc07["never"] is None
        assert all(0 <= one[0] <= one[1] <= 1 for one in intervals.ap_voc07.values() if one)
        widths.append(high - low)
    assert widths[1] < 0.6 * widths[0]


def test_nothing_was_detected():
    result = evaluate_detections([detected()] * 3, [marked(("a", A))] * 3)
    assert bootstrap_intervals(result, replicates=10).map_voc07 == (0, 0)
