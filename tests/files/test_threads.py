import pytest

from files.threads import map_in_threads


def test_threads_keep_the_order_and_take_no_more_than_they_need():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = map_in_threads(lambda number: number * number, items(), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + 8
    results.close()
    assert list(map_in_threads(abs, [-1, -2], workers=5)) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(lambda number: 1 // number, [1, 0, 2], workers=2))
