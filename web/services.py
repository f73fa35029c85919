"""What the routes share: the recogniser, the batcher, the inbox, the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

import numpy as np
from fastapi import Depends, Request

from datasets.inbox import Inbox
from nets.recogniser import Answers
from nets.thresholds import Thresholds
from web.batching import Batcher
from web.browser_runtime import BrowserModel
from web.observing import Metrics
from web.options import WebOptions
from web.verdicts import DrawnBoxes, Verdicts

Result = TypeVar("Result")


class Looked(Protocol):
    """What of `nets.recogniser.Look` is used here."""

    def found(self, score_threshold: float) -> Answers: ...
    def answers(self, boxes: np.ndarray) -> Answers: ...


class Recognises(Protocol):
    """What of `nets.recogniser.Recogniser` is used here; another classifier of faces may stand behind it."""

    @property
    def labels(self) -> Sequence[str]: ...
    @property
    def thresholds(self) -> Thresholds: ...
    def prepare(self, image: np.ndarray) -> np.ndarray: ...
    def look(self, images: Sequence[np.ndarray]) -> Sequence[Looked]: ...


@dataclass
class Services:
    """Lives as long as the application.

    Attributes:
        options: of the command line.
        network: name of the network behind `recogniser`.
        recogniser: looks at pictures.
        verdicts: how certain it is, in words.
        show_from: lowest score of a box that is shown.
        browser: what the browser needs to look by itself.
        inbox: for reports.
        metrics: counters.
        batcher: brings pictures of concurrent requests together.
        workers: threads that decode pictures and write reports.
        drawn_boxes: names the boxes that visitors draw; None: the recogniser does.
        ready: warmed up and not stopping.
    """

    options: WebOptions
    network: str
    recogniser: Recognises
    verdicts: Verdicts
    show_from: float
    browser: BrowserModel
    inbox: Inbox
    metrics: Metrics
    batcher: Batcher[np.ndarray, Looked]
    workers: Executor
    drawn_boxes: DrawnBoxes | None = None
    ready: bool = False

    async def in_worker(self, work: Callable[..., Result], *arguments: object) -> Result:
        """The result of a function that takes its time, from a thread of `workers`."""
        return await asyncio.get_running_loop().run_in_executor(self.workers, work, *arguments)


def _services(request: Request) -> Services:
    return request.app.state.services


UsesServices = Annotated[Services, Depends(_services)]
