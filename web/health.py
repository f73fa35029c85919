"""Routes for the operator: is it alive, can it work, what has it done."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from web.refusals import refusal
from web.services import UsesServices

router = APIRouter(tags=["operation"])


@router.get("/health")
async def health():
    """The process answers."""
    return {"status": "alive"}


@router.get("/ready", responses={503: {"description": "Not yet, or not any more"}})
async def ready(services: UsesServices):
    """Pictures can be looked at and reports be kept."""
    if not services.ready:
        return refusal(503, "Not ready: starting or stopping.")
    return {"status": "ready"}


@router.get("/metrics", include_in_schema=False)
async def metrics(services: UsesServices):
    """For Prometheus."""
    services.metrics.waiting.set(services.batcher.waiting)
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)
