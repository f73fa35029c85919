import itertools
import threading
import time

import pytest

from video.read_ahead import ReadAhead, batches


def test_items_come_in_order_and_in_full_batches():
    with ReadAhead(iter(range(10)), 3) as ahead:
        assert list(batches(ahead, 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
        assert ahead.take(4) == []


def test_an_error_comes_where_the_item_would_have():
    def source():
        yield from range(5)
        raise ValueError("damaged")

    with ReadAhead(source(), 3) as ahead:
        assert ahead.take(3) == [0, 1, 2]
        assert ahead.take(3) == [3, 4]
        with pytest.raises(ValueError, match="damaged"):
            ahead.take(3)


def test_it_does_not_run_further_ahead_than_it_may_and_ends_when_left():
    taken = []
    with ReadAhead((taken.append(i) or i for i in itertools.count()), 4) as ahead:
        ahead.take(2)
        time.sleep(0.05)
        assert len(taken) <= 2 + 4 + 1
    assert not [thread for thread in threading.enumerate() if thread.name == "read ahead"]


def test_of_a_camera_the_newest_items_are_kept():
    def camera():
        for i in range(40):
            time.sleep(0.002)
            yield i

    with ReadAhead(camera(), 4, newest=True) as ahead:
        time.sleep(0.3)
        assert ahead.take(10) == [37, 38, 39] or ahead.take(10) == []
