"""The bootstrap, against the measure itself."""

import numpy as np
import pytest

from engine.average_precision import evaluate_detections
from engine.measures.calibration import auroc, reliability_of
from engine.measures.intervals import average_precision_of_draws, bootstrap_intervals
from engine.measures.measure import measure
from nets.thresholds import Thresholds
from tests.engine.by_hand import TABLES, A, by_hand, detected, evaluated, marked, random_pictures


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


def test_bins_by_hand():
    result = measure(evaluated(*by_hand(TABLES["bins"])), Thresholds()).calibration
    assert result.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 2]  # neither 0.05 nor the ignored one
    assert result.mean_scores[[0, 7, 8]] == pytest.approx([0.12, 0.85, 0.94])
    assert result.shares_right[[0, 7, 8]].tolist() == [0, 0, 1]
    assert result.error == pytest.approx((0.12 + 0.85 + 2 * 0.06) / 4)
    assert result.excess == pytest.approx((0.12 + 0.85 - 2 * 0.06) / 4)


def test_honest_scores_have_a_small_error(rng):
    scores = rng.uniform(0.1, 1, 20_000)
    assert reliability_of(scores, rng.random(20_000) < scores).error == pytest.approx(0, abs=0.02)
    braggart = reliability_of(scores, rng.random(20_000) < scores / 2)
    assert braggart.error == pytest.approx(0.275, abs=0.02)
    assert braggart.excess == pytest.approx(braggart.error)


def test_the_ends_of_the_range():
    low, high = (reliability_of(np.array([score]), np.array([True])) for score in (0.05, 1.0))
    assert (low.error, low.excess) == (None, None)
    assert high.counts[-1] == 1


@pytest.mark.parametrize(("higher", "lower", "area"), [*TABLES["auroc"], ([], [1], None)])
def test_auroc(higher, lower, area):
    assert auroc(np.array(higher), np.array(lower)) == area
