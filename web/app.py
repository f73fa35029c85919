"""The application: routes, limits and services put together."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from fastapi import FastAPI

from datasets.inbox import Inbox
from faces.classifier import FaceClassifier
from web import feedback, pages, recognition
from web.batching import Batcher
from web.browser_runtime import BrowserModel
from web.observing import Metrics, observe
from web.options import WebOptions
from web.refusals import handle_refusals
from web.security import Door
from web.services import Recognises, Services
from web.verdicts import DrawnBoxes, Verdicts

# Pictures that are decoded at once; each may take 75 MB at the default limit.
_DECODERS = 4


def create_app(
    options: WebOptions,
    recogniser: Recognises,
    inbox: Inbox,
    *,
    network: str = "",
    browser: BrowserModel | None = None,
    faces: FaceClassifier | None = None,
) -> FastAPI:
    """Build the application.

    Args:
        options: of the command line.
        recogniser: looks at pictures.
        inbox: keeps reports.
        network: name of the network, shown on the page and kept with reports.
        browser: what the browser needs to look by itself.
        faces: names the boxes that visitors draw.
    """
    metrics = Metrics()
    verdicts = Verdicts(recogniser.thresholds)
    services = Services(
        options=options,
        network=network,
        recogniser=recogniser,
        verdicts=verdicts,
        show_from=verdicts.show_from(options.show_from),
        browser=browser or BrowserModel(b"", "off"),
        inbox=inbox,
        metrics=metrics,
        batcher=Batcher(
            recogniser.look,
            batch_size=options.batch_size,
            max_waiting=options.max_waiting,
            on_batch=metrics.batch.observe,
        ),
        workers=ThreadPoolExecutor(_DECODERS, thread_name_prefix="pictures"),
        drawn_boxes=None if faces is None else DrawnBoxes(faces, options),
    )
    metrics.waiting.set_function(lambda: services.batcher.waiting)
    batchers = [services.batcher, *([services.drawn_boxes.batcher] if services.drawn_boxes else [])]

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI):
        working = [asyncio.create_task(batcher.run()) for batcher in batchers]
        await _warm_up(services)
        services.ready = True
        yield
        # uvicorn has let every request finish by now.
        services.ready = False
        for batcher in batchers:
            batcher.close()
        await asyncio.gather(*working)
        services.workers.shutdown()

    # /docs would load its scripts from another server.
    app = FastAPI(
        title="Anime characters",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.services = services
    handle_refusals(app)
    for module in (pages, recognition, feedback):
        app.include_router(module.router)
    pages.add_files(app, services)
    # The last one added is the outermost: every answer, a refusal too, is logged and has the headers.
    app.add_middleware(Door, options=options)
    observe(app, metrics)
    return app


async def _warm_up(services: Services) -> None:
    """Let the network be built for one picture and for several, so that no visitor waits for it."""
    if services.drawn_boxes is not None:
        await services.drawn_boxes.warm_up()
    blank = services.recogniser.prepare(np.zeros((8, 8, 3), np.uint8))
    for size in sorted({1, 2, services.options.batch_size}):
        if size <= services.options.max_waiting:
            await services.batcher([blank] * size)
