"""The application, with the door before it: the page and its files, all from here, and probes of it."""

import functools
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from visualization.colours import hex_colour
from visualization.web_font import web_font
from web import browser_runtime, recognition
from web.api import About, KnownName, Refused, handle_refusals, refusal
from web.observing import observe
from web.options import MAX_BOXES, MAX_BYTES, MAX_PIXELS
from web.security import Door
from web.services import Services, UsesServices

STATIC = Path(__file__).resolve().parent / "static"
EXAMPLES = Path(__file__).resolve().parent.parent / "demo"
_MOST_EXAMPLES = 4
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable"}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page():
    return FileResponse(STATIC / "index.html")


@router.get("/api/about", response_model=About)
async def about(services: UsesServices):
    """What the page must know about the model."""
    verdicts = services.verdicts
    return About(
        network=services.network,
        names=[
            KnownName(
                name=name,
                colour=hex_colour(name),
                maybe_from=verdicts.maybe_from(name),
                sure_from=verdicts.sure_from(name),
            )
            for name in services.detector.labels
        ],
        show_from=services.show_from,
        least_ratio=verdicts.least_ratio,
        max_bytes=MAX_BYTES,
        max_pixels=MAX_PIXELS,
        max_boxes=MAX_BOXES,
        # The address changes with the model, so that a browser keeps it as long as it may.
        browser=f"/model.onnx?{services.browser.stem}" if services.browser else None,
        browser_reason=services.browser_reason or None,
        # A few of the drawn pictures that come along, to try the page with.
        examples=[f"/examples/{path.name}" for path in sorted(EXAMPLES.glob("*.jpg"))[::2][:_MOST_EXAMPLES]],
    )


@router.get("/model.onnx")
async def model(services: UsesServices):
    """The network for the browser."""
    if services.browser is None:
        raise Refused(404, "There is no model for the browser here.")
    return FileResponse(services.browser, media_type="application/octet-stream", headers=_FOR_GOOD)


@router.get("/health", include_in_schema=True)
async def health():
    """The process answers."""
    return {"status": "alive"}


@router.get("/ready", include_in_schema=True)
async def ready(services: UsesServices):
    """Pictures can be looked at."""
    return {"status": "ready"} if services.ready else refusal(503, "Not ready: starting or stopping.")


_font = functools.cache(web_font)  # taking a font apart takes a second


def add_files(app: FastAPI, people: Sequence[str]) -> None:
    """Serve the files of a page, and a font for names and for what it says."""
    said = [(STATIC / name).read_text(encoding="utf-8") for name in ("words.js", "index.html")]
    font = _font("".join([*people, *said]))

    @app.get("/names.woff", include_in_schema=False)
    async def names():
        if not font:
            raise Refused(404, "No font is needed.")
        return Response(font, media_type="font/woff", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=STATIC))


def create_app(services: Services) -> FastAPI:
    """Build the application; `services` run as long as it does."""
    # /docs would load its scripts from another server.
    app = FastAPI(
        title="Anime characters",
        version="1",
        lifespan=lambda _: services.running(),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.services = services
    handle_refusals(app)
    app.include_router(router)
    app.include_router(recognition.router)
    add_files(app, services.detector.labels)
    app.mount("/examples", StaticFiles(directory=EXAMPLES, check_dir=False))
    if services.browser is not None:
        app.mount("/runtime", StaticFiles(directory=browser_runtime.FOLDER))
    # The last one added is the outermost: every answer, a refusal too, is logged.
    app.add_middleware(Door, options=services.options)
    observe(app)
    return app
