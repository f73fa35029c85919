"""Work on many pictures at once, in as many threads as the machine lends cores."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many this process may use: a container or taskset may lend fewer than os.cpu_count() says."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 0, ahead: int = 0
) -> Generator[Result, None, None]:
    """`map` over threads, in order, with few results waiting: memory does not grow with `items`.

    Args:
        function: releases the interpreter lock where it works (decoding, reading files).
        items: taken only as fast as results are.
        workers: threads; 0 means one per core.
        ahead: results that may wait; 0 means four per thread.
    """
    count = workers or cores()
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="pictures") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= (ahead or 4 * count):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
