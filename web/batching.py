"""Pictures of concurrent requests go through the network together."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from web.api import busy

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """One thread that works on whatever is waiting: while a batch runs, the next one gathers.

    Nobody waits for a batch to fill, so a lone visitor is served at once.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        batch_size: int,
        max_waiting: int,
    ):
        """Prepare; `run` must be running for anything to be done.

        `work` gives one result for each item, in a thread of its own.
        """
        self._work = work
        self._batch_size = batch_size
        self._max_waiting = max_waiting
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="network")

    @property
    def waiting(self) -> int:
        """Items that are not in a batch yet."""
        return len(self._waiting)

    async def __call__(self, items: Sequence[Item]) -> list[Result]:
        """Results for items, in their order.

        Raises:
            Refused: too many are waiting, or the server is stopping.
        """
        if self._closing:
            raise busy("The server is stopping; try again in a minute.", 60)
        if len(self._waiting) + len(items) > self._max_waiting:
            raise busy("Too many pictures are waiting; try again in a moment.", 2)
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Result]] = [loop.create_future() for _ in items]
        self._waiting += zip(items, futures, strict=True)
        self._wake.set()
        return list(await asyncio.gather(*futures))

    async def run(self) -> None:
        """Work until `close`, and then on what is still waiting."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._waiting:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            batch, self._waiting = self._waiting[: self._batch_size], self._waiting[self._batch_size :]
            batch = [one for one in batch if not one[1].cancelled()]  # visitors who left
            if not batch:
                continue
            try:
                results = await loop.run_in_executor(self._thread, self._work, [item for item, _ in batch])
            except Exception as error:  # told to every visitor of the batch; the next batch goes on
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)

    def close(self) -> None:
        """Take nothing more."""
        self._closing = True
        self._wake.set()
