from itertools import islice

import numpy as np
import pytest

from engine.input.order import endless_order, paste_candidates, repeat_factors


def order(count, pictures=7, seed=3, first=0, **more) -> list[int]:
    return [int(n) for n in islice(endless_order(pictures, seed, first, **more).as_numpy_iterator(), count)]


def test_every_round_holds_every_picture_once():
    numbers = order(21)
    rounds = [numbers[i : i + 7] for i in (0, 7, 14)]
    assert [sorted(one) for one in rounds] == [list(range(7))] * 3
    assert rounds[0] != rounds[1] != rounds[2]
    assert order(21, seed=4) != numbers


@pytest.mark.parametrize("factors", [None, np.array([1.0, 1.0, 2.5, 1.0, 1.25, 1.0, 4.0])])
def test_it_can_be_entered_anywhere(factors):
    numbers = order(60, factors=factors)
    for first in (0, 1, 6, 7, 11, 12, 13, 30, 47):
        assert order(12, first=first, factors=factors) == numbers[first : first + 12]


def test_pictures_are_shown_as_often_as_their_factors_say(seed):
    factors = np.array([1.0, 1.5, 1.1, 3.0, 2.25])
    rounds = 20
    counts = np.bincount(order(round(factors.sum() * rounds), 5, seed, factors=factors), minlength=5)
    np.testing.assert_allclose(counts, factors * rounds, atol=2.5)


def test_repeat_factors_by_hand():
    """Name 1 is on all of four pictures, name 2 on one of them."""
    classes = [np.array(one, np.int64) for one in ([1], [1, 1], [1, 2], [1], [])]
    np.testing.assert_allclose(
        repeat_factors(classes, threshold=0.8), [1.0, 1.0, (0.8 / 0.2) ** 0.5, 1.0, 1.0]
    )
    assert (repeat_factors(classes, threshold=0.0) == 1.0).all()


def test_every_name_is_pasted_with_the_same_chance():
    classes = [np.array(one, np.int64) for one in ([1, 1], [], [2, 1])]
    pictures, objects, chances = paste_candidates(classes)
    assert pictures.tolist() == [0, 0, 2, 2]
    assert objects.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(np.diff(chances, prepend=0.0), [1 / 6, 1 / 6, 1 / 2, 1 / 6])
