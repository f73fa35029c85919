"""What the operator sees: a line of JSON per request. Never pictures, names, tokens."""

import logging
import sys
import time

from asgi_correlation_id import CorrelationIdFilter, CorrelationIdMiddleware
from fastapi import FastAPI
from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.api import refusal

LOGGER = logging.getLogger("anime_ssd.web")


def log_to(stream=sys.stderr) -> None:
    """Write log lines to a stream."""
    names = {"levelname": "level", "message": "event", "correlation_id": "request", "exc_info": "error"}
    handler = logging.StreamHandler(stream)
    handler.addFilter(CorrelationIdFilter())
    handler.setFormatter(JsonFormatter(list(names)[:3], rename_fields=names, timestamp="time"))
    LOGGER.handlers = [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


class LogRequests:
    """ASGI middleware: times and logs every request; an error that nobody foresaw becomes a 500."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            LOGGER.exception("failure")
            if not status:
                sentence = "Something went wrong in the server; its log has the details."
                await refusal(500, sentence)(scope, receive, watch)
        finally:
            fields = {
                "method": scope["method"],
                # The route's pattern: a path may hold anything.
                "route": getattr(scope.get("route"), "path", "other"),
                "status": status,
                "milliseconds": round(1000 * (time.perf_counter() - started), 1),
            }
            LOGGER.info("request", extra=fields)


def observe(app: FastAPI) -> None:
    """Log and number the requests of an application."""
    app.add_middleware(LogRequests)
    app.add_middleware(CorrelationIdMiddleware)
