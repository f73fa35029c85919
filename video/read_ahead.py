"""An iterator that runs ahead in a thread of its own, a bounded number of items."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """Takes items from a source in a thread; use it in a `with` statement, which ends the thread.

    An exception of the source is raised where the item would have come.
    """

    def __init__(self, source: Iterable[Item], count: int, *, newest: bool = False):
        """Starts.

        Args:
            source: is read in the thread only.
            count: so many items may wait.
            newest: for a camera: where too many wait, the oldest is dropped instead of making it wait.
        """
        self._source, self._newest = source, newest
        self._queue: queue.Queue[tuple[str, Item | BaseException | None]] = queue.Queue(max(1, count))
        self._closing = threading.Event()
        self._final: tuple[str, Item | BaseException | None] | None = None
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)
        self._thread.start()

    def __enter__(self) -> ReadAhead[Item]:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def take(self, count: int) -> list[Item]:
        """The next items: `count` of them, fewer at the end (or, for a camera, those that are there)."""
        items: list[Item] = []
        while len(items) < count and self._final is None:
            try:
                kind, value = self._queue.get(block=not (self._newest and items))
            except queue.Empty:
                break
            if kind == "item":
                items.append(value)  # pyright: ignore[reportArgumentType]
            else:
                self._final = kind, value
        if not items and self._final is not None and isinstance(self._final[1], BaseException):
            raise self._final[1]
        return items

    def _run(self) -> None:
        try:
            for item in self._source:
                self._put("item", item)
                if self._closing.is_set():
                    return
        except BaseException as error:  # raised again in `take`
            self._put("error", error)
        else:
            self._put("end", None)

    def _put(self, kind: str, value: Item | BaseException | None) -> None:
        while not self._closing.is_set():
            try:
                self._queue.put((kind, value), timeout=0 if self._newest else 0.1)
                return
            except queue.Full:
                if self._newest:
                    self._drop_oldest()

    def _drop_oldest(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._queue.get_nowait()


def batches(ahead: ReadAhead[Item], count: int) -> Iterator[list[Item]]:
    """Lists of up to `count` items until there are no more."""
    while items := ahead.take(count):
        yield items
