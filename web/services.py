"""What the routes share: the detector, the batcher, the inbox.

Pictures of concurrent requests go through the network together.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Generic, TypeVar

import numpy as np
from fastapi import Depends, Request

from datasets.inbox import Inbox
from nets.detector import Detector
from web.api import busy
from web.browser_runtime import browser_model
from web.options import WebOptions
from web.verdicts import Verdicts

Item = TypeVar("Item")
Result = TypeVar("Result")
# Pictures that are decoded at once; each may take 75 MB at the limit.
_DECODERS = 4


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


class Services:
    """Lives as long as the application."""

    def __init__(self, options: WebOptions, detector: Detector, inbox: Inbox):
        self.options, self.detector, self.inbox = options, detector, inbox
        # Of the network behind the detector: shown on the page and kept with reports.
        self.network = detector.network.name
        self.verdicts = Verdicts(detector.thresholds)
        self.show_from = self.verdicts.show_from(options.show_from)
        # The network as a file for the browser; None: `browser_reason` says why.
        self.browser, self.browser_reason = None, "off"
        if options.browser:
            kept = inbox.folder / "browser"
            self.browser, self.browser_reason = browser_model(detector, kept, self.show_from)
        self.batcher = Batcher(detector.look, batch_size=options.batch_size, max_waiting=options.max_waiting)
        self.ready = False  # warmed up and not stopping
        self._workers = ThreadPoolExecutor(_DECODERS, thread_name_prefix="pictures")

    async def in_worker(self, work: Callable[..., Result], *arguments: object) -> Result:
        """The result of a function that takes its time, from a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at pictures during the block, warmed up: no visitor waits until the network has been built."""
        working = asyncio.create_task(self.batcher.run())
        blank = self.detector.prepare(np.zeros((8, 8, 3), np.uint8))
        for size in sorted({1, 2, self.options.batch_size}):
            if size <= self.options.max_waiting:
                await self.batcher([blank] * size)
        self.ready = True
        yield
        # uvicorn has let every request finish by now.
        self.ready = False
        self.batcher.close()
        await working
        self._workers.shutdown()


def _services(request: Request) -> Services:
    return request.app.state.services


UsesServices = Annotated[Services, Depends(_services)]
