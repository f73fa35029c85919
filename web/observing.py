"""What the operator sees: a line of JSON per request, and metrics. Never pictures, names, tokens."""

import logging
import sys
import time

from asgi_correlation_id import CorrelationIdFilter, CorrelationIdMiddleware
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_fastapi_instrumentator import Instrumentator
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


class Metrics:
    """The counters of one application, beside those of its requests."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.batch = Histogram(
            "anime_ssd_batch_pictures",
            "Pictures that went through the network together",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=self.registry,
        )
        self.waiting = Gauge(
            "anime_ssd_waiting_pictures", "Pictures that wait for the network", registry=self.registry
        )
        self.reports = Counter("anime_ssd_reports", "Reports received", ["result"], registry=self.registry)


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


def observe(app: FastAPI, metrics: Metrics) -> None:
    """Log, number and count the requests of an application, and tell Prometheus at /metrics."""
    app.add_middleware(LogRequests)
    app.add_middleware(CorrelationIdMiddleware)
    counting = Instrumentator(should_group_status_codes=False, registry=metrics.registry)
    counting.instrument(app, metric_namespace="anime_ssd").expose(app, include_in_schema=False)
