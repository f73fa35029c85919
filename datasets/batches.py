"""Goes through pictures: read in threads, worked on some at a time, given on one by one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from datasets.pictures import PictureError
from files.threads import map_in_threads

Item = TypeVar("Item")
Found = TypeVar("Found")


def in_batches(
    items: Iterable[Item],
    read: Callable[[Item], np.ndarray],
    work: Callable[[list[np.ndarray]], Sequence[Found]],
    *,
    batch_size: int,
    unreadable: Callable[[Item, str], None],
) -> Iterator[tuple[Item, np.ndarray, Found]]:
    """Gives each item with its picture and result, in order; the next pictures are read during the work.

    Args:
        items: what the pictures are of.
        read: gives an item's picture [H, W, 3]; called in threads.
        work: one result for each of up to `batch_size` pictures.
        batch_size: pictures worked on at once.
        unreadable: told of every item for which `read` raises PictureError, and why; it is left out.
    """

    def attempt(item: Item) -> tuple[Item, np.ndarray | PictureError]:
        try:
            return item, read(item)
        except PictureError as error:
            return item, error

    def finished() -> Iterator[tuple[Item, np.ndarray, Found]]:
        results = work([picture for _, picture in batch])
        yield from ((item, picture, one) for (item, picture), one in zip(batch, results, strict=True))

    batch: list[tuple[Item, np.ndarray]] = []
    for item, picture in map_in_threads(attempt, items):
        if isinstance(picture, PictureError):
            unreadable(item, str(picture))
            continue
        batch.append((item, picture))
        if len(batch) == batch_size:
            yield from finished()
            batch = []
    if batch:
        yield from finished()
