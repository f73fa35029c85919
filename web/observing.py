"""What the operator sees: a line of JSON per request, and metrics. Never pictures, names, tokens."""

from __future__ import annotations

import json
import logging
import sys
import time
import uuid

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.refusals import refusal

LOGGER = logging.getLogger("anime_ssd.web")


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_to(stream=sys.stderr) -> None:
    """Write log lines to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    LOGGER.handlers = [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "anime_ssd_requests", "Requests by route and status", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "anime_ssd_request_seconds", "Time to answer", ["route"], registry=self.registry
        )
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


class Observe:
    """ASGI middleware: counts, times and logs every request; an error that nobody foresaw becomes a 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, number = time.perf_counter(), 0, uuid.uuid4().hex[:12]

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", number.encode())]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            LOGGER.exception("failure", extra={"fields": {"request": number}})
            if not status:
                sentence = "Something went wrong in the server; its log has the details."
                await refusal(500, sentence)(scope, receive, watch)
        finally:
            seconds = time.perf_counter() - started
            # The route's pattern, not the path: a visitor must not be able to invent new counters.
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(route, str(status)).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            fields = {
                "request": number,
                "method": scope["method"],
                "route": route,
                "status": status,
                "milliseconds": round(1000 * seconds, 1),
            }
            LOGGER.info("request", extra={"fields": fields})
