"""The application: routes, the door before them, and what is observed."""

from fastapi import FastAPI

from web import pages, recognition
from web.api import handle_refusals
from web.observing import observe
from web.security import Door
from web.services import Services


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
    app.include_router(pages.router)
    app.include_router(recognition.router)
    pages.add_files(app, services)
    # The last one added is the outermost: every answer, a refusal too, is counted and logged.
    app.add_middleware(Door, options=services.options)
    observe(app, services.metrics)
    return app
