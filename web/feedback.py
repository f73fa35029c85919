"""The route that takes reports: what a visitor says is wrong."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Response, UploadFile
from pydantic import ValidationError

from datasets.inbox import ReportedBox
from datasets.labels import clean_name
from web.api import Report, ReportBox, ReportReceipt
from web.observing import LOGGER
from web.options import MAX_BOXES
from web.recognition import REFUSALS, decode_uploads
from web.refusals import Refused
from web.services import UsesServices

router = APIRouter(prefix="/api", tags=["feedback"])


@router.post("/reports", response_model=ReportReceipt, status_code=201, responses={200: {}, **REFUSALS})
async def reports(
    picture: UploadFile, report: Annotated[str, Form()], response: Response, services: UsesServices
):
    """Keep a picture with the visitor's boxes for a person to look at.

    `report`: JSON, {"consent": true, "boxes": [{"box": [xmin, ymin, xmax, ymax], "name": ..., "was": ...}]}.
    The picture is kept re-encoded, without its metadata. 201: new; 200: the same report was there already.
    """
    try:
        said = Report.model_validate_json(report)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Refused(422, f"report{'.' + where if where else ''}: {first['msg']}.") from None
    if not said.consent:
        raise Refused(422, "Without your consent the picture is not kept, so there is nothing to report.")
    if len(said.boxes) > MAX_BOXES:
        raise Refused(413, f"{len(said.boxes)} boxes; at most {MAX_BOXES} are taken at once.")
    (image,) = await decode_uploads([picture], services)
    boxes = [_in_picture(one, image.shape[1], image.shape[0]) for one in said.boxes]
    try:  # the answer goes out when the report is on the disk, not before
        key, new = await services.in_worker(services.inbox.add, image, boxes, services.network)
    except OSError:  # the disk is full or away
        LOGGER.exception("report not kept")
        sentence = "The report could not be kept; try again in a minute."
        raise Refused(503, sentence, headers={"Retry-After": "60"}) from None
    services.metrics.reports.labels("new" if new else "known").inc()
    response.status_code = 201 if new else 200
    return ReportReceipt(key=key, new=new)


def _in_picture(said: ReportBox, width: int, height: int) -> ReportedBox:
    """A box as LabelImg counts: from 1, inside the picture.

    Raises:
        Refused: nothing of it is inside, or its name is not plain text.
    """
    left, top, right, bottom = (round(value) for value in said.box)
    box = (max(left, 1), max(top, 1), min(right, width), min(bottom, height))
    if not (box[0] < box[2] and box[1] < box[3]):
        raise Refused(422, f"A box needs min < max inside the picture of {width} x {height} pixels.")
    return ReportedBox(box, _plain(said.name), _plain(said.was))


def _plain(name: str | None) -> str | None:
    """A name as it is stored: text in any script; it becomes an element of an XML file, never a path."""
    if name is None:
        return None
    cleaned = clean_name(name)
    if not cleaned or not cleaned.isprintable():
        raise Refused(422, "A name is text that can be seen, without control characters.")
    return cleaned
