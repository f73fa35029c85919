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
    """Works on pictures while the next ones are read.

    Args:
        items: what the pictures are of.
        read: gives an item's picture [H, W, 3]; called in threads.
        work: one result for each of up to `batch_size` pictures.
        batch_size: pictures worked on at once.
        unreadable: told of every item for which `read` raises PictureError, and why; it is left out.

    Yields:
        Item, picture and result, in the order of the items.
    """

    def attempt(item: Item) -> tuple[Item, np.ndarray | None, str]:
        try:
            return item, read(item), ""
        except PictureError as error:
            return item, None, str(error)

    batch: list[tuple[Item, np.ndarray]] = []

    def finished() -> Iterator[tuple[Item, np.ndarray, Found]]:
        found = work([picture for _, picture in batch])
        for (item, picture), one in zip(batch, found, strict=True):
            yield item, picture, one
        batch.clear()

    for item, picture, reason in map_in_threads(attempt, items):
        if picture is None:
            unreadable(item, reason)
            continue
        batch.append((item, picture))
        if len(batch) == batch_size:
            yield from finished()
    if batch:
        yield from finished()
