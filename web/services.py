"""What the routes share: the detector, the batcher, the inbox."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import numpy as np
from fastapi import Depends, Request

from datasets.inbox import Inbox
from faces.classifier import FaceClassifier
from nets.detector import Detector
from web.batching import Batcher
from web.browser_runtime import browser_model
from web.options import WebOptions
from web.verdicts import DrawnBoxes, Verdicts

Result = TypeVar("Result")
# Pictures that are decoded at once; each may take 75 MB at the limit.
_DECODERS = 4


class Services:
    """Lives as long as the application."""

    def __init__(
        self, options: WebOptions, detector: Detector, inbox: Inbox, faces: FaceClassifier | None = None
    ):
        self.options, self.detector, self.inbox = options, detector, inbox
        # Of the network behind the detector: shown on the page and kept with reports.
        self.network = detector.network.name
        self.verdicts = Verdicts(detector.thresholds)
        self.show_from = self.verdicts.show_from(options.show_from)
        # The network as a file for the browser; None: `browser_reason` says why.
        self.browser, self.browser_reason = None, "off"
        if options.browser and faces is None:
            kept = inbox.folder / "browser"
            self.browser, self.browser_reason = browser_model(detector, kept, self.show_from)
        self.batcher = Batcher(detector.look, batch_size=options.batch_size, max_waiting=options.max_waiting)
        # Names the boxes that visitors draw; None: the detector does.
        self.drawn_boxes = None if faces is None else DrawnBoxes(faces, options)
        self.ready = False  # warmed up and not stopping
        self._workers = ThreadPoolExecutor(_DECODERS, thread_name_prefix="pictures")

    async def in_worker(self, work: Callable[..., Result], *arguments: object) -> Result:
        """The result of a function that takes its time, from a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at pictures during the block, warmed up: no visitor waits until the network has been built."""
        batchers = [self.batcher, *([self.drawn_boxes.batcher] if self.drawn_boxes else [])]
        working = [asyncio.create_task(batcher.run()) for batcher in batchers]
        if self.drawn_boxes is not None:
            await self.drawn_boxes.batcher([np.zeros((8, 8, 3), np.uint8)])
        blank = self.detector.prepare(np.zeros((8, 8, 3), np.uint8))
        for size in sorted({1, 2, self.options.batch_size}):
            if size <= self.options.max_waiting:
                await self.batcher([blank] * size)
        self.ready = True
        yield
        # uvicorn has let every request finish by now.
        self.ready = False
        for batcher in batchers:
            batcher.close()
        await asyncio.gather(*working)
        self._workers.shutdown()


def _services(request: Request) -> Services:
    return request.app.state.services


UsesServices = Annotated[Services, Depends(_services)]
